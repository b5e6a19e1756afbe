-- Decisions: what engines said of each agent, what the guard made of it, and what really happened.

-- The limits of voluntary moves that had no column yet. maintenance_windows: JSON array of
-- {"days": ["mon", ...], "from": "22:00", "to": "04:00"} in UTC; NULL: at any time.
ALTER TABLE agent_configs
    ADD COLUMN max_price_age_seconds INT NOT NULL DEFAULT 900 AFTER min_pool_duration_hours,
    ADD COLUMN return_stable_minutes INT NOT NULL DEFAULT 120 AFTER max_price_age_seconds,
    ADD COLUMN max_pool_share_percent INT NOT NULL DEFAULT 30 AFTER return_stable_minutes,
    ADD COLUMN max_moved_percent INT NOT NULL DEFAULT 10 AFTER max_pool_share_percent,
    ADD COLUMN maintenance_windows JSON NULL AFTER max_moved_percent,
    ADD CONSTRAINT agent_configs_day_ck CHECK (max_switches_per_day BETWEEN 0 AND 100),
    ADD CONSTRAINT agent_configs_week_ck CHECK (max_switches_per_week BETWEEN 0 AND 500),
    ADD CONSTRAINT agent_configs_stay_ck CHECK (min_pool_duration_hours BETWEEN 0 AND 720),
    ADD CONSTRAINT agent_configs_age_ck CHECK (max_price_age_seconds BETWEEN 60 AND 86400),
    ADD CONSTRAINT agent_configs_stable_ck CHECK (return_stable_minutes BETWEEN 0 AND 10080),
    ADD CONSTRAINT agent_configs_share_ck CHECK (max_pool_share_percent BETWEEN 1 AND 100),
    ADD CONSTRAINT agent_configs_moved_ck CHECK (max_moved_percent BETWEEN 1 AND 100);

-- Counts where the primaries of a client are, without a look at the rows. No heartbeat changes it.
ALTER TABLE instances
    ADD KEY instances_place_idx (client_id, role, mode, instance_type, az);

-- One row per agent and pass: the risk of its present instance, and whether it was lost within an
-- hour. model_version: the trained model behind the score, NULL without one.
CREATE TABLE IF NOT EXISTS risk_scores (
    id BIGINT NOT NULL AUTO_INCREMENT,
    client_id VARCHAR(36) NOT NULL,
    agent_id VARCHAR(36) NOT NULL,
    instance_id VARCHAR(64) NOT NULL,
    pool_id VARCHAR(128) NULL,
    risk_score DECIMAL(5, 4) NOT NULL,
    recommended_action VARCHAR(16) NOT NULL,
    recommended_mode VARCHAR(16) NOT NULL,
    recommended_pool_id VARCHAR(128) NULL,
    expected_savings_usd_per_hour DECIMAL(12, 6) NOT NULL,
    allowed TINYINT(1) NOT NULL,
    reason VARCHAR(500) NOT NULL,
    model_version VARCHAR(64) NULL,
    outcome VARCHAR(16) NULL,
    created_at DATETIME(3) NOT NULL,
    CONSTRAINT risk_scores_pk PRIMARY KEY (id),
    CONSTRAINT risk_scores_pass_uq UNIQUE KEY (agent_id, created_at),
    KEY risk_scores_client_idx (client_id, created_at),
    KEY risk_scores_created_idx (created_at),
    CONSTRAINT risk_scores_client_fk FOREIGN KEY (client_id) REFERENCES clients (id)
        ON DELETE CASCADE,
    CONSTRAINT risk_scores_agent_fk FOREIGN KEY (agent_id) REFERENCES agents (id)
        ON DELETE CASCADE,
    CONSTRAINT risk_scores_score_ck CHECK (risk_score BETWEEN 0 AND 1),
    CONSTRAINT risk_scores_action_ck CHECK (
        recommended_action IN ('stay', 'switch_spot', 'switch_ondemand')
    ),
    CONSTRAINT risk_scores_outcome_ck CHECK (outcome IN ('survived', 'lost', 'censored'))
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Every decision with its grounds. source: who answered; fallback_cause: why the engine did not.
-- guard: JSON array of [reason, sentence]. outcome: what became of it, known an hour later.
-- realized_*: mean price of the hour after the decision, in the pool that was left or kept and in
-- the one that was advised, USD per hour.
CREATE TABLE IF NOT EXISTS decision_engine_log (
    id BIGINT NOT NULL AUTO_INCREMENT,
    client_id VARCHAR(36) NOT NULL,
    agent_id VARCHAR(36) NOT NULL,
    instance_id VARCHAR(64) NOT NULL,
    trigger_source VARCHAR(16) NOT NULL,
    source VARCHAR(16) NOT NULL,
    fallback_cause VARCHAR(500) NULL,
    engine_type VARCHAR(64) NOT NULL,
    engine_version VARCHAR(32) NOT NULL,
    model_version VARCHAR(64) NULL,
    action VARCHAR(16) NOT NULL,
    target_pool_id VARCHAR(128) NULL,
    risk_score DECIMAL(5, 4) NOT NULL,
    expected_savings_usd_per_hour DECIMAL(12, 6) NOT NULL,
    present_mode VARCHAR(16) NOT NULL,
    present_pool_id VARCHAR(128) NULL,
    input_data JSON NOT NULL,
    output_decision JSON NOT NULL,
    guard_outcome VARCHAR(16) NOT NULL,
    guard JSON NULL,
    command_id VARCHAR(36) NULL,
    execution_time_ms INT NOT NULL,
    outcome VARCHAR(16) NULL,
    outcome_at DATETIME(3) NULL,
    realized_present_usd_per_hour DECIMAL(12, 6) NULL,
    realized_target_usd_per_hour DECIMAL(12, 6) NULL,
    created_at DATETIME(3) NOT NULL,
    CONSTRAINT decision_engine_log_pk PRIMARY KEY (id),
    CONSTRAINT decision_engine_log_pass_uq UNIQUE KEY (agent_id, created_at),
    KEY decision_engine_log_client_idx (client_id, created_at),
    KEY decision_engine_log_created_idx (created_at),
    KEY decision_engine_log_command_idx (command_id),
    CONSTRAINT decision_engine_log_client_fk FOREIGN KEY (client_id) REFERENCES clients (id)
        ON DELETE CASCADE,
    CONSTRAINT decision_engine_log_agent_fk FOREIGN KEY (agent_id) REFERENCES agents (id)
        ON DELETE CASCADE,
    CONSTRAINT decision_engine_log_trigger_ck CHECK (trigger_source IN ('job', 'request')),
    CONSTRAINT decision_engine_log_source_ck CHECK (source IN ('engine', 'rules', 'fallback')),
    CONSTRAINT decision_engine_log_action_ck CHECK (
        action IN ('stay', 'switch_spot', 'switch_ondemand')
    ),
    CONSTRAINT decision_engine_log_guard_ck CHECK (
        guard_outcome IN ('stay', 'allowed', 'refused')
    ),
    CONSTRAINT decision_engine_log_outcome_ck CHECK (
        outcome IN ('kept', 'lost', 'moved', 'move_failed', 'not_fetched', 'replaced')
    )
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
