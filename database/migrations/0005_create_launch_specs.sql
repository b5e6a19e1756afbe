-- How to launch another instance like this one, as the instance itself describes it. User data may
-- hold secrets: it is encrypted by the program and never leaves through the API.

CREATE TABLE IF NOT EXISTS launch_specs (
    agent_id VARCHAR(36) NOT NULL,
    client_id VARCHAR(36) NOT NULL,
    instance_id VARCHAR(64) NOT NULL,
    spec JSON NOT NULL,
    user_data_encrypted MEDIUMTEXT NULL,
    spec_hash BINARY(32) NOT NULL,
    created_at DATETIME(3) NOT NULL,
    updated_at DATETIME(3) NOT NULL,
    CONSTRAINT launch_specs_pk PRIMARY KEY (agent_id),
    CONSTRAINT launch_specs_client_fk FOREIGN KEY (client_id) REFERENCES clients (id)
        ON DELETE CASCADE,
    CONSTRAINT launch_specs_agent_fk FOREIGN KEY (agent_id) REFERENCES agents (id)
        ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
