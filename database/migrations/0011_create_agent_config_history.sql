-- Who changed which setting of an agent, from what to what; and what the operators' lists look up.

-- version is the one that the change made. changes is {"setting": {"before": ..., "after": ...}}.
CREATE TABLE IF NOT EXISTS agent_config_history (
    id BIGINT NOT NULL AUTO_INCREMENT,
    client_id VARCHAR(36) NOT NULL,
    agent_id VARCHAR(36) NOT NULL,
    version INT NOT NULL,
    actor_type VARCHAR(16) NOT NULL,
    actor_name VARCHAR(255) NOT NULL,
    changes JSON NOT NULL,
    changed_at DATETIME(3) NOT NULL,
    CONSTRAINT agent_config_history_pk PRIMARY KEY (id),
    KEY agent_config_history_agent_idx (agent_id, id),
    KEY agent_config_history_changed_idx (changed_at),
    CONSTRAINT agent_config_history_client_fk FOREIGN KEY (client_id) REFERENCES clients (id)
        ON DELETE CASCADE,
    CONSTRAINT agent_config_history_agent_fk FOREIGN KEY (agent_id) REFERENCES agents (id)
        ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

ALTER TABLE switches
    ADD KEY switches_outcome_idx (client_id, status, cause);

ALTER TABLE notifications
    ADD KEY notifications_unread_idx (is_read, client_id, id);
