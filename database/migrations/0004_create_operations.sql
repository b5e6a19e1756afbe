-- What happened, who must know, who did it, and what the background jobs have done.

CREATE TABLE IF NOT EXISTS system_events (
    id BIGINT NOT NULL AUTO_INCREMENT,
    event_type VARCHAR(64) NOT NULL,
    severity VARCHAR(16) NOT NULL,
    client_id VARCHAR(36) NULL,
    agent_id VARCHAR(36) NULL,
    instance_id VARCHAR(64) NULL,
    message VARCHAR(500) NOT NULL,
    details JSON NULL,
    created_at DATETIME(3) NOT NULL,
    CONSTRAINT system_events_pk PRIMARY KEY (id),
    KEY system_events_client_idx (client_id, created_at),
    KEY system_events_agent_idx (agent_id, created_at),
    KEY system_events_created_idx (created_at),
    CONSTRAINT system_events_client_fk FOREIGN KEY (client_id) REFERENCES clients (id)
        ON DELETE CASCADE,
    CONSTRAINT system_events_severity_ck CHECK (severity IN ('info', 'warning', 'error'))
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS notifications (
    id BIGINT NOT NULL AUTO_INCREMENT,
    client_id VARCHAR(36) NULL,
    agent_id VARCHAR(36) NULL,
    notification_type VARCHAR(64) NOT NULL,
    severity VARCHAR(16) NOT NULL,
    message VARCHAR(500) NOT NULL,
    is_read TINYINT(1) NOT NULL DEFAULT 0,
    created_at DATETIME(3) NOT NULL,
    CONSTRAINT notifications_pk PRIMARY KEY (id),
    KEY notifications_client_idx (client_id, created_at),
    KEY notifications_created_idx (created_at),
    CONSTRAINT notifications_client_fk FOREIGN KEY (client_id) REFERENCES clients (id)
        ON DELETE CASCADE,
    CONSTRAINT notifications_severity_ck CHECK (severity IN ('info', 'warning', 'error'))
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Outlives the client that it speaks of: no foreign key, on purpose.
CREATE TABLE IF NOT EXISTS audit_logs (
    id BIGINT NOT NULL AUTO_INCREMENT,
    actor_type VARCHAR(16) NOT NULL,
    actor_id VARCHAR(36) NULL,
    actor_name VARCHAR(255) NOT NULL,
    action VARCHAR(64) NOT NULL,
    client_id VARCHAR(36) NULL,
    subject_type VARCHAR(32) NOT NULL,
    subject_id VARCHAR(64) NULL,
    details JSON NULL,
    remote_address VARCHAR(64) NULL,
    request_id VARCHAR(64) NULL,
    created_at DATETIME(3) NOT NULL,
    CONSTRAINT audit_logs_pk PRIMARY KEY (id),
    KEY audit_logs_created_idx (created_at),
    KEY audit_logs_subject_idx (subject_type, subject_id, created_at),
    CONSTRAINT audit_logs_actor_ck CHECK (
        actor_type IN ('operator', 'client', 'cli', 'system')
    )
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Values that SQL needs too (the events read them), written by the program at start.
CREATE TABLE IF NOT EXISTS settings (
    name VARCHAR(64) NOT NULL,
    value VARCHAR(255) NOT NULL,
    updated_at DATETIME(3) NOT NULL,
    CONSTRAINT settings_pk PRIMARY KEY (name)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- running_job makes "at most one run of a job at a time, on any number of nodes" a unique key.
CREATE TABLE IF NOT EXISTS job_runs (
    job VARCHAR(64) NOT NULL,
    slot BIGINT NOT NULL,
    status VARCHAR(16) NOT NULL,
    node VARCHAR(100) NOT NULL,
    attempt INT NOT NULL DEFAULT 1,
    lease_until DATETIME(3) NOT NULL,
    started_at DATETIME(3) NOT NULL,
    finished_at DATETIME(3) NULL,
    row_count BIGINT NULL,
    error VARCHAR(500) NULL,
    running_job VARCHAR(64) AS (CASE WHEN status = 'running' THEN job END) VIRTUAL,
    CONSTRAINT job_runs_pk PRIMARY KEY (job, slot),
    CONSTRAINT job_runs_running_uq UNIQUE KEY (running_job),
    KEY job_runs_started_idx (started_at),
    CONSTRAINT job_runs_status_ck CHECK (status IN ('running', 'done', 'failed'))
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
