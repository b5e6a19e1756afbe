-- Spot Optimizer: the whole schema. Generated from database/ by `python -m backend migrate schema`;
-- change the files there, not this one.
--
--     mysql < database/schema.sql
--
-- Can be loaded again and again, by any account that owns the database spot_optimizer. A database of
-- another name: `python -m backend migrate up`, with DB_NAME.

CREATE DATABASE IF NOT EXISTS spot_optimizer CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
ALTER DATABASE spot_optimizer CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
USE spot_optimizer;
SET NAMES utf8mb4 COLLATE utf8mb4_bin;
SET time_zone = '+00:00';
SET sql_mode = 'TRADITIONAL,ONLY_FULL_GROUP_BY,NO_ENGINE_SUBSTITUTION';

DROP PROCEDURE IF EXISTS schema_step;
DELIMITER $$
CREATE PROCEDURE schema_step()
BEGIN
IF NOT EXISTS (SELECT 1 FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'schema_migrations')
AND EXISTS (SELECT 1 FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME IN (
'clients', 'client_tokens', 'operators', 'operator_sessions', 'operator_api_keys', 'agents', 'agent_configs', 'instances', 'commands', 'switches', 'cleanup_logs', 'agent_health_metrics', 'spot_pools', 'pool_prices', 'spot_price_snapshots', 'ondemand_price_snapshots', 'pricing_reports', 'system_events', 'notifications', 'audit_logs', 'settings', 'job_runs', 'launch_specs', 'pricing_snapshots_clean', 'pricing_snapshots_interpolated', 'pricing_data_gaps', 'pool_cooldowns', 'pool_reliability_metrics', 'pool_risk_analysis', 'pending_price_reports', 'spot_interruption_events', 'replica_instances', 'termination_events', 'replica_cost_log', 'risk_scores', 'decision_engine_log', 'agent_config_history', 'model_upload_sessions', 'model_registry', 'model_files', 'cost_records', 'cost_corrections', 'cost_hours', 'agent_savings_daily', 'client_savings_daily', 'client_savings_monthly', 'savings_snapshots', 'model_predictions', 'notification_channels', 'notification_deliveries', 'notification_delivery_items'
)) THEN
SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'This database holds tables that another program made';
END IF;
END$$
DELIMITER ;
CALL schema_step();
DROP PROCEDURE IF EXISTS schema_step;

CREATE TABLE IF NOT EXISTS schema_migrations (
    kind VARCHAR(16) NOT NULL,
    name VARCHAR(128) NOT NULL,
    version INT NOT NULL,
    checksum VARCHAR(64) NOT NULL,
    fingerprint VARCHAR(64) NULL,
    statements_begun INT NOT NULL,
    statements_done INT NOT NULL,
    applied_at DATETIME(3) NULL,
    CONSTRAINT schema_migrations_pk PRIMARY KEY (kind, name)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS schema_lock (
    name VARCHAR(32) NOT NULL,
    owner VARCHAR(100) NOT NULL,
    expires_at DATETIME(3) NOT NULL,
    CONSTRAINT schema_lock_pk PRIMARY KEY (name)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

DROP PROCEDURE IF EXISTS schema_step;
DELIMITER $$
CREATE PROCEDURE schema_step()
BEGIN
IF EXISTS (SELECT 1 FROM schema_migrations WHERE kind = 'migration' AND version > 17) THEN
SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'This database is newer than this file';
END IF;
END$$
DELIMITER ;
CALL schema_step();
DROP PROCEDURE IF EXISTS schema_step;

-- 0001_create_clients_and_operators

INSERT INTO schema_migrations (
    kind, name, version, checksum, fingerprint, statements_begun, statements_done, applied_at
)
VALUES ('migration', '0001_create_clients_and_operators', 1, 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855', NULL, 0, 0, NULL)
ON DUPLICATE KEY UPDATE version = 1;

CREATE TABLE IF NOT EXISTS clients (
    id VARCHAR(36) NOT NULL,
    name VARCHAR(255) NOT NULL,
    email VARCHAR(255) NULL,
    status VARCHAR(16) NOT NULL DEFAULT 'active',
    created_at DATETIME(3) NOT NULL,
    updated_at DATETIME(3) NOT NULL,
    CONSTRAINT clients_pk PRIMARY KEY (id),
    CONSTRAINT clients_name_uq UNIQUE KEY (name),
    CONSTRAINT clients_status_ck CHECK (status IN ('active', 'suspended'))
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS client_tokens (
    id VARCHAR(36) NOT NULL,
    client_id VARCHAR(36) NOT NULL,
    name VARCHAR(100) NOT NULL,
    scope VARCHAR(8) NOT NULL,
    token_hash BINARY(32) NOT NULL,
    token_hint VARCHAR(8) NOT NULL,
    created_at DATETIME(3) NOT NULL,
    expires_at DATETIME(3) NULL,
    revoked_at DATETIME(3) NULL,
    last_used_at DATETIME(3) NULL,
    CONSTRAINT client_tokens_pk PRIMARY KEY (id),
    CONSTRAINT client_tokens_hash_uq UNIQUE KEY (token_hash),
    KEY client_tokens_client_idx (client_id, created_at),
    CONSTRAINT client_tokens_client_fk FOREIGN KEY (client_id) REFERENCES clients (id)
        ON DELETE CASCADE,
    CONSTRAINT client_tokens_scope_ck CHECK (scope IN ('agent', 'user', 'both'))
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS operators (
    id VARCHAR(36) NOT NULL,
    username VARCHAR(100) NOT NULL,
    password_hash VARCHAR(255) NOT NULL,
    role VARCHAR(16) NOT NULL,
    is_active TINYINT(1) NOT NULL DEFAULT 1,
    failed_login_count INT NOT NULL DEFAULT 0,
    locked_until DATETIME(3) NULL,
    last_login_at DATETIME(3) NULL,
    created_at DATETIME(3) NOT NULL,
    updated_at DATETIME(3) NOT NULL,
    CONSTRAINT operators_pk PRIMARY KEY (id),
    CONSTRAINT operators_username_uq UNIQUE KEY (username),
    CONSTRAINT operators_role_ck CHECK (role IN ('viewer', 'operator', 'admin'))
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS operator_sessions (
    id VARCHAR(36) NOT NULL,
    operator_id VARCHAR(36) NOT NULL,
    token_hash BINARY(32) NOT NULL,
    created_at DATETIME(3) NOT NULL,
    last_seen_at DATETIME(3) NOT NULL,
    expires_at DATETIME(3) NOT NULL,
    remote_address VARCHAR(64) NULL,
    user_agent VARCHAR(255) NULL,
    CONSTRAINT operator_sessions_pk PRIMARY KEY (id),
    CONSTRAINT operator_sessions_hash_uq UNIQUE KEY (token_hash),
    KEY operator_sessions_expires_idx (expires_at),
    CONSTRAINT operator_sessions_operator_fk FOREIGN KEY (operator_id) REFERENCES operators (id)
        ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS operator_api_keys (
    id VARCHAR(36) NOT NULL,
    operator_id VARCHAR(36) NOT NULL,
    name VARCHAR(100) NOT NULL,
    key_hash BINARY(32) NOT NULL,
    key_hint VARCHAR(8) NOT NULL,
    created_at DATETIME(3) NOT NULL,
    expires_at DATETIME(3) NULL,
    revoked_at DATETIME(3) NULL,
    last_used_at DATETIME(3) NULL,
    CONSTRAINT operator_api_keys_pk PRIMARY KEY (id),
    CONSTRAINT operator_api_keys_hash_uq UNIQUE KEY (key_hash),
    CONSTRAINT operator_api_keys_operator_fk FOREIGN KEY (operator_id) REFERENCES operators (id)
        ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

UPDATE schema_migrations
SET statements_begun = 5, statements_done = 5, checksum = 'ef908d668aa2ec1ec0b055e86656ce1556ae1ea367105a70dfca986789b9893e', applied_at = UTC_TIMESTAMP(3)
WHERE kind = 'migration' AND name = '0001_create_clients_and_operators' AND applied_at IS NULL;

-- 0002_create_fleet

INSERT INTO schema_migrations (
    kind, name, version, checksum, fingerprint, statements_begun, statements_done, applied_at
)
VALUES ('migration', '0002_create_fleet', 2, 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855', NULL, 0, 0, NULL)
ON DUPLICATE KEY UPDATE version = 2;

CREATE TABLE IF NOT EXISTS agents (
    id VARCHAR(36) NOT NULL,
    client_id VARCHAR(36) NOT NULL,
    logical_agent_id VARCHAR(255) NOT NULL,
    status VARCHAR(16) NOT NULL,
    primary_instance_id VARCHAR(64) NULL,
    epoch INT NOT NULL DEFAULT 0,
    identity_conflict_at DATETIME(3) NULL,
    offline_announced_at DATETIME(3) NULL,
    last_switch_at DATETIME(3) NULL,
    last_failover_at DATETIME(3) NULL,
    last_cleanup_at DATETIME(3) NULL,
    deleted_at DATETIME(3) NULL,
    created_at DATETIME(3) NOT NULL,
    updated_at DATETIME(3) NOT NULL,
    CONSTRAINT agents_pk PRIMARY KEY (id),
    CONSTRAINT agents_logical_uq UNIQUE KEY (client_id, logical_agent_id),
    KEY agents_status_idx (status, id),
    CONSTRAINT agents_client_fk FOREIGN KEY (client_id) REFERENCES clients (id) ON DELETE CASCADE,
    CONSTRAINT agents_status_ck CHECK (status IN ('online', 'offline', 'deleted')),
    CONSTRAINT agents_epoch_ck CHECK (epoch >= 0)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS agent_configs (
    agent_id VARCHAR(36) NOT NULL,
    version INT NOT NULL DEFAULT 1,
    enabled TINYINT(1) NOT NULL DEFAULT 1,
    auto_switch_enabled TINYINT(1) NOT NULL DEFAULT 1,
    manual_replica_enabled TINYINT(1) NOT NULL DEFAULT 0,
    auto_terminate_enabled TINYINT(1) NOT NULL DEFAULT 1,
    terminate_wait_seconds INT NOT NULL DEFAULT 300,
    replica_enabled TINYINT(1) NOT NULL DEFAULT 0,
    replica_count INT NOT NULL DEFAULT 0,
    min_savings_percent DECIMAL(5, 2) NOT NULL DEFAULT 15.00,
    risk_threshold DECIMAL(3, 2) NOT NULL DEFAULT 0.30,
    max_switches_per_day INT NOT NULL DEFAULT 3,
    max_switches_per_week INT NOT NULL DEFAULT 10,
    min_pool_duration_hours INT NOT NULL DEFAULT 2,
    updated_at DATETIME(3) NOT NULL,
    CONSTRAINT agent_configs_pk PRIMARY KEY (agent_id),
    CONSTRAINT agent_configs_agent_fk FOREIGN KEY (agent_id) REFERENCES agents (id)
        ON DELETE CASCADE,
    CONSTRAINT agent_configs_mode_ck CHECK (auto_switch_enabled = 0 OR manual_replica_enabled = 0),
    CONSTRAINT agent_configs_wait_ck CHECK (terminate_wait_seconds BETWEEN 0 AND 86400),
    CONSTRAINT agent_configs_replicas_ck CHECK (replica_count BETWEEN 0 AND 5),
    CONSTRAINT agent_configs_savings_ck CHECK (min_savings_percent BETWEEN 0 AND 100),
    CONSTRAINT agent_configs_risk_ck CHECK (risk_threshold BETWEEN 0 AND 1)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS instances (
    agent_id VARCHAR(36) NOT NULL,
    instance_id VARCHAR(64) NOT NULL,
    client_id VARCHAR(36) NOT NULL,
    role VARCHAR(16) NOT NULL,
    role_reason VARCHAR(64) NOT NULL,
    protocol SMALLINT NOT NULL DEFAULT 4,
    is_steady TINYINT(1) NOT NULL DEFAULT 0,
    mode VARCHAR(16) NOT NULL,
    instance_type VARCHAR(64) NOT NULL,
    region VARCHAR(32) NOT NULL,
    az VARCHAR(48) NOT NULL,
    az_id VARCHAR(32) NULL,
    account_id VARCHAR(32) NULL,
    ami_id VARCHAR(64) NULL,
    hostname VARCHAR(255) NULL,
    private_ip VARCHAR(64) NULL,
    public_ip VARCHAR(64) NULL,
    agent_version VARCHAR(32) NULL,
    spot_price_usd_per_hour DECIMAL(12, 6) NULL,
    ondemand_price_usd_per_hour DECIMAL(12, 6) NULL,
    prices_at DATETIME(3) NULL,
    cpu_percent DECIMAL(5, 2) NULL,
    memory_percent DECIMAL(5, 2) NULL,
    disk_percent DECIMAL(5, 2) NULL,
    command_id VARCHAR(36) NULL,
    launched_at DATETIME(3) NULL,
    first_seen_at DATETIME(3) NULL,
    last_seen_at DATETIME(3) NULL,
    role_changed_at DATETIME(3) NOT NULL,
    terminated_at DATETIME(3) NULL,
    primary_slot VARCHAR(36) AS (CASE WHEN role = 'primary' THEN agent_id END) VIRTUAL,
    CONSTRAINT instances_pk PRIMARY KEY (agent_id, instance_id),
    CONSTRAINT instances_primary_uq UNIQUE KEY (primary_slot),
    KEY instances_client_idx (client_id, instance_id),
    KEY instances_instance_idx (instance_id),
    CONSTRAINT instances_agent_fk FOREIGN KEY (agent_id) REFERENCES agents (id) ON DELETE CASCADE,
    CONSTRAINT instances_client_fk FOREIGN KEY (client_id) REFERENCES clients (id)
        ON DELETE CASCADE,
    CONSTRAINT instances_role_ck CHECK (
        role IN ('primary', 'successor', 'replica', 'candidate', 'superseded', 'terminated')
    ),
    CONSTRAINT instances_mode_ck CHECK (mode IN ('spot', 'ondemand', 'unknown'))
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS commands (
    id VARCHAR(36) NOT NULL,
    client_id VARCHAR(36) NOT NULL,
    agent_id VARCHAR(36) NOT NULL,
    command_type VARCHAR(32) NOT NULL,
    instance_id VARCHAR(64) NULL,
    target_mode VARCHAR(16) NULL,
    target_pool_id VARCHAR(128) NULL,
    payload JSON NULL,
    priority INT NOT NULL,
    terminate_wait_seconds INT NOT NULL DEFAULT 0,
    reason VARCHAR(255) NULL,
    created_by VARCHAR(100) NOT NULL,
    idempotency_key VARCHAR(128) NULL,
    status VARCHAR(16) NOT NULL,
    outcome_code VARCHAR(32) NULL,
    message VARCHAR(1000) NULL,
    lease_instance_id VARCHAR(64) NULL,
    lease_protocol SMALLINT NULL,
    lease_count INT NOT NULL DEFAULT 0,
    leased_at DATETIME(3) NULL,
    lease_expires_at DATETIME(3) NULL,
    expires_at DATETIME(3) NOT NULL,
    created_at DATETIME(3) NOT NULL,
    ended_at DATETIME(3) NULL,
    CONSTRAINT commands_pk PRIMARY KEY (id),
    CONSTRAINT commands_idempotency_uq UNIQUE KEY (agent_id, idempotency_key),
    KEY commands_queue_idx (agent_id, status, priority, created_at),
    KEY commands_lease_idx (status, lease_expires_at),
    KEY commands_expiry_idx (status, expires_at),
    KEY commands_ended_idx (ended_at),
    KEY commands_client_idx (client_id, created_at),
    CONSTRAINT commands_client_fk FOREIGN KEY (client_id) REFERENCES clients (id)
        ON DELETE CASCADE,
    CONSTRAINT commands_agent_fk FOREIGN KEY (agent_id) REFERENCES agents (id) ON DELETE CASCADE,
    CONSTRAINT commands_type_ck CHECK (
        command_type IN (
            'switch', 'create_replica', 'promote', 'retire_instance', 'snapshot',
            'verify_primary', 'rescue', 'cleanup', 'inventory', 'uninstall'
        )
    ),
    CONSTRAINT commands_status_ck CHECK (
        status IN ('pending', 'leased', 'completed', 'failed', 'cancelled', 'expired')
    ),
    CONSTRAINT commands_mode_ck CHECK (target_mode IN ('spot', 'ondemand')),
    CONSTRAINT commands_priority_ck CHECK (priority BETWEEN 0 AND 100),
    CONSTRAINT commands_switch_ck CHECK (
        command_type <> 'switch' OR (
            target_mode IS NOT NULL AND (target_mode = 'ondemand' OR target_pool_id IS NOT NULL)
        )
    )
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS switches (
    id VARCHAR(36) NOT NULL,
    client_id VARCHAR(36) NOT NULL,
    agent_id VARCHAR(36) NOT NULL,
    command_id VARCHAR(36) NULL,
    cause VARCHAR(16) NOT NULL,
    status VARCHAR(16) NOT NULL,
    failed_step VARCHAR(32) NULL,
    reason VARCHAR(255) NULL,
    old_instance_id VARCHAR(64) NULL,
    old_instance_type VARCHAR(64) NULL,
    old_az VARCHAR(48) NULL,
    old_mode VARCHAR(16) NULL,
    old_pool_id VARCHAR(128) NULL,
    new_instance_id VARCHAR(64) NULL,
    new_instance_type VARCHAR(64) NULL,
    new_az VARCHAR(48) NULL,
    new_mode VARCHAR(16) NULL,
    new_pool_id VARCHAR(128) NULL,
    ondemand_price_usd_per_hour DECIMAL(12, 6) NULL,
    old_spot_price_usd_per_hour DECIMAL(12, 6) NULL,
    new_spot_price_usd_per_hour DECIMAL(12, 6) NULL,
    savings_impact_usd_per_hour DECIMAL(12, 6) NULL,
    image_id VARCHAR(64) NULL,
    snapshot_id VARCHAR(64) NULL,
    data_gap_seconds INT NULL,
    requested_at DATETIME(3) NOT NULL,
    initiated_at DATETIME(3) NULL,
    image_created_at DATETIME(3) NULL,
    launched_at DATETIME(3) NULL,
    ready_at DATETIME(3) NULL,
    cut_over_at DATETIME(3) NULL,
    old_terminated_at DATETIME(3) NULL,
    reported_at DATETIME(3) NULL,
    report_key VARCHAR(200) NULL,
    ended_at DATETIME(3) NULL,
    open_slot VARCHAR(36) AS (
        CASE WHEN status NOT IN ('completed', 'failed') THEN agent_id END
    ) VIRTUAL,
    CONSTRAINT switches_pk PRIMARY KEY (id),
    CONSTRAINT switches_open_uq UNIQUE KEY (open_slot),
    CONSTRAINT switches_command_uq UNIQUE KEY (command_id),
    CONSTRAINT switches_report_uq UNIQUE KEY (agent_id, report_key),
    KEY switches_agent_idx (agent_id, requested_at),
    KEY switches_client_idx (client_id, requested_at),
    KEY switches_requested_idx (requested_at),
    KEY switches_new_instance_idx (agent_id, new_instance_id),
    CONSTRAINT switches_client_fk FOREIGN KEY (client_id) REFERENCES clients (id)
        ON DELETE CASCADE,
    CONSTRAINT switches_agent_fk FOREIGN KEY (agent_id) REFERENCES agents (id) ON DELETE CASCADE,
    CONSTRAINT switches_status_ck CHECK (
        status IN (
            'requested', 'launching', 'running', 'ready', 'cut_over', 'completed', 'failed'
        )
    ),
    CONSTRAINT switches_cause_ck CHECK (
        cause IN ('manual', 'engine', 'rebalance', 'termination', 'loss', 'promotion')
    )
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS cleanup_logs (
    id BIGINT NOT NULL AUTO_INCREMENT,
    client_id VARCHAR(36) NOT NULL,
    agent_id VARCHAR(36) NOT NULL,
    executed_at DATETIME(3) NOT NULL,
    deleted_snapshot_count INT NOT NULL,
    deleted_image_count INT NOT NULL,
    failed_count INT NOT NULL,
    report JSON NOT NULL,
    created_at DATETIME(3) NOT NULL,
    CONSTRAINT cleanup_logs_pk PRIMARY KEY (id),
    CONSTRAINT cleanup_logs_run_uq UNIQUE KEY (agent_id, executed_at),
    KEY cleanup_logs_created_idx (created_at),
    CONSTRAINT cleanup_logs_client_fk FOREIGN KEY (client_id) REFERENCES clients (id)
        ON DELETE CASCADE,
    CONSTRAINT cleanup_logs_agent_fk FOREIGN KEY (agent_id) REFERENCES agents (id)
        ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS agent_health_metrics (
    agent_id VARCHAR(36) NOT NULL,
    bucket_at DATETIME(3) NOT NULL,
    client_id VARCHAR(36) NOT NULL,
    instance_id VARCHAR(64) NOT NULL,
    silent_seconds INT NOT NULL,
    cpu_percent DECIMAL(5, 2) NULL,
    memory_percent DECIMAL(5, 2) NULL,
    disk_percent DECIMAL(5, 2) NULL,
    CONSTRAINT agent_health_metrics_pk PRIMARY KEY (agent_id, bucket_at),
    KEY agent_health_metrics_bucket_idx (bucket_at),
    CONSTRAINT agent_health_metrics_client_fk FOREIGN KEY (client_id) REFERENCES clients (id)
        ON DELETE CASCADE,
    CONSTRAINT agent_health_metrics_agent_fk FOREIGN KEY (agent_id) REFERENCES agents (id)
        ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

UPDATE schema_migrations
SET statements_begun = 7, statements_done = 7, checksum = '003aa72558d0b24a99201ae5ff79181034cd0f4637b698c0c0c3bcca70961ed3', applied_at = UTC_TIMESTAMP(3)
WHERE kind = 'migration' AND name = '0002_create_fleet' AND applied_at IS NULL;

-- 0003_create_prices

INSERT INTO schema_migrations (
    kind, name, version, checksum, fingerprint, statements_begun, statements_done, applied_at
)
VALUES ('migration', '0003_create_prices', 3, 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855', NULL, 0, 0, NULL)
ON DUPLICATE KEY UPDATE version = 3;

CREATE TABLE IF NOT EXISTS spot_pools (
    id BIGINT NOT NULL AUTO_INCREMENT,
    client_id VARCHAR(36) NULL,
    region VARCHAR(32) NOT NULL,
    zone VARCHAR(48) NOT NULL,
    instance_type VARCHAR(64) NOT NULL,
    created_at DATETIME(3) NOT NULL,
    owner VARCHAR(36) AS (COALESCE(client_id, '')) VIRTUAL,
    CONSTRAINT spot_pools_pk PRIMARY KEY (id),
    CONSTRAINT spot_pools_natural_uq UNIQUE KEY (owner, region, zone, instance_type),
    CONSTRAINT spot_pools_client_fk FOREIGN KEY (client_id) REFERENCES clients (id)
        ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS pool_prices (
    client_id VARCHAR(36) NOT NULL,
    pool_id BIGINT NOT NULL,
    az VARCHAR(48) NOT NULL,
    price_usd_per_hour DECIMAL(12, 6) NOT NULL,
    observed_at DATETIME(3) NOT NULL,
    reported_at DATETIME(3) NOT NULL,
    CONSTRAINT pool_prices_pk PRIMARY KEY (client_id, pool_id),
    KEY pool_prices_pool_idx (pool_id),
    CONSTRAINT pool_prices_client_fk FOREIGN KEY (client_id) REFERENCES clients (id)
        ON DELETE CASCADE,
    CONSTRAINT pool_prices_pool_fk FOREIGN KEY (pool_id) REFERENCES spot_pools (id)
        ON DELETE CASCADE,
    CONSTRAINT pool_prices_price_ck CHECK (price_usd_per_hour > 0)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS spot_price_snapshots (
    id BIGINT NOT NULL AUTO_INCREMENT,
    client_id VARCHAR(36) NOT NULL,
    pool_id BIGINT NOT NULL,
    bucket_at DATETIME(3) NOT NULL,
    reporter_slot VARCHAR(100) NOT NULL,
    price_usd_per_hour DECIMAL(12, 6) NOT NULL,
    observed_at DATETIME(3) NOT NULL,
    received_at DATETIME(3) NOT NULL,
    agent_id VARCHAR(36) NOT NULL,
    instance_id VARCHAR(64) NOT NULL,
    source VARCHAR(16) NOT NULL,
    report_count INT NOT NULL DEFAULT 1,
    CONSTRAINT spot_price_snapshots_pk PRIMARY KEY (id),
    CONSTRAINT spot_price_snapshots_slot_uq UNIQUE KEY (
        client_id, pool_id, bucket_at, reporter_slot
    ),
    KEY spot_price_snapshots_received_idx (received_at),
    KEY spot_price_snapshots_pool_idx (pool_id, bucket_at),
    CONSTRAINT spot_price_snapshots_client_fk FOREIGN KEY (client_id) REFERENCES clients (id)
        ON DELETE CASCADE,
    CONSTRAINT spot_price_snapshots_pool_fk FOREIGN KEY (pool_id) REFERENCES spot_pools (id)
        ON DELETE CASCADE,
    CONSTRAINT spot_price_snapshots_price_ck CHECK (price_usd_per_hour > 0),
    CONSTRAINT spot_price_snapshots_source_ck CHECK (
        source IN ('primary', 'replica', 'other', 'history')
    )
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS ondemand_price_snapshots (
    client_id VARCHAR(36) NOT NULL,
    region VARCHAR(32) NOT NULL,
    instance_type VARCHAR(64) NOT NULL,
    bucket_at DATETIME(3) NOT NULL,
    price_usd_per_hour DECIMAL(12, 6) NOT NULL,
    source VARCHAR(32) NOT NULL,
    observed_at DATETIME(3) NOT NULL,
    agent_id VARCHAR(36) NOT NULL,
    CONSTRAINT ondemand_price_snapshots_pk PRIMARY KEY (
        client_id, region, instance_type, bucket_at
    ),
    KEY ondemand_price_snapshots_bucket_idx (bucket_at),
    CONSTRAINT ondemand_price_snapshots_client_fk FOREIGN KEY (client_id) REFERENCES clients (id)
        ON DELETE CASCADE,
    CONSTRAINT ondemand_price_snapshots_price_ck CHECK (price_usd_per_hour > 0)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS pricing_reports (
    agent_id VARCHAR(36) NOT NULL,
    instance_id VARCHAR(64) NOT NULL,
    observed_at DATETIME(3) NOT NULL,
    client_id VARCHAR(36) NOT NULL,
    received_at DATETIME(3) NOT NULL,
    ondemand_price_usd_per_hour DECIMAL(12, 6) NULL,
    spot_price_usd_per_hour DECIMAL(12, 6) NULL,
    accepted_count INT NOT NULL,
    refused_count INT NOT NULL,
    CONSTRAINT pricing_reports_pk PRIMARY KEY (agent_id, instance_id, observed_at),
    KEY pricing_reports_received_idx (received_at),
    CONSTRAINT pricing_reports_client_fk FOREIGN KEY (client_id) REFERENCES clients (id)
        ON DELETE CASCADE,
    CONSTRAINT pricing_reports_agent_fk FOREIGN KEY (agent_id) REFERENCES agents (id)
        ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

UPDATE schema_migrations
SET statements_begun = 5, statements_done = 5, checksum = '185e8ca96c8958c0d2d5dabd96d05d588ef02b73c7ac9ad1dc3988b3f55c2347', applied_at = UTC_TIMESTAMP(3)
WHERE kind = 'migration' AND name = '0003_create_prices' AND applied_at IS NULL;

-- 0004_create_operations

INSERT INTO schema_migrations (
    kind, name, version, checksum, fingerprint, statements_begun, statements_done, applied_at
)
VALUES ('migration', '0004_create_operations', 4, 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855', NULL, 0, 0, NULL)
ON DUPLICATE KEY UPDATE version = 4;

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

CREATE TABLE IF NOT EXISTS settings (
    name VARCHAR(64) NOT NULL,
    value VARCHAR(255) NOT NULL,
    updated_at DATETIME(3) NOT NULL,
    CONSTRAINT settings_pk PRIMARY KEY (name)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

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

UPDATE schema_migrations
SET statements_begun = 5, statements_done = 5, checksum = 'd31810385e353d01825a4337dd2e65022d20eb0955160874d91d51b52d51447b', applied_at = UTC_TIMESTAMP(3)
WHERE kind = 'migration' AND name = '0004_create_operations' AND applied_at IS NULL;

-- 0005_create_launch_specs

INSERT INTO schema_migrations (
    kind, name, version, checksum, fingerprint, statements_begun, statements_done, applied_at
)
VALUES ('migration', '0005_create_launch_specs', 5, 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855', NULL, 0, 0, NULL)
ON DUPLICATE KEY UPDATE version = 5;

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

UPDATE schema_migrations
SET statements_begun = 1, statements_done = 1, checksum = 'fddef6ca22cb7e02247bb50c6fd6f62acad6f1298df56f86835cc4562f4191d7', applied_at = UTC_TIMESTAMP(3)
WHERE kind = 'migration' AND name = '0005_create_launch_specs' AND applied_at IS NULL;

-- 0006_create_price_quality

INSERT INTO schema_migrations (
    kind, name, version, checksum, fingerprint, statements_begun, statements_done, applied_at
)
VALUES ('migration', '0006_create_price_quality', 6, 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855', NULL, 0, 0, NULL)
ON DUPLICATE KEY UPDATE version = 6;

CREATE TABLE IF NOT EXISTS pricing_snapshots_clean (
    pool_id BIGINT NOT NULL,
    bucket_at DATETIME(3) NOT NULL,
    scope VARCHAR(36) NOT NULL,
    day_on DATE NOT NULL,
    client_id VARCHAR(36) NULL,
    price_usd_per_hour DECIMAL(12, 6) NOT NULL,
    source VARCHAR(16) NOT NULL,
    sample_count INT NOT NULL,
    report_count INT NOT NULL,
    spread_usd_per_hour DECIMAL(12, 6) NOT NULL,
    is_discrepant TINYINT(1) NOT NULL,
    updated_at DATETIME(3) NOT NULL,
    CONSTRAINT pricing_snapshots_clean_pk PRIMARY KEY (pool_id, bucket_at, scope),
    KEY pricing_snapshots_clean_series_idx (client_id, pool_id, day_on, bucket_at),
    KEY pricing_snapshots_clean_updated_idx (updated_at),
    CONSTRAINT pricing_snapshots_clean_client_fk FOREIGN KEY (client_id) REFERENCES clients (id)
        ON DELETE CASCADE,
    CONSTRAINT pricing_snapshots_clean_pool_fk FOREIGN KEY (pool_id) REFERENCES spot_pools (id)
        ON DELETE CASCADE,
    CONSTRAINT pricing_snapshots_clean_price_ck CHECK (price_usd_per_hour > 0),
    CONSTRAINT pricing_snapshots_clean_scope_ck CHECK (scope = COALESCE(client_id, '')),
    CONSTRAINT pricing_snapshots_clean_source_ck CHECK (
        source IN ('primary', 'replica', 'other', 'agreed')
    )
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS pricing_snapshots_interpolated (
    client_id VARCHAR(36) NOT NULL,
    pool_id BIGINT NOT NULL,
    day_on DATE NOT NULL,
    bucket_at DATETIME(3) NOT NULL,
    price_usd_per_hour DECIMAL(12, 6) NOT NULL,
    method VARCHAR(16) NOT NULL,
    before_at DATETIME(3) NOT NULL,
    before_price_usd_per_hour DECIMAL(12, 6) NOT NULL,
    after_at DATETIME(3) NULL,
    after_price_usd_per_hour DECIMAL(12, 6) NULL,
    filled_at DATETIME(3) NOT NULL,
    CONSTRAINT pricing_snapshots_interpolated_pk PRIMARY KEY (
        client_id, pool_id, day_on, bucket_at
    ),
    KEY pricing_snapshots_interpolated_pool_idx (pool_id),
    KEY pricing_snapshots_interpolated_bucket_idx (bucket_at),
    CONSTRAINT pricing_snapshots_interpolated_client_fk FOREIGN KEY (client_id)
        REFERENCES clients (id) ON DELETE CASCADE,
    CONSTRAINT pricing_snapshots_interpolated_pool_fk FOREIGN KEY (pool_id)
        REFERENCES spot_pools (id) ON DELETE CASCADE,
    CONSTRAINT pricing_snapshots_interpolated_price_ck CHECK (price_usd_per_hour > 0),
    CONSTRAINT pricing_snapshots_interpolated_method_ck CHECK (method IN ('linear', 'history')),
    CONSTRAINT pricing_snapshots_interpolated_inside_ck CHECK (
        (method = 'history' AND after_at IS NULL AND before_at <= bucket_at)
        OR (method = 'linear' AND before_at < bucket_at AND bucket_at < after_at)
    )
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS pricing_data_gaps (
    id BIGINT NOT NULL AUTO_INCREMENT,
    client_id VARCHAR(36) NOT NULL,
    pool_id BIGINT NOT NULL,
    last_point_at DATETIME(3) NOT NULL,
    next_point_at DATETIME(3) NOT NULL,
    status VARCHAR(16) NOT NULL,
    outcome VARCHAR(16) NULL,
    ask_count INT NOT NULL DEFAULT 0,
    asked_agent_id VARCHAR(36) NULL,
    asked_at DATETIME(3) NULL,
    next_ask_at DATETIME(3) NOT NULL,
    answered_from DATETIME(3) NULL,
    answered_until DATETIME(3) NULL,
    created_at DATETIME(3) NOT NULL,
    ended_at DATETIME(3) NULL,
    CONSTRAINT pricing_data_gaps_pk PRIMARY KEY (id),
    CONSTRAINT pricing_data_gaps_span_uq UNIQUE KEY (
        client_id, pool_id, last_point_at, next_point_at
    ),
    KEY pricing_data_gaps_pool_idx (pool_id),
    KEY pricing_data_gaps_due_idx (status, next_ask_at),
    KEY pricing_data_gaps_ended_idx (ended_at),
    CONSTRAINT pricing_data_gaps_client_fk FOREIGN KEY (client_id) REFERENCES clients (id)
        ON DELETE CASCADE,
    CONSTRAINT pricing_data_gaps_pool_fk FOREIGN KEY (pool_id) REFERENCES spot_pools (id)
        ON DELETE CASCADE,
    CONSTRAINT pricing_data_gaps_order_ck CHECK (last_point_at < next_point_at),
    CONSTRAINT pricing_data_gaps_status_ck CHECK (
        status IN ('open', 'asked', 'closed', 'abandoned')
    ),
    CONSTRAINT pricing_data_gaps_outcome_ck CHECK (
        outcome IN ('data', 'history', 'no_answer', 'no_history', 'too_old')
    ),
    CONSTRAINT pricing_data_gaps_end_ck CHECK (
        (status IN ('open', 'asked')) = (ended_at IS NULL)
    )
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS pool_cooldowns (
    id BIGINT NOT NULL AUTO_INCREMENT,
    client_id VARCHAR(36) NOT NULL,
    pool_id BIGINT NOT NULL,
    reason VARCHAR(16) NOT NULL,
    source_key VARCHAR(128) NOT NULL,
    occurred_at DATETIME(3) NOT NULL,
    ends_at DATETIME(3) NOT NULL,
    CONSTRAINT pool_cooldowns_pk PRIMARY KEY (id),
    CONSTRAINT pool_cooldowns_source_uq UNIQUE KEY (client_id, pool_id, reason, source_key),
    KEY pool_cooldowns_pool_idx (pool_id, occurred_at),
    KEY pool_cooldowns_ends_idx (ends_at),
    KEY pool_cooldowns_occurred_idx (occurred_at),
    CONSTRAINT pool_cooldowns_client_fk FOREIGN KEY (client_id) REFERENCES clients (id)
        ON DELETE CASCADE,
    CONSTRAINT pool_cooldowns_pool_fk FOREIGN KEY (pool_id) REFERENCES spot_pools (id)
        ON DELETE CASCADE,
    CONSTRAINT pool_cooldowns_reason_ck CHECK (reason IN ('interruption', 'rebalance', 'capacity')),
    CONSTRAINT pool_cooldowns_order_ck CHECK (occurred_at <= ends_at)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS pool_reliability_metrics (
    client_id VARCHAR(36) NOT NULL,
    pool_id BIGINT NOT NULL,
    period_start DATETIME(3) NOT NULL,
    period_end DATETIME(3) NOT NULL,
    loss_count INT NOT NULL,
    rebalance_count INT NOT NULL,
    capacity_error_count INT NOT NULL,
    point_count INT NOT NULL,
    average_price_usd_per_hour DECIMAL(12, 6) NULL,
    lowest_price_usd_per_hour DECIMAL(12, 6) NULL,
    highest_price_usd_per_hour DECIMAL(12, 6) NULL,
    volatility_ratio DECIMAL(9, 6) NULL,
    computed_at DATETIME(3) NOT NULL,
    CONSTRAINT pool_reliability_metrics_pk PRIMARY KEY (client_id, pool_id, period_start),
    KEY pool_reliability_metrics_pool_idx (pool_id),
    KEY pool_reliability_metrics_period_idx (period_start),
    CONSTRAINT pool_reliability_metrics_client_fk FOREIGN KEY (client_id) REFERENCES clients (id)
        ON DELETE CASCADE,
    CONSTRAINT pool_reliability_metrics_pool_fk FOREIGN KEY (pool_id) REFERENCES spot_pools (id)
        ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS pool_risk_analysis (
    client_id VARCHAR(36) NOT NULL,
    pool_id BIGINT NOT NULL,
    analysed_at DATETIME(3) NOT NULL,
    computed_at DATETIME(3) NOT NULL,
    loss_count INT NOT NULL,
    decayed_loss_count DECIMAL(10, 6) NOT NULL,
    last_loss_at DATETIME(3) NULL,
    decayed_capacity_error_count DECIMAL(10, 6) NOT NULL,
    price_usd_per_hour DECIMAL(12, 6) NULL,
    ondemand_price_usd_per_hour DECIMAL(12, 6) NULL,
    volatility_ratio DECIMAL(9, 6) NULL,
    risk_score DECIMAL(5, 4) NOT NULL,
    recommendation VARCHAR(16) NOT NULL,
    CONSTRAINT pool_risk_analysis_pk PRIMARY KEY (client_id, pool_id, analysed_at),
    KEY pool_risk_analysis_pool_idx (pool_id),
    KEY pool_risk_analysis_analysed_idx (analysed_at),
    CONSTRAINT pool_risk_analysis_client_fk FOREIGN KEY (client_id) REFERENCES clients (id)
        ON DELETE CASCADE,
    CONSTRAINT pool_risk_analysis_pool_fk FOREIGN KEY (pool_id) REFERENCES spot_pools (id)
        ON DELETE CASCADE,
    CONSTRAINT pool_risk_analysis_score_ck CHECK (risk_score BETWEEN 0 AND 1),
    CONSTRAINT pool_risk_analysis_recommendation_ck CHECK (
        recommendation IN ('safe', 'caution', 'avoid')
    )
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

UPDATE schema_migrations
SET statements_begun = 6, statements_done = 6, checksum = '89b045ffd1a2dcf5eabe2a3fd4bea8df354982c2d4623eb26ca5e54766731320', applied_at = UTC_TIMESTAMP(3)
WHERE kind = 'migration' AND name = '0006_create_price_quality' AND applied_at IS NULL;

-- 0007_instance_news

INSERT INTO schema_migrations (
    kind, name, version, checksum, fingerprint, statements_begun, statements_done, applied_at
)
VALUES ('migration', '0007_instance_news', 7, 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855', NULL, 0, 0, NULL)
ON DUPLICATE KEY UPDATE version = 7;

DROP PROCEDURE IF EXISTS schema_step;
DELIMITER $$
CREATE PROCEDURE schema_step()
BEGIN
IF (SELECT statements_done FROM schema_migrations WHERE kind = 'migration' AND name = '0007_instance_news') < 1 THEN
ALTER TABLE instances
    ADD COLUMN news_count INT NOT NULL DEFAULT 0 AFTER is_steady;
UPDATE schema_migrations SET statements_begun = 1, statements_done = 1, checksum = 'dedf1e18c8b79b6b98701c51b8b6938b2cad1960c2e2cd076eea01e14c86e23c' WHERE kind = 'migration' AND name = '0007_instance_news';
END IF;
END$$
DELIMITER ;
CALL schema_step();
DROP PROCEDURE IF EXISTS schema_step;

UPDATE schema_migrations
SET statements_begun = 1, statements_done = 1, checksum = 'b573e1411873c26f3a248d9847344f3eceeebb2955728e0545d244c43427e78a', applied_at = UTC_TIMESTAMP(3)
WHERE kind = 'migration' AND name = '0007_instance_news' AND applied_at IS NULL;

-- 0008_create_pending_price_reports

INSERT INTO schema_migrations (
    kind, name, version, checksum, fingerprint, statements_begun, statements_done, applied_at
)
VALUES ('migration', '0008_create_pending_price_reports', 8, 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855', NULL, 0, 0, NULL)
ON DUPLICATE KEY UPDATE version = 8;

CREATE TABLE IF NOT EXISTS pending_price_reports (
    id BIGINT NOT NULL AUTO_INCREMENT,
    client_id VARCHAR(36) NOT NULL,
    agent_id VARCHAR(36) NOT NULL,
    instance_id VARCHAR(64) NOT NULL,
    own_source VARCHAR(16) NOT NULL,
    observed_at DATETIME(3) NOT NULL,
    bucket_at DATETIME(3) NOT NULL,
    received_at DATETIME(3) NOT NULL,
    shared_slot VARCHAR(100) NOT NULL,
    own_slot VARCHAR(100) NOT NULL,
    region VARCHAR(32) NOT NULL,
    instance_type VARCHAR(64) NOT NULL,
    ondemand_price_usd_per_hour DECIMAL(12, 6) NULL,
    ondemand_source VARCHAR(32) NOT NULL,
    entries LONGTEXT NOT NULL,
    CONSTRAINT pending_price_reports_pk PRIMARY KEY (id)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

UPDATE schema_migrations
SET statements_begun = 1, statements_done = 1, checksum = 'd2abd1916bd5f8953c673c2fd846964283df4b179ec261225ac1f188712388df', applied_at = UTC_TIMESTAMP(3)
WHERE kind = 'migration' AND name = '0008_create_pending_price_reports' AND applied_at IS NULL;

-- 0009_create_fallback

INSERT INTO schema_migrations (
    kind, name, version, checksum, fingerprint, statements_begun, statements_done, applied_at
)
VALUES ('migration', '0009_create_fallback', 9, 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855', NULL, 0, 0, NULL)
ON DUPLICATE KEY UPDATE version = 9;

CREATE TABLE IF NOT EXISTS spot_interruption_events (
    id VARCHAR(36) NOT NULL,
    client_id VARCHAR(36) NOT NULL,
    agent_id VARCHAR(36) NOT NULL,
    instance_id VARCHAR(64) NOT NULL,
    signal_type VARCHAR(32) NOT NULL,
    notice_key VARCHAR(64) NOT NULL,
    status VARCHAR(16) NOT NULL,
    subject_role VARCHAR(16) NOT NULL,
    epoch INT NOT NULL,
    action VARCHAR(32) NULL,
    reason VARCHAR(255) NULL,
    is_drill TINYINT(1) NOT NULL DEFAULT 0,
    instance_type VARCHAR(64) NOT NULL,
    region VARCHAR(32) NOT NULL,
    az VARCHAR(48) NOT NULL,
    mode VARCHAR(16) NOT NULL,
    replica_id VARCHAR(36) NULL,
    switch_id VARCHAR(36) NULL,
    new_instance_id VARCHAR(64) NULL,
    rescuer_agent_id VARCHAR(36) NULL,
    finding VARCHAR(16) NULL,
    report_count INT NOT NULL DEFAULT 1,
    noticed_at DATETIME(3) NOT NULL,
    deadline_at DATETIME(3) NULL,
    received_at DATETIME(3) NOT NULL,
    committed_at DATETIME(3) NULL,
    verified_at DATETIME(3) NULL,
    ended_at DATETIME(3) NULL,
    open_slot VARCHAR(36) AS (
        CASE WHEN status IN ('detected', 'responding', 'launched') THEN agent_id END
    ) VIRTUAL,
    CONSTRAINT spot_interruption_events_pk PRIMARY KEY (id),
    CONSTRAINT spot_interruption_events_notice_uq UNIQUE KEY (
        agent_id, instance_id, signal_type, notice_key
    ),
    KEY spot_interruption_events_open_idx (open_slot, signal_type),
    KEY spot_interruption_events_status_idx (status, received_at),
    KEY spot_interruption_events_client_idx (client_id, received_at),
    KEY spot_interruption_events_received_idx (received_at),
    CONSTRAINT spot_interruption_events_client_fk FOREIGN KEY (client_id) REFERENCES clients (id)
        ON DELETE CASCADE,
    CONSTRAINT spot_interruption_events_agent_fk FOREIGN KEY (agent_id) REFERENCES agents (id)
        ON DELETE CASCADE,
    CONSTRAINT spot_interruption_events_signal_ck CHECK (
        signal_type IN ('rebalance-recommendation', 'termination-notice', 'loss')
    ),
    CONSTRAINT spot_interruption_events_status_ck CHECK (
        status IN (
            'detected', 'responding', 'failed_over', 'launched', 'snapshotted', 'stood_down',
            'lost', 'unhandled'
        )
    ),
    CONSTRAINT spot_interruption_events_finding_ck CHECK (
        finding IN ('running', 'stopped', 'terminated', 'missing', 'unknown')
    )
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS replica_instances (
    id VARCHAR(36) NOT NULL,
    client_id VARCHAR(36) NOT NULL,
    agent_id VARCHAR(36) NOT NULL,
    kind VARCHAR(32) NOT NULL,
    status VARCHAR(16) NOT NULL,
    standby_slot TINYINT NOT NULL,
    event_id VARCHAR(36) NULL,
    command_id VARCHAR(36) NULL,
    parent_instance_id VARCHAR(64) NULL,
    instance_id VARCHAR(64) NULL,
    instance_type VARCHAR(64) NOT NULL,
    region VARCHAR(32) NOT NULL,
    az VARCHAR(48) NULL,
    mode VARCHAR(16) NOT NULL,
    pool_name VARCHAR(128) NULL,
    pools JSON NOT NULL,
    allows_ondemand TINYINT(1) NOT NULL DEFAULT 0,
    protocol SMALLINT NOT NULL,
    holder_instance_id VARCHAR(64) NULL,
    held_until DATETIME(3) NULL,
    sync_status VARCHAR(16) NOT NULL DEFAULT 'initializing',
    sync_latency_ms INT NULL,
    sync_progress_percent DECIMAL(5, 2) NOT NULL DEFAULT 0,
    last_sync_at DATETIME(3) NULL,
    price_usd_per_hour DECIMAL(12, 6) NULL,
    max_price_usd_per_hour DECIMAL(12, 6) NULL,
    tags JSON NULL,
    created_by VARCHAR(100) NOT NULL,
    failure_reason VARCHAR(500) NULL,
    doomed_at DATETIME(3) NULL,
    confirmed_running_at DATETIME(3) NULL,
    created_at DATETIME(3) NOT NULL,
    launched_at DATETIME(3) NULL,
    ready_at DATETIME(3) NULL,
    promoted_at DATETIME(3) NULL,
    ended_at DATETIME(3) NULL,
    live_slot VARCHAR(36) AS (
        CASE WHEN status IN ('launching', 'syncing', 'ready', 'promoting') THEN agent_id END
    ) VIRTUAL,
    CONSTRAINT replica_instances_pk PRIMARY KEY (id),
    CONSTRAINT replica_instances_live_uq UNIQUE KEY (live_slot, standby_slot),
    CONSTRAINT replica_instances_instance_uq UNIQUE KEY (agent_id, instance_id),
    KEY replica_instances_agent_idx (agent_id, created_at),
    KEY replica_instances_client_idx (client_id, created_at),
    KEY replica_instances_status_idx (status, created_at),
    KEY replica_instances_event_idx (event_id),
    CONSTRAINT replica_instances_client_fk FOREIGN KEY (client_id) REFERENCES clients (id)
        ON DELETE CASCADE,
    CONSTRAINT replica_instances_agent_fk FOREIGN KEY (agent_id) REFERENCES agents (id)
        ON DELETE CASCADE,
    CONSTRAINT replica_instances_kind_ck CHECK (
        kind IN ('manual', 'automatic-rebalance', 'automatic-termination')
    ),
    CONSTRAINT replica_instances_status_ck CHECK (
        status IN (
            'launching', 'syncing', 'ready', 'promoting', 'promoted', 'terminating', 'terminated',
            'failed'
        )
    ),
    CONSTRAINT replica_instances_slot_ck CHECK (standby_slot IN (1, 2)),
    CONSTRAINT replica_instances_mode_ck CHECK (mode IN ('spot', 'ondemand')),
    CONSTRAINT replica_instances_sync_ck CHECK (
        sync_status IN ('initializing', 'syncing', 'synced', 'out-of-sync')
    )
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS termination_events (
    id BIGINT NOT NULL AUTO_INCREMENT,
    client_id VARCHAR(36) NOT NULL,
    agent_id VARCHAR(36) NOT NULL,
    instance_id VARCHAR(64) NULL,
    reason VARCHAR(255) NOT NULL,
    details JSON NULL,
    event_id VARCHAR(36) NULL,
    reported_at DATETIME(3) NOT NULL,
    CONSTRAINT termination_events_pk PRIMARY KEY (id),
    KEY termination_events_agent_idx (agent_id, reported_at),
    KEY termination_events_reported_idx (reported_at),
    CONSTRAINT termination_events_client_fk FOREIGN KEY (client_id) REFERENCES clients (id)
        ON DELETE CASCADE,
    CONSTRAINT termination_events_agent_fk FOREIGN KEY (agent_id) REFERENCES agents (id)
        ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS replica_cost_log (
    replica_id VARCHAR(36) NOT NULL,
    hour_at DATETIME(3) NOT NULL,
    client_id VARCHAR(36) NOT NULL,
    agent_id VARCHAR(36) NOT NULL,
    instance_id VARCHAR(64) NOT NULL,
    seconds INT NOT NULL,
    price_usd_per_hour DECIMAL(12, 6) NULL,
    cost_usd DECIMAL(18, 8) NULL,
    is_estimated TINYINT(1) NOT NULL,
    updated_at DATETIME(3) NOT NULL,
    CONSTRAINT replica_cost_log_pk PRIMARY KEY (replica_id, hour_at),
    KEY replica_cost_log_client_idx (client_id, hour_at),
    KEY replica_cost_log_agent_idx (agent_id, hour_at),
    CONSTRAINT replica_cost_log_replica_fk FOREIGN KEY (replica_id)
        REFERENCES replica_instances (id) ON DELETE CASCADE,
    CONSTRAINT replica_cost_log_client_fk FOREIGN KEY (client_id) REFERENCES clients (id)
        ON DELETE CASCADE,
    CONSTRAINT replica_cost_log_agent_fk FOREIGN KEY (agent_id) REFERENCES agents (id)
        ON DELETE CASCADE,
    CONSTRAINT replica_cost_log_seconds_ck CHECK (seconds BETWEEN 0 AND 3600)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

DROP PROCEDURE IF EXISTS schema_step;
DELIMITER $$
CREATE PROCEDURE schema_step()
BEGIN
IF (SELECT statements_done FROM schema_migrations WHERE kind = 'migration' AND name = '0009_create_fallback') < 5 THEN
ALTER TABLE agents
    ADD COLUMN freeze_level VARCHAR(16) NULL;
UPDATE schema_migrations SET statements_begun = 5, statements_done = 5, checksum = '2ff0559d34703a29e8ac5593fce7e7758e851da95393083a73c937c52c7ed097' WHERE kind = 'migration' AND name = '0009_create_fallback';
END IF;
END$$
DELIMITER ;
CALL schema_step();
DROP PROCEDURE IF EXISTS schema_step;

DROP PROCEDURE IF EXISTS schema_step;
DELIMITER $$
CREATE PROCEDURE schema_step()
BEGIN
IF (SELECT statements_done FROM schema_migrations WHERE kind = 'migration' AND name = '0009_create_fallback') < 6 THEN
ALTER TABLE agents
    ADD CONSTRAINT agents_freeze_ck CHECK (freeze_level IN ('voluntary', 'all'));
UPDATE schema_migrations SET statements_begun = 6, statements_done = 6, checksum = '760785cb19e64b9eb5c2f8d3c0a34eadff52f3abe104ebab2cbeb978cc7debe0' WHERE kind = 'migration' AND name = '0009_create_fallback';
END IF;
END$$
DELIMITER ;
CALL schema_step();
DROP PROCEDURE IF EXISTS schema_step;

DROP PROCEDURE IF EXISTS schema_step;
DELIMITER $$
CREATE PROCEDURE schema_step()
BEGIN
IF (SELECT statements_done FROM schema_migrations WHERE kind = 'migration' AND name = '0009_create_fallback') < 7 THEN
ALTER TABLE clients
    ADD COLUMN freeze_level VARCHAR(16) NULL;
UPDATE schema_migrations SET statements_begun = 7, statements_done = 7, checksum = '52747c3230e279260cf84e944374b235b2a1081f46abbbc7d22a8487f8e0511b' WHERE kind = 'migration' AND name = '0009_create_fallback';
END IF;
END$$
DELIMITER ;
CALL schema_step();
DROP PROCEDURE IF EXISTS schema_step;

DROP PROCEDURE IF EXISTS schema_step;
DELIMITER $$
CREATE PROCEDURE schema_step()
BEGIN
IF (SELECT statements_done FROM schema_migrations WHERE kind = 'migration' AND name = '0009_create_fallback') < 8 THEN
ALTER TABLE clients
    ADD CONSTRAINT clients_freeze_ck CHECK (freeze_level IN ('voluntary', 'all'));
UPDATE schema_migrations SET statements_begun = 8, statements_done = 8, checksum = '3785617ecc4dd23991cafd50db3ca8b9bdb75eb77409c73676f270f94f3fb23c' WHERE kind = 'migration' AND name = '0009_create_fallback';
END IF;
END$$
DELIMITER ;
CALL schema_step();
DROP PROCEDURE IF EXISTS schema_step;

UPDATE schema_migrations
SET statements_begun = 8, statements_done = 8, checksum = 'dcdb112ba3147fe41e9f157c9ef8746e6119049d8c1ceb991c3f677887930757', applied_at = UTC_TIMESTAMP(3)
WHERE kind = 'migration' AND name = '0009_create_fallback' AND applied_at IS NULL;

-- 0010_create_decisions

INSERT INTO schema_migrations (
    kind, name, version, checksum, fingerprint, statements_begun, statements_done, applied_at
)
VALUES ('migration', '0010_create_decisions', 10, 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855', NULL, 0, 0, NULL)
ON DUPLICATE KEY UPDATE version = 10;

DROP PROCEDURE IF EXISTS schema_step;
DELIMITER $$
CREATE PROCEDURE schema_step()
BEGIN
IF (SELECT statements_done FROM schema_migrations WHERE kind = 'migration' AND name = '0010_create_decisions') < 1 THEN
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
UPDATE schema_migrations SET statements_begun = 1, statements_done = 1, checksum = 'b77fe2e9c8a546d2b20258f31ff4537c528d61176e2c98b1d336a7de6ba192fb' WHERE kind = 'migration' AND name = '0010_create_decisions';
END IF;
END$$
DELIMITER ;
CALL schema_step();
DROP PROCEDURE IF EXISTS schema_step;

DROP PROCEDURE IF EXISTS schema_step;
DELIMITER $$
CREATE PROCEDURE schema_step()
BEGIN
IF (SELECT statements_done FROM schema_migrations WHERE kind = 'migration' AND name = '0010_create_decisions') < 2 THEN
ALTER TABLE instances
    ADD KEY instances_place_idx (client_id, role, mode, instance_type, az);
UPDATE schema_migrations SET statements_begun = 2, statements_done = 2, checksum = '519d5d5caa52345dee571b3e9337b1bc4d821696058e38e7776b6e9326de4f44' WHERE kind = 'migration' AND name = '0010_create_decisions';
END IF;
END$$
DELIMITER ;
CALL schema_step();
DROP PROCEDURE IF EXISTS schema_step;

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

UPDATE schema_migrations
SET statements_begun = 4, statements_done = 4, checksum = '2f9192d4c299c95956f9f5f336c080ca6cb0d7a4298495db5e0dc2287ef5c9c3', applied_at = UTC_TIMESTAMP(3)
WHERE kind = 'migration' AND name = '0010_create_decisions' AND applied_at IS NULL;

-- 0011_create_agent_config_history

INSERT INTO schema_migrations (
    kind, name, version, checksum, fingerprint, statements_begun, statements_done, applied_at
)
VALUES ('migration', '0011_create_agent_config_history', 11, 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855', NULL, 0, 0, NULL)
ON DUPLICATE KEY UPDATE version = 11;

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

DROP PROCEDURE IF EXISTS schema_step;
DELIMITER $$
CREATE PROCEDURE schema_step()
BEGIN
IF (SELECT statements_done FROM schema_migrations WHERE kind = 'migration' AND name = '0011_create_agent_config_history') < 2 THEN
ALTER TABLE switches
    ADD KEY switches_outcome_idx (client_id, status, cause);
UPDATE schema_migrations SET statements_begun = 2, statements_done = 2, checksum = '95b7147c64dbd0780e23acfb603ab68f7eff662fb971b4239c9ab76686b86825' WHERE kind = 'migration' AND name = '0011_create_agent_config_history';
END IF;
END$$
DELIMITER ;
CALL schema_step();
DROP PROCEDURE IF EXISTS schema_step;

DROP PROCEDURE IF EXISTS schema_step;
DELIMITER $$
CREATE PROCEDURE schema_step()
BEGIN
IF (SELECT statements_done FROM schema_migrations WHERE kind = 'migration' AND name = '0011_create_agent_config_history') < 3 THEN
ALTER TABLE notifications
    ADD KEY notifications_unread_idx (is_read, client_id, id);
UPDATE schema_migrations SET statements_begun = 3, statements_done = 3, checksum = '1292baa3a7724d01bfebb01c7a3e9a77b0a4860c8148a21075a7fe7ec13800a4' WHERE kind = 'migration' AND name = '0011_create_agent_config_history';
END IF;
END$$
DELIMITER ;
CALL schema_step();
DROP PROCEDURE IF EXISTS schema_step;

UPDATE schema_migrations
SET statements_begun = 3, statements_done = 3, checksum = '39af6b0a221a71978bf691946311cc9a8ab8277e28584260ac53ac7475d69c00', applied_at = UTC_TIMESTAMP(3)
WHERE kind = 'migration' AND name = '0011_create_agent_config_history' AND applied_at IS NULL;

-- 0012_create_models

INSERT INTO schema_migrations (
    kind, name, version, checksum, fingerprint, statements_begun, statements_done, applied_at
)
VALUES ('migration', '0012_create_models', 12, 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855', NULL, 0, 0, NULL)
ON DUPLICATE KEY UPDATE version = 12;

CREATE TABLE IF NOT EXISTS model_upload_sessions (
    id VARCHAR(36) NOT NULL,
    session_type VARCHAR(20) NOT NULL,
    file_count INT NOT NULL,
    file_names JSON NOT NULL,
    total_size_bytes BIGINT NOT NULL,
    uploaded_by VARCHAR(255) NOT NULL,
    notes VARCHAR(500) NULL,
    created_at DATETIME(3) NOT NULL,
    activated_at DATETIME(3) NULL,
    CONSTRAINT model_upload_sessions_pk PRIMARY KEY (id),
    KEY model_upload_sessions_created_idx (created_at),
    CONSTRAINT model_upload_sessions_type_ck CHECK (session_type IN ('models', 'engine'))
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS model_registry (
    id VARCHAR(36) NOT NULL,
    session_id VARCHAR(36) NOT NULL,
    model_name VARCHAR(64) NOT NULL,
    version VARCHAR(64) NOT NULL,
    engine_kind VARCHAR(32) NOT NULL,
    status VARCHAR(16) NOT NULL,
    file_name VARCHAR(255) NOT NULL,
    file_format VARCHAR(16) NOT NULL,
    file_sha256 BINARY(32) NOT NULL,
    file_size_bytes BIGINT NOT NULL,
    scored_format VARCHAR(16) NOT NULL,
    scored_sha256 BINARY(32) NOT NULL,
    scored_size_bytes BIGINT NOT NULL,
    manifest JSON NOT NULL,
    rejection VARCHAR(1000) NULL,
    created_at DATETIME(3) NOT NULL,
    updated_at DATETIME(3) NOT NULL,
    activated_at DATETIME(3) NULL,
    live_kind VARCHAR(32) AS (CASE WHEN status = 'live' THEN engine_kind END) VIRTUAL,
    fallback_kind VARCHAR(32) AS (CASE WHEN status = 'fallback' THEN engine_kind END) VIRTUAL,
    taken_version VARCHAR(64) AS (CASE WHEN status <> 'rejected' THEN version END) VIRTUAL,
    CONSTRAINT model_registry_pk PRIMARY KEY (id),
    CONSTRAINT model_registry_live_uq UNIQUE KEY (live_kind),
    CONSTRAINT model_registry_fallback_uq UNIQUE KEY (fallback_kind),
    CONSTRAINT model_registry_version_uq UNIQUE KEY (model_name, taken_version),
    KEY model_registry_session_idx (session_id),
    KEY model_registry_created_idx (created_at),
    KEY model_registry_file_idx (file_sha256),
    KEY model_registry_scored_idx (scored_sha256),
    CONSTRAINT model_registry_session_fk FOREIGN KEY (session_id)
        REFERENCES model_upload_sessions (id) ON DELETE CASCADE,
    CONSTRAINT model_registry_status_ck CHECK (
        status IN ('uploaded', 'verified', 'live', 'fallback', 'archived', 'rejected')
    ),
    CONSTRAINT model_registry_format_ck CHECK (
        file_format IN ('json', 'onnx', 'pickle', 'h5', 'torch', 'python')
    )
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS model_files (
    sha256 BINARY(32) NOT NULL,
    chunk_number INT NOT NULL,
    content MEDIUMBLOB NOT NULL,
    created_at DATETIME(3) NOT NULL,
    CONSTRAINT model_files_pk PRIMARY KEY (sha256, chunk_number)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

UPDATE schema_migrations
SET statements_begun = 3, statements_done = 3, checksum = 'ff3d13a01b6e85090272335c8d19aad4af8dbc346d975d8d54028aa1ec5aaa76', applied_at = UTC_TIMESTAMP(3)
WHERE kind = 'migration' AND name = '0012_create_models' AND applied_at IS NULL;

-- 0013_second_looks

INSERT INTO schema_migrations (
    kind, name, version, checksum, fingerprint, statements_begun, statements_done, applied_at
)
VALUES ('migration', '0013_second_looks', 13, 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855', NULL, 0, 0, NULL)
ON DUPLICATE KEY UPDATE version = 13;

DROP PROCEDURE IF EXISTS schema_step;
DELIMITER $$
CREATE PROCEDURE schema_step()
BEGIN
IF (SELECT statements_done FROM schema_migrations WHERE kind = 'migration' AND name = '0013_second_looks') < 1 THEN
ALTER TABLE spot_interruption_events
    ADD COLUMN look_count INT NOT NULL DEFAULT 1 AFTER finding,
    ADD COLUMN looked_at DATETIME(3) NULL AFTER look_count;
UPDATE schema_migrations SET statements_begun = 1, statements_done = 1, checksum = '8146bd422fc1ce0e2622f51ba9cb45ac7792525be7dae50cfaaab14fe3566887' WHERE kind = 'migration' AND name = '0013_second_looks';
END IF;
END$$
DELIMITER ;
CALL schema_step();
DROP PROCEDURE IF EXISTS schema_step;

UPDATE schema_migrations
SET statements_begun = 1, statements_done = 1, checksum = 'bf6945fbd22f74d7e229eabbf9158f80a81080041ad26ed65fde4c12eb309e50', applied_at = UTC_TIMESTAMP(3)
WHERE kind = 'migration' AND name = '0013_second_looks' AND applied_at IS NULL;

-- 0014_create_ledger

INSERT INTO schema_migrations (
    kind, name, version, checksum, fingerprint, statements_begun, statements_done, applied_at
)
VALUES ('migration', '0014_create_ledger', 14, 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855', NULL, 0, 0, NULL)
ON DUPLICATE KEY UPDATE version = 14;

CREATE TABLE IF NOT EXISTS cost_records (
    agent_id VARCHAR(36) NOT NULL,
    hour_at DATETIME(3) NOT NULL,
    instance_id VARCHAR(64) NOT NULL,
    starts_at DATETIME(3) NOT NULL,
    ends_at DATETIME(3) NOT NULL,
    client_id VARCHAR(36) NOT NULL,
    role VARCHAR(16) NOT NULL,
    mode VARCHAR(16) NOT NULL,
    pool_id VARCHAR(128) NULL,
    milliseconds INT NOT NULL,
    price_usd_per_hour DECIMAL(12, 6) NULL,
    ondemand_price_usd_per_hour DECIMAL(12, 6) NULL,
    is_free TINYINT(1) NOT NULL,
    is_estimated TINYINT(1) NOT NULL,
    baseline_usd DECIMAL(18, 8) NULL,
    cost_usd DECIMAL(18, 8) NULL,
    booked_at DATETIME(3) NOT NULL,
    corrected_at DATETIME(3) NULL,
    CONSTRAINT cost_records_pk PRIMARY KEY (agent_id, hour_at, instance_id, starts_at),
    KEY cost_records_instance_idx (client_id, instance_id, hour_at),
    KEY cost_records_estimated_idx (is_estimated, hour_at, agent_id),
    KEY cost_records_hour_idx (hour_at),
    CONSTRAINT cost_records_client_fk FOREIGN KEY (client_id) REFERENCES clients (id)
        ON DELETE CASCADE,
    CONSTRAINT cost_records_agent_fk FOREIGN KEY (agent_id) REFERENCES agents (id)
        ON DELETE CASCADE,
    CONSTRAINT cost_records_role_ck CHECK (role IN ('primary', 'replica', 'overlap')),
    CONSTRAINT cost_records_mode_ck CHECK (mode IN ('spot', 'ondemand', 'unknown')),
    CONSTRAINT cost_records_span_ck CHECK (milliseconds BETWEEN 1 AND 3600000)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS cost_corrections (
    agent_id VARCHAR(36) NOT NULL,
    hour_at DATETIME(3) NOT NULL,
    corrected_at DATETIME(3) NOT NULL,
    client_id VARCHAR(36) NOT NULL,
    reason VARCHAR(16) NOT NULL,
    old_baseline_usd DECIMAL(18, 8) NOT NULL,
    old_cost_usd DECIMAL(18, 8) NOT NULL,
    old_unknown_milliseconds BIGINT NOT NULL,
    new_baseline_usd DECIMAL(18, 8) NOT NULL,
    new_cost_usd DECIMAL(18, 8) NOT NULL,
    new_unknown_milliseconds BIGINT NOT NULL,
    CONSTRAINT cost_corrections_pk PRIMARY KEY (agent_id, hour_at, corrected_at),
    KEY cost_corrections_client_idx (client_id, corrected_at),
    KEY cost_corrections_corrected_idx (corrected_at),
    CONSTRAINT cost_corrections_client_fk FOREIGN KEY (client_id) REFERENCES clients (id)
        ON DELETE CASCADE,
    CONSTRAINT cost_corrections_agent_fk FOREIGN KEY (agent_id) REFERENCES agents (id)
        ON DELETE CASCADE,
    CONSTRAINT cost_corrections_reason_ck CHECK (reason IN ('price', 'timeline'))
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS cost_hours (
    hour_at DATETIME(3) NOT NULL,
    closed_at DATETIME(3) NOT NULL,
    row_count INT NOT NULL,
    CONSTRAINT cost_hours_pk PRIMARY KEY (hour_at)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS agent_savings_daily (
    agent_id VARCHAR(36) NOT NULL,
    day_on DATE NOT NULL,
    client_id VARCHAR(36) NOT NULL,
    baseline_usd DECIMAL(20, 8) NOT NULL,
    cost_usd DECIMAL(20, 8) NOT NULL,
    replica_usd DECIMAL(20, 8) NOT NULL,
    overlap_usd DECIMAL(20, 8) NOT NULL,
    spot_milliseconds BIGINT NOT NULL,
    ondemand_milliseconds BIGINT NOT NULL,
    estimated_milliseconds BIGINT NOT NULL,
    unknown_milliseconds BIGINT NOT NULL,
    computed_at DATETIME(3) NOT NULL,
    CONSTRAINT agent_savings_daily_pk PRIMARY KEY (agent_id, day_on),
    KEY agent_savings_daily_client_idx (client_id, day_on, agent_id, baseline_usd, cost_usd),
    CONSTRAINT agent_savings_daily_client_fk FOREIGN KEY (client_id) REFERENCES clients (id)
        ON DELETE CASCADE,
    CONSTRAINT agent_savings_daily_agent_fk FOREIGN KEY (agent_id) REFERENCES agents (id)
        ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS client_savings_daily (
    client_id VARCHAR(36) NOT NULL,
    day_on DATE NOT NULL,
    agent_count INT NOT NULL,
    baseline_usd DECIMAL(20, 8) NOT NULL,
    cost_usd DECIMAL(20, 8) NOT NULL,
    replica_usd DECIMAL(20, 8) NOT NULL,
    overlap_usd DECIMAL(20, 8) NOT NULL,
    spot_milliseconds BIGINT NOT NULL,
    ondemand_milliseconds BIGINT NOT NULL,
    estimated_milliseconds BIGINT NOT NULL,
    unknown_milliseconds BIGINT NOT NULL,
    computed_at DATETIME(3) NOT NULL,
    CONSTRAINT client_savings_daily_pk PRIMARY KEY (client_id, day_on),
    KEY client_savings_daily_day_idx (day_on),
    CONSTRAINT client_savings_daily_client_fk FOREIGN KEY (client_id) REFERENCES clients (id)
        ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS client_savings_monthly (
    client_id VARCHAR(36) NOT NULL,
    month_on DATE NOT NULL,
    baseline_usd DECIMAL(20, 8) NOT NULL,
    cost_usd DECIMAL(20, 8) NOT NULL,
    replica_usd DECIMAL(20, 8) NOT NULL,
    overlap_usd DECIMAL(20, 8) NOT NULL,
    spot_milliseconds BIGINT NOT NULL,
    ondemand_milliseconds BIGINT NOT NULL,
    estimated_milliseconds BIGINT NOT NULL,
    unknown_milliseconds BIGINT NOT NULL,
    computed_at DATETIME(3) NOT NULL,
    CONSTRAINT client_savings_monthly_pk PRIMARY KEY (client_id, month_on),
    KEY client_savings_monthly_month_idx (month_on),
    CONSTRAINT client_savings_monthly_client_fk FOREIGN KEY (client_id) REFERENCES clients (id)
        ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS savings_snapshots (
    client_id VARCHAR(36) NOT NULL,
    day_on DATE NOT NULL,
    baseline_usd DECIMAL(20, 8) NOT NULL,
    cost_usd DECIMAL(20, 8) NOT NULL,
    computed_at DATETIME(3) NOT NULL,
    CONSTRAINT savings_snapshots_pk PRIMARY KEY (client_id, day_on),
    CONSTRAINT savings_snapshots_client_fk FOREIGN KEY (client_id) REFERENCES clients (id)
        ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

UPDATE schema_migrations
SET statements_begun = 7, statements_done = 7, checksum = '509b09ee1d4f6ed1497a7a8b2c9fe330eac078b7d8fcea659d4b08c07887bb32', applied_at = UTC_TIMESTAMP(3)
WHERE kind = 'migration' AND name = '0014_create_ledger' AND applied_at IS NULL;

-- 0015_widen_switch_counts

INSERT INTO schema_migrations (
    kind, name, version, checksum, fingerprint, statements_begun, statements_done, applied_at
)
VALUES ('migration', '0015_widen_switch_counts', 15, 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855', NULL, 0, 0, NULL)
ON DUPLICATE KEY UPDATE version = 15;

DROP PROCEDURE IF EXISTS schema_step;
DELIMITER $$
CREATE PROCEDURE schema_step()
BEGIN
IF (SELECT statements_done FROM schema_migrations WHERE kind = 'migration' AND name = '0015_widen_switch_counts') < 1 THEN
ALTER TABLE switches
    DROP KEY switches_outcome_idx,
    ADD KEY switches_outcome_idx (client_id, status, cause, ended_at);
UPDATE schema_migrations SET statements_begun = 1, statements_done = 1, checksum = '3560ff2109b1ff5881acd8aa0f926ba73e0dac6e495e4279cf9653b171feda7e' WHERE kind = 'migration' AND name = '0015_widen_switch_counts';
END IF;
END$$
DELIMITER ;
CALL schema_step();
DROP PROCEDURE IF EXISTS schema_step;

UPDATE schema_migrations
SET statements_begun = 1, statements_done = 1, checksum = '2aca7f305932ef87149c05f1eeb09011bed59d460ca18c830ab8a68471e8f747', applied_at = UTC_TIMESTAMP(3)
WHERE kind = 'migration' AND name = '0015_widen_switch_counts' AND applied_at IS NULL;

-- 0016_create_model_predictions

INSERT INTO schema_migrations (
    kind, name, version, checksum, fingerprint, statements_begun, statements_done, applied_at
)
VALUES ('migration', '0016_create_model_predictions', 16, 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855', NULL, 0, 0, NULL)
ON DUPLICATE KEY UPDATE version = 16;

CREATE TABLE IF NOT EXISTS model_predictions (
    made_at DATETIME(3) NOT NULL,
    client_id VARCHAR(36) NOT NULL,
    pool_id VARCHAR(128) NOT NULL,
    instance_type VARCHAR(64) NOT NULL,
    az VARCHAR(48) NOT NULL,
    model_version VARCHAR(64) NOT NULL,
    horizon_minutes INT NOT NULL,
    probability DECIMAL(7, 6) NOT NULL,
    ends_at DATETIME(3) NOT NULL,
    outcome VARCHAR(16) NULL,
    CONSTRAINT model_predictions_pk PRIMARY KEY (made_at, client_id, pool_id),
    KEY model_predictions_ends_idx (ends_at, outcome),
    KEY model_predictions_client_idx (client_id),
    CONSTRAINT model_predictions_client_fk FOREIGN KEY (client_id) REFERENCES clients (id)
        ON DELETE CASCADE,
    CONSTRAINT model_predictions_chance_ck CHECK (probability BETWEEN 0 AND 1),
    CONSTRAINT model_predictions_outcome_ck CHECK (outcome IN ('lost', 'survived', 'unseen'))
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

UPDATE schema_migrations
SET statements_begun = 1, statements_done = 1, checksum = '5e3ba5bfff8edc47671ef6931093cc862ecb96eb0cf8077065474d72df3eb743', applied_at = UTC_TIMESTAMP(3)
WHERE kind = 'migration' AND name = '0016_create_model_predictions' AND applied_at IS NULL;

-- 0017_create_notification_channels

INSERT INTO schema_migrations (
    kind, name, version, checksum, fingerprint, statements_begun, statements_done, applied_at
)
VALUES ('migration', '0017_create_notification_channels', 17, 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855', NULL, 0, 0, NULL)
ON DUPLICATE KEY UPDATE version = 17;

CREATE TABLE IF NOT EXISTS notification_channels (
    id VARCHAR(36) NOT NULL,
    client_id VARCHAR(36) NULL,
    name VARCHAR(100) NOT NULL,
    kind VARCHAR(16) NOT NULL,
    target_sealed TEXT NOT NULL,
    target_hint VARCHAR(255) NOT NULL,
    min_severity VARCHAR(16) NOT NULL,
    batch_seconds INT NOT NULL,
    is_enabled TINYINT(1) NOT NULL DEFAULT 1,
    version INT NOT NULL DEFAULT 1,
    active_since DATETIME(3) NOT NULL,
    looked_at DATETIME(3) NOT NULL,
    failing_since DATETIME(3) NULL,
    created_at DATETIME(3) NOT NULL,
    updated_at DATETIME(3) NOT NULL,
    CONSTRAINT notification_channels_pk PRIMARY KEY (id),
    CONSTRAINT notification_channels_name_uq UNIQUE KEY (name),
    KEY notification_channels_client_idx (client_id),
    CONSTRAINT notification_channels_client_fk FOREIGN KEY (client_id) REFERENCES clients (id)
        ON DELETE CASCADE,
    CONSTRAINT notification_channels_kind_ck CHECK (kind IN ('webhook', 'slack', 'email')),
    CONSTRAINT notification_channels_severity_ck CHECK (
        min_severity IN ('info', 'warning', 'error')
    ),
    CONSTRAINT notification_channels_batch_ck CHECK (batch_seconds BETWEEN 0 AND 3600)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS notification_deliveries (
    id VARCHAR(36) NOT NULL,
    channel_id VARCHAR(36) NOT NULL,
    status VARCHAR(16) NOT NULL,
    is_test TINYINT(1) NOT NULL DEFAULT 0,
    item_count INT NOT NULL DEFAULT 0,
    attempts INT NOT NULL DEFAULT 0,
    next_attempt_at DATETIME(3) NOT NULL,
    lease_owner VARCHAR(36) NULL,
    lease_until DATETIME(3) NULL,
    last_error VARCHAR(200) NULL,
    created_at DATETIME(3) NOT NULL,
    ended_at DATETIME(3) NULL,
    collecting_channel VARCHAR(36) AS (
        CASE WHEN status = 'collecting' THEN channel_id END
    ) VIRTUAL,
    CONSTRAINT notification_deliveries_pk PRIMARY KEY (id),
    CONSTRAINT notification_deliveries_collecting_uq UNIQUE KEY (collecting_channel),
    KEY notification_deliveries_channel_idx (channel_id, created_at),
    KEY notification_deliveries_due_idx (status, next_attempt_at),
    KEY notification_deliveries_ended_idx (ended_at),
    CONSTRAINT notification_deliveries_channel_fk FOREIGN KEY (channel_id)
        REFERENCES notification_channels (id) ON DELETE CASCADE,
    CONSTRAINT notification_deliveries_status_ck CHECK (
        status IN ('collecting', 'sending', 'retrying', 'delivered', 'dead')
    )
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS notification_delivery_items (
    channel_id VARCHAR(36) NOT NULL,
    notification_id BIGINT NOT NULL,
    delivery_id VARCHAR(36) NOT NULL,
    CONSTRAINT notification_delivery_items_pk PRIMARY KEY (channel_id, notification_id),
    KEY notification_delivery_items_delivery_idx (delivery_id),
    KEY notification_delivery_items_notification_idx (notification_id),
    CONSTRAINT notification_delivery_items_channel_fk FOREIGN KEY (channel_id)
        REFERENCES notification_channels (id) ON DELETE CASCADE,
    CONSTRAINT notification_delivery_items_delivery_fk FOREIGN KEY (delivery_id)
        REFERENCES notification_deliveries (id) ON DELETE CASCADE,
    CONSTRAINT notification_delivery_items_notification_fk FOREIGN KEY (notification_id)
        REFERENCES notifications (id) ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

UPDATE schema_migrations
SET statements_begun = 3, statements_done = 3, checksum = '1c2a5f769f316be65d95897444b3eb3c513c1c93d093ca492cf5c203c3ef7ba9', applied_at = UTC_TIMESTAMP(3)
WHERE kind = 'migration' AND name = '0017_create_notification_channels' AND applied_at IS NULL;

-- procedure advance_replica
DROP PROCEDURE IF EXISTS advance_replica;
DELIMITER $$
CREATE PROCEDURE advance_replica(
    p_now DATETIME(3),
    p_client_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_agent_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_replica_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_expected_status VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_status VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_instance_id VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_mode VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_pool_name VARCHAR(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_az VARCHAR(48) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_launched_at DATETIME(3),
    p_confirmed_running_at DATETIME(3),
    p_failure_reason VARCHAR(500) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_sync_status VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_sync_latency_ms INT,
    p_sync_progress_percent DECIMAL(5, 2),
    p_last_sync_at DATETIME(3)
)
SQL SECURITY INVOKER
advance_replica: BEGIN
    DECLARE v_agent VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL;
    DECLARE v_found INT DEFAULT 0;
    SELECT a.id
    INTO v_agent
    FROM agents AS a
    WHERE a.id = p_agent_id AND a.client_id = p_client_id
    FOR UPDATE;
    SELECT COUNT(*)
    INTO v_found
    FROM replica_instances AS r
    WHERE
        r.id = p_replica_id
        AND r.agent_id = v_agent
        AND r.status = p_expected_status
        AND COALESCE(r.instance_id, p_instance_id, '') = COALESCE(p_instance_id, r.instance_id, '')
    FOR UPDATE;
    IF v_found = 0 THEN
        SELECT 0 AS applied;
        LEAVE advance_replica;
    END IF;
    UPDATE instances
    SET news_count = news_count + 1
    WHERE agent_id = p_agent_id;
    IF
        p_status = 'terminating'
        OR (p_status IN ('terminated', 'failed') AND p_instance_id IS NOT NULL)
    THEN
        INSERT INTO instances (
            agent_id, instance_id, client_id, role, role_reason, protocol, is_steady, mode,
            instance_type, region, az, launched_at, role_changed_at
        )
        SELECT
            r.agent_id, COALESCE(r.instance_id, p_instance_id), r.client_id, 'superseded',
            'replica_retired', r.protocol, 0, COALESCE(p_mode, r.mode), r.instance_type, r.region,
            COALESCE(p_az, r.az, 'unknown'), COALESCE(r.launched_at, p_launched_at), p_now
        FROM replica_instances AS r
        WHERE r.id = p_replica_id AND COALESCE(r.instance_id, p_instance_id) IS NOT NULL
        ON DUPLICATE KEY UPDATE
            instances.role_changed_at = IF(
                instances.role IN ('primary', 'superseded', 'terminated'),
                instances.role_changed_at, p_now
            ),
            instances.role_reason = IF(
                instances.role IN ('primary', 'superseded', 'terminated'),
                instances.role_reason, 'replica_retired'
            ),
            instances.role = IF(
                instances.role IN ('primary', 'terminated'), instances.role, 'superseded'
            );
    END IF;
    IF p_instance_id IS NOT NULL AND p_status IN ('launching', 'syncing', 'ready', 'promoting') THEN
        UPDATE instances
        SET
            role = 'replica',
            role_reason = 'replica_reported',
            role_changed_at = p_now
        WHERE agent_id = p_agent_id AND instance_id = p_instance_id AND role = 'candidate';
    END IF;
    UPDATE replica_instances
    SET
        sync_status = COALESCE(p_sync_status, sync_status),
        sync_latency_ms = COALESCE(p_sync_latency_ms, sync_latency_ms),
        sync_progress_percent = COALESCE(p_sync_progress_percent, sync_progress_percent),
        last_sync_at = COALESCE(p_last_sync_at, last_sync_at),
        instance_id = COALESCE(instance_id, p_instance_id),
        mode = COALESCE(p_mode, mode),
        pool_name = IF(p_mode = 'ondemand', NULL, COALESCE(p_pool_name, pool_name)),
        az = COALESCE(p_az, az),
        launched_at = COALESCE(launched_at, p_launched_at),
        confirmed_running_at = COALESCE(p_confirmed_running_at, confirmed_running_at),
        failure_reason = COALESCE(failure_reason, p_failure_reason),
        ready_at = IF(p_status = 'ready', COALESCE(ready_at, p_now), ready_at),
        ended_at = IF(p_status IN ('terminated', 'failed'), COALESCE(ended_at, p_now), ended_at),
        status = p_status
    WHERE id = p_replica_id;
    SELECT 1 AS applied;
END$$
DELIMITER ;

-- procedure complete_command
DROP PROCEDURE IF EXISTS complete_command;
DELIMITER $$
CREATE PROCEDURE complete_command(
    p_now DATETIME(3),
    p_client_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_agent_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_command_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_expected_status VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_status VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_outcome_code VARCHAR(32) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_message VARCHAR(1000) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_failed_step VARCHAR(32) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin
)
SQL SECURITY INVOKER
BEGIN
    DECLARE v_applied INT DEFAULT 0;
    DECLARE v_status VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL;
    DECLARE v_type VARCHAR(32) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL;
    DECLARE EXIT HANDLER FOR SQLEXCEPTION
    BEGIN
        ROLLBACK;
        RESIGNAL;
    END;
    START TRANSACTION;
    SELECT c.command_type
    INTO v_type
    FROM commands AS c
    WHERE c.id = p_command_id AND c.agent_id = p_agent_id AND c.client_id = p_client_id;
    IF v_type = 'promote' THEN
        UPDATE switches
        SET
            status = 'completed',
            reason = IF(p_status = 'completed', reason, 'cut_over_unverified'),
            cut_over_at = IF(p_status = 'completed', p_now, cut_over_at),
            ended_at = p_now
        WHERE
            command_id = p_command_id
            AND agent_id = p_agent_id
            AND status NOT IN ('completed', 'failed');
    ELSEIF p_status = 'failed' THEN
        UPDATE instances AS i
        INNER JOIN switches AS s
            ON s.agent_id = i.agent_id AND s.new_instance_id = i.instance_id
        SET
            i.role = 'candidate',
            i.role_reason = 'switch_failed',
            i.role_changed_at = p_now,
            i.news_count = i.news_count + 1
        WHERE
            s.command_id = p_command_id
            AND s.agent_id = p_agent_id
            AND s.status NOT IN ('completed', 'failed')
            AND i.role = 'successor';
        UPDATE switches
        SET
            status = 'failed',
            failed_step = COALESCE(failed_step, p_failed_step),
            reason = LEFT(p_message, 255),
            ended_at = p_now
        WHERE
            command_id = p_command_id
            AND agent_id = p_agent_id
            AND status NOT IN ('completed', 'failed');
    END IF;
    SELECT c.status
    INTO v_status
    FROM commands AS c
    WHERE c.id = p_command_id AND c.agent_id = p_agent_id AND c.client_id = p_client_id
    FOR UPDATE;
    IF v_status = p_expected_status THEN
        UPDATE commands
        SET
            status = p_status,
            outcome_code = p_outcome_code,
            message = p_message,
            ended_at = p_now
        WHERE id = p_command_id;
        IF v_type = 'promote' AND p_status = 'completed' THEN
            UPDATE spot_interruption_events AS e
            INNER JOIN switches AS s ON s.id = e.switch_id
            SET e.verified_at = p_now
            WHERE s.command_id = p_command_id AND e.agent_id = p_agent_id;
        ELSEIF v_type = 'promote' THEN
            INSERT INTO notifications (
                client_id, agent_id, notification_type, severity, message, created_at
            )
            VALUES (
                p_client_id, p_agent_id, 'cut_over_unverified', 'error',
                LEFT(CONCAT('The primary has moved, its traffic is not verified: ', p_message), 500),
                p_now
            );
        END IF;
        SET v_applied = 1;
        COMMIT;
    ELSE
        ROLLBACK;
    END IF;
    SELECT v_applied AS applied;
END$$
DELIMITER ;

-- procedure dedup_pricing
DROP PROCEDURE IF EXISTS dedup_pricing;
DELIMITER $$
CREATE PROCEDURE dedup_pricing(
    IN p_now DATETIME(3),
    IN p_since DATETIME(3),
    IN p_until DATETIME(3),
    IN p_batch_rows INT,
    OUT p_point_count BIGINT
)
SQL SECURITY INVOKER
BEGIN
    DECLARE v_first INT DEFAULT 1;
    DECLARE v_last INT DEFAULT 0;
    DECLARE v_first_id BIGINT;
    DECLARE v_last_id BIGINT;
    DECLARE EXIT HANDLER FOR SQLEXCEPTION
    BEGIN
        ROLLBACK;
        RESIGNAL;
    END;
    DROP TEMPORARY TABLE IF EXISTS touched_points;
    DROP TEMPORARY TABLE IF EXISTS touched_buckets;
    DROP TEMPORARY TABLE IF EXISTS agreements;
    CREATE TEMPORARY TABLE touched_points (
        seq INT NOT NULL AUTO_INCREMENT,
        pool_id BIGINT NOT NULL,
        bucket_at DATETIME(3) NOT NULL,
        client_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
        PRIMARY KEY (seq)
    ) ENGINE = InnoDB;
    CREATE TEMPORARY TABLE touched_buckets (
        seq INT NOT NULL AUTO_INCREMENT,
        pool_id BIGINT NOT NULL,
        bucket_at DATETIME(3) NOT NULL,
        PRIMARY KEY (seq)
    ) ENGINE = InnoDB;
    CREATE TEMPORARY TABLE agreements (
        pool_id BIGINT NOT NULL,
        bucket_at DATETIME(3) NOT NULL,
        price_usd_per_hour DECIMAL(12, 6) NOT NULL,
        sample_count INT NOT NULL,
        report_count INT NOT NULL,
        spread_usd_per_hour DECIMAL(12, 6) NOT NULL,
        PRIMARY KEY (pool_id, bucket_at)
    ) ENGINE = InnoDB;
    SELECT
        MIN(s.id),
        MAX(s.id)
    INTO v_first_id, v_last_id
    FROM spot_price_snapshots AS s FORCE INDEX (spot_price_snapshots_received_idx)
    WHERE s.received_at > p_since AND s.received_at <= p_until;
    INSERT INTO touched_points (pool_id, bucket_at, client_id)
    SELECT DISTINCT
        s.pool_id,
        s.bucket_at,
        s.client_id
    FROM spot_price_snapshots AS s FORCE INDEX (PRIMARY)
    WHERE
        s.id BETWEEN v_first_id AND v_last_id
        AND s.received_at > p_since
        AND s.received_at <= p_until
        AND s.source <> 'history'
    ORDER BY s.pool_id ASC, s.bucket_at ASC, s.client_id ASC;
    SET p_point_count = ROW_COUNT();
    SELECT COALESCE(MAX(t.seq), 0) INTO v_last FROM touched_points AS t;
    WHILE v_first <= v_last DO
        START TRANSACTION;
        INSERT INTO pricing_snapshots_clean (
            pool_id, bucket_at, scope, day_on, client_id, price_usd_per_hour, source,
            sample_count, report_count, spread_usd_per_hour, is_discrepant, updated_at
        )
        SELECT
            MIN(t.pool_id),
            MIN(t.bucket_at),
            MIN(t.client_id),
            MIN(DATE(t.bucket_at)),
            MIN(t.client_id),
            ROUND(SUM(s.price_usd_per_hour) / COUNT(*), 6),
            CASE
                WHEN SUM(s.source = 'primary') > 0 THEN 'primary'
                WHEN SUM(s.source = 'replica') > 0 THEN 'replica'
                ELSE 'other'
            END,
            COUNT(*),
            SUM(s.report_count),
            MAX(s.price_usd_per_hour) - MIN(s.price_usd_per_hour),
            MAX(s.price_usd_per_hour) > MIN(s.price_usd_per_hour) * 1.005,
            p_now
        FROM touched_points AS t
        STRAIGHT_JOIN spot_price_snapshots AS s FORCE INDEX (spot_price_snapshots_slot_uq)
            ON
                s.client_id = t.client_id
                AND s.pool_id = t.pool_id
                AND s.bucket_at = t.bucket_at
                AND s.source <> 'history'
        WHERE t.seq >= v_first AND t.seq < v_first + p_batch_rows
        GROUP BY t.seq
        ON DUPLICATE KEY UPDATE
            updated_at = IF(
                pricing_snapshots_clean.price_usd_per_hour = VALUES(price_usd_per_hour)
                AND pricing_snapshots_clean.source = VALUES(source)
                AND pricing_snapshots_clean.sample_count = VALUES(sample_count)
                AND pricing_snapshots_clean.spread_usd_per_hour = VALUES(spread_usd_per_hour)
                AND pricing_snapshots_clean.is_discrepant = VALUES(is_discrepant),
                pricing_snapshots_clean.updated_at,
                VALUES(updated_at)
            ),
            price_usd_per_hour = VALUES(price_usd_per_hour),
            source = VALUES(source),
            sample_count = VALUES(sample_count),
            report_count = VALUES(report_count),
            spread_usd_per_hour = VALUES(spread_usd_per_hour),
            is_discrepant = VALUES(is_discrepant);
        COMMIT;
        SET v_first = v_first + p_batch_rows;
    END WHILE;
    INSERT INTO touched_buckets (pool_id, bucket_at)
    SELECT DISTINCT
        t.pool_id,
        t.bucket_at
    FROM touched_points AS t
    INNER JOIN spot_pools AS p ON p.id = t.pool_id
    WHERE p.client_id IS NULL
    ORDER BY t.pool_id ASC, t.bucket_at ASC;
    SET v_first = 1;
    SELECT COALESCE(MAX(b.seq), 0) INTO v_last FROM touched_buckets AS b;
    WHILE v_first <= v_last DO
        START TRANSACTION;
        DELETE FROM agreements;
        INSERT INTO agreements (
            pool_id, bucket_at, price_usd_per_hour, sample_count, report_count,
            spread_usd_per_hour
        )
        SELECT
            v.pool_id,
            v.bucket_at,
            ROUND(SUM(v.price_usd_per_hour) / COUNT(*), 6),
            COUNT(*),
            SUM(v.report_count),
            MAX(v.price_usd_per_hour) - MIN(v.price_usd_per_hour)
        FROM (
            SELECT
                r.pool_id,
                r.bucket_at,
                r.price_usd_per_hour,
                r.report_count,
                r.voter_count,
                MAX(
                    CASE WHEN r.place = FLOOR((r.voter_count + 1) / 2)
                    THEN r.price_usd_per_hour END
                ) OVER (PARTITION BY r.pool_id, r.bucket_at) AS median
            FROM (
                SELECT
                    c.pool_id,
                    c.bucket_at,
                    c.price_usd_per_hour,
                    c.report_count,
                    ROW_NUMBER() OVER (
                        PARTITION BY c.pool_id, c.bucket_at
                        ORDER BY c.price_usd_per_hour ASC, c.scope ASC
                    ) AS place,
                    COUNT(*) OVER (PARTITION BY c.pool_id, c.bucket_at) AS voter_count
                FROM touched_buckets AS b
                STRAIGHT_JOIN pricing_snapshots_clean AS c
                    ON c.pool_id = b.pool_id AND c.bucket_at = b.bucket_at
                WHERE
                    b.seq >= v_first
                    AND b.seq < v_first + p_batch_rows
                    AND c.scope <> ''
                    AND c.is_discrepant = 0
            ) AS r
        ) AS v
        WHERE
            GREATEST(v.price_usd_per_hour, v.median)
            <= LEAST(v.price_usd_per_hour, v.median) * 1.005
        GROUP BY v.pool_id, v.bucket_at, v.voter_count
        HAVING COUNT(*) >= 2 AND COUNT(*) * 2 > v.voter_count;
        INSERT INTO pricing_snapshots_clean (
            pool_id, bucket_at, scope, day_on, client_id, price_usd_per_hour, source,
            sample_count, report_count, spread_usd_per_hour, is_discrepant, updated_at
        )
        SELECT
            a.pool_id,
            a.bucket_at,
            '',
            DATE(a.bucket_at),
            NULL,
            a.price_usd_per_hour,
            'agreed',
            a.sample_count,
            a.report_count,
            a.spread_usd_per_hour,
            0,
            p_now
        FROM agreements AS a
        ORDER BY a.pool_id ASC, a.bucket_at ASC
        ON DUPLICATE KEY UPDATE
            updated_at = IF(
                pricing_snapshots_clean.price_usd_per_hour = VALUES(price_usd_per_hour)
                AND pricing_snapshots_clean.sample_count = VALUES(sample_count)
                AND pricing_snapshots_clean.spread_usd_per_hour = VALUES(spread_usd_per_hour)
                AND pricing_snapshots_clean.is_discrepant = 0,
                pricing_snapshots_clean.updated_at,
                VALUES(updated_at)
            ),
            price_usd_per_hour = VALUES(price_usd_per_hour),
            sample_count = VALUES(sample_count),
            report_count = VALUES(report_count),
            spread_usd_per_hour = VALUES(spread_usd_per_hour),
            is_discrepant = 0;
        UPDATE touched_buckets AS b
        STRAIGHT_JOIN pricing_snapshots_clean AS c
            ON c.pool_id = b.pool_id AND c.bucket_at = b.bucket_at AND c.scope = ''
        LEFT JOIN agreements AS a
            ON a.pool_id = c.pool_id AND a.bucket_at = c.bucket_at
        SET
            c.is_discrepant = 1,
            c.updated_at = p_now
        WHERE
            b.seq >= v_first
            AND b.seq < v_first + p_batch_rows
            AND a.pool_id IS NULL
            AND c.is_discrepant = 0;
        COMMIT;
        SET v_first = v_first + p_batch_rows;
    END WHILE;
    DROP TEMPORARY TABLE IF EXISTS touched_points;
    DROP TEMPORARY TABLE IF EXISTS touched_buckets;
    DROP TEMPORARY TABLE IF EXISTS agreements;
END$$
DELIMITER ;

-- procedure interpolate_pricing
DROP PROCEDURE IF EXISTS interpolate_pricing;
DELIMITER $$
CREATE PROCEDURE interpolate_pricing(
    IN p_now DATETIME(3),
    IN p_since DATETIME(3),
    IN p_until DATETIME(3),
    IN p_batch_rows INT,
    OUT p_row_count BIGINT
)
SQL SECURITY INVOKER
BEGIN
    DECLARE v_first INT DEFAULT 1;
    DECLARE v_last INT DEFAULT 0;
    DECLARE v_day DATE;
    DECLARE v_last_day DATE DEFAULT TIMESTAMPADD(DAY, 1, DATE(p_now));
    DECLARE EXIT HANDLER FOR SQLEXCEPTION
    BEGIN
        ROLLBACK;
        RESIGNAL;
    END;
    SET p_row_count = 0;
    DROP TEMPORARY TABLE IF EXISTS touched_series;
    DROP TEMPORARY TABLE IF EXISTS touched_days;
    DROP TEMPORARY TABLE IF EXISTS series_points;
    DROP TEMPORARY TABLE IF EXISTS found_gaps;
    CREATE TEMPORARY TABLE touched_series (
        seq INT NOT NULL AUTO_INCREMENT,
        client_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
        pool_id BIGINT NOT NULL,
        first_at DATETIME(3) NOT NULL,
        from_at DATETIME(3) NULL,
        PRIMARY KEY (seq),
        UNIQUE KEY (client_id, pool_id)
    ) ENGINE = InnoDB;
    CREATE TEMPORARY TABLE touched_days (
        day_on DATE NOT NULL,
        PRIMARY KEY (day_on)
    ) ENGINE = InnoDB;
    CREATE TEMPORARY TABLE series_points (
        client_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
        pool_id BIGINT NOT NULL,
        bucket_at DATETIME(3) NOT NULL,
        price_usd_per_hour DECIMAL(12, 6) NOT NULL,
        PRIMARY KEY (client_id, pool_id, bucket_at)
    ) ENGINE = InnoDB;
    CREATE TEMPORARY TABLE found_gaps (
        client_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
        pool_id BIGINT NOT NULL,
        last_point_at DATETIME(3) NOT NULL,
        next_point_at DATETIME(3) NOT NULL,
        last_price DECIMAL(12, 6) NOT NULL,
        next_price DECIMAL(12, 6) NOT NULL,
        step_count INT NOT NULL,
        PRIMARY KEY (client_id, pool_id, last_point_at)
    ) ENGINE = InnoDB;
    INSERT INTO touched_series (client_id, pool_id, first_at)
    SELECT
        c.scope,
        c.pool_id,
        MIN(c.bucket_at)
    FROM pricing_snapshots_clean AS c
    WHERE c.updated_at > p_since AND c.updated_at <= p_until AND c.scope <> ''
    GROUP BY c.scope, c.pool_id
    ORDER BY c.scope ASC, c.pool_id ASC;
    INSERT INTO touched_series (client_id, pool_id, first_at)
    SELECT
        v.client_id,
        c.pool_id,
        MIN(c.bucket_at)
    FROM pricing_snapshots_clean AS c
    INNER JOIN pool_prices AS v ON v.pool_id = c.pool_id
    WHERE c.updated_at > p_since AND c.updated_at <= p_until AND c.scope = ''
    GROUP BY v.client_id, c.pool_id
    ORDER BY v.client_id ASC, c.pool_id ASC
    ON DUPLICATE KEY UPDATE first_at = LEAST(touched_series.first_at, VALUES(first_at));
    UPDATE touched_series AS t
    SET
        t.from_at = GREATEST(
            COALESCE((
                SELECT c.bucket_at
                FROM pricing_snapshots_clean AS c
                    FORCE INDEX (pricing_snapshots_clean_series_idx)
                WHERE
                    c.client_id = t.client_id
                    AND c.pool_id = t.pool_id
                    AND c.bucket_at < t.first_at
                ORDER BY c.day_on DESC, c.bucket_at DESC
                LIMIT 1
            ), '1970-01-01'),
            COALESCE((
                SELECT c.bucket_at
                FROM pricing_snapshots_clean AS c
                    FORCE INDEX (pricing_snapshots_clean_series_idx)
                WHERE
                    c.client_id IS NULL
                    AND c.pool_id = t.pool_id
                    AND c.bucket_at < t.first_at
                    AND c.is_discrepant = 0
                ORDER BY c.day_on DESC, c.bucket_at DESC
                LIMIT 1
            ), '1970-01-01')
        );
    UPDATE touched_series AS t
    SET t.from_at = t.first_at
    WHERE t.from_at = '1970-01-01';
    SELECT MIN(DATE(t.from_at)) INTO v_day FROM touched_series AS t;
    WHILE v_day <= v_last_day DO
        INSERT INTO touched_days (day_on) VALUES (v_day);
        SET v_day = TIMESTAMPADD(DAY, 1, v_day);
    END WHILE;
    SELECT COALESCE(MAX(t.seq), 0) INTO v_last FROM touched_series AS t;
    WHILE v_first <= v_last DO
        START TRANSACTION;
        DELETE FROM series_points;
        DELETE FROM found_gaps;
        INSERT INTO series_points (client_id, pool_id, bucket_at, price_usd_per_hour)
        SELECT
            t.client_id,
            t.pool_id,
            c.bucket_at,
            c.price_usd_per_hour
        FROM touched_series AS t
        INNER JOIN touched_days AS d ON d.day_on >= DATE(t.from_at)
        INNER JOIN pricing_snapshots_clean AS c FORCE INDEX (pricing_snapshots_clean_series_idx)
            ON
                c.client_id = t.client_id
                AND c.pool_id = t.pool_id
                AND c.day_on = d.day_on
                AND c.bucket_at >= t.from_at
        WHERE t.seq >= v_first AND t.seq < v_first + p_batch_rows;
        INSERT IGNORE INTO series_points (client_id, pool_id, bucket_at, price_usd_per_hour)
        SELECT
            t.client_id,
            t.pool_id,
            c.bucket_at,
            c.price_usd_per_hour
        FROM touched_series AS t
        INNER JOIN touched_days AS d ON d.day_on >= DATE(t.from_at)
        INNER JOIN pricing_snapshots_clean AS c FORCE INDEX (pricing_snapshots_clean_series_idx)
            ON
                c.client_id IS NULL
                AND c.pool_id = t.pool_id
                AND c.day_on = d.day_on
                AND c.bucket_at >= t.from_at
        WHERE t.seq >= v_first AND t.seq < v_first + p_batch_rows AND c.is_discrepant = 0;
        INSERT INTO found_gaps (
            client_id, pool_id, last_point_at, next_point_at, last_price, next_price, step_count
        )
        SELECT
            n.client_id,
            n.pool_id,
            n.bucket_at,
            n.next_at,
            n.price_usd_per_hour,
            n.next_price,
            TIMESTAMPDIFF(MINUTE, n.bucket_at, n.next_at) DIV 5
        FROM (
            SELECT
                p.client_id,
                p.pool_id,
                p.bucket_at,
                p.price_usd_per_hour,
                LEAD(p.bucket_at) OVER (
                    PARTITION BY p.client_id, p.pool_id ORDER BY p.bucket_at ASC
                ) AS next_at,
                LEAD(p.price_usd_per_hour) OVER (
                    PARTITION BY p.client_id, p.pool_id ORDER BY p.bucket_at ASC
                ) AS next_price
            FROM series_points AS p
        ) AS n
        WHERE n.next_at > TIMESTAMPADD(MINUTE, 10, n.bucket_at);
        DELETE f
        FROM touched_series AS t
        STRAIGHT_JOIN pricing_snapshots_interpolated AS f
            ON f.client_id = t.client_id AND f.pool_id = t.pool_id AND f.bucket_at > t.from_at
        LEFT JOIN found_gaps AS g
            ON
                g.client_id = f.client_id
                AND g.pool_id = f.pool_id
                AND g.last_point_at = f.before_at
                AND g.next_point_at = f.after_at
                AND g.last_price = f.before_price_usd_per_hour
                AND g.next_price = f.after_price_usd_per_hour
        WHERE
            t.seq >= v_first
            AND t.seq < v_first + p_batch_rows
            AND f.method = 'linear'
            AND g.client_id IS NULL;
        DELETE f
        FROM series_points AS p
        STRAIGHT_JOIN pricing_snapshots_interpolated AS f
            ON
                f.client_id = p.client_id
                AND f.pool_id = p.pool_id
                AND f.day_on = DATE(p.bucket_at)
                AND f.bucket_at = p.bucket_at;
        INSERT IGNORE INTO pricing_snapshots_interpolated (
            client_id, pool_id, day_on, bucket_at, price_usd_per_hour, method, before_at,
            before_price_usd_per_hour, after_at, after_price_usd_per_hour, filled_at
        )
        SELECT
            g.client_id,
            g.pool_id,
            DATE(TIMESTAMPADD(MINUTE, 5 * k.step, g.last_point_at)),
            TIMESTAMPADD(MINUTE, 5 * k.step, g.last_point_at),
            ROUND(
                (g.last_price * (g.step_count - k.step) + g.next_price * k.step) / g.step_count, 6
            ),
            'linear',
            g.last_point_at,
            g.last_price,
            g.next_point_at,
            g.next_price,
            p_now
        FROM found_gaps AS g
        INNER JOIN (
            SELECT 1 AS step
            UNION ALL SELECT 2
            UNION ALL SELECT 3
            UNION ALL SELECT 4
            UNION ALL SELECT 5
        ) AS k ON k.step < g.step_count
        WHERE g.step_count <= 6;
        INSERT INTO pricing_data_gaps (
            client_id, pool_id, last_point_at, next_point_at, status, next_ask_at, created_at
        )
        SELECT
            g.client_id,
            g.pool_id,
            g.last_point_at,
            g.next_point_at,
            'open',
            p_now,
            p_now
        FROM found_gaps AS g
        WHERE g.step_count > 6
        ORDER BY g.client_id ASC, g.pool_id ASC, g.last_point_at ASC
        ON DUPLICATE KEY UPDATE
            ask_count = IF(pricing_data_gaps.outcome = 'data', 0, pricing_data_gaps.ask_count),
            next_ask_at = IF(
                pricing_data_gaps.outcome = 'data',
                VALUES(next_ask_at),
                pricing_data_gaps.next_ask_at
            ),
            status = IF(pricing_data_gaps.outcome = 'data', 'open', pricing_data_gaps.status),
            ended_at = IF(pricing_data_gaps.outcome = 'data', NULL, pricing_data_gaps.ended_at),
            outcome = IF(pricing_data_gaps.outcome = 'data', NULL, pricing_data_gaps.outcome);
        UPDATE found_gaps AS g
        STRAIGHT_JOIN pricing_data_gaps AS o
            ON
                o.client_id = g.client_id
                AND o.pool_id = g.pool_id
                AND o.last_point_at = g.last_point_at
                AND o.next_point_at = g.next_point_at
        SET
            o.status = 'closed',
            o.outcome = 'history',
            o.ended_at = p_now
        WHERE
            o.status IN ('open', 'asked')
            AND g.step_count - 1 = (
                SELECT COUNT(*)
                FROM pricing_snapshots_interpolated AS f
                WHERE
                    f.client_id = o.client_id
                    AND f.pool_id = o.pool_id
                    AND f.day_on BETWEEN DATE(o.last_point_at) AND DATE(o.next_point_at)
                    AND f.bucket_at > o.last_point_at
                    AND f.bucket_at < o.next_point_at
                    AND f.method = 'history'
            );
        UPDATE touched_series AS t
        STRAIGHT_JOIN pricing_data_gaps AS o
            ON o.client_id = t.client_id AND o.pool_id = t.pool_id
        LEFT JOIN found_gaps AS g
            ON
                g.client_id = o.client_id
                AND g.pool_id = o.pool_id
                AND g.last_point_at = o.last_point_at
                AND g.next_point_at = o.next_point_at
        SET
            o.status = 'closed',
            o.outcome = 'data',
            o.ended_at = p_now
        WHERE
            t.seq >= v_first
            AND t.seq < v_first + p_batch_rows
            AND o.last_point_at >= t.from_at
            AND o.status IN ('open', 'asked')
            AND g.client_id IS NULL;
        SELECT p_row_count + COALESCE(SUM(IF(g.step_count <= 6, g.step_count - 1, 1)), 0)
        INTO p_row_count
        FROM found_gaps AS g;
        COMMIT;
        SET v_first = v_first + p_batch_rows;
    END WHILE;
    DROP TEMPORARY TABLE IF EXISTS touched_series;
    DROP TEMPORARY TABLE IF EXISTS touched_days;
    DROP TEMPORARY TABLE IF EXISTS series_points;
    DROP TEMPORARY TABLE IF EXISTS found_gaps;
END$$
DELIMITER ;

-- procedure lease_commands
DROP PROCEDURE IF EXISTS lease_commands;
DELIMITER $$
CREATE PROCEDURE lease_commands(
    p_now DATETIME(3),
    p_client_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_agent_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_instance_id VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_live_since DATETIME(3),
    p_contested_priority INT,
    p_lease_seconds_classic INT,
    p_lease_seconds_native INT
)
SQL SECURITY INVOKER
lease_commands: BEGIN
    DECLARE v_agent_status VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL;
    DECLARE v_instance_id VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL;
    DECLARE v_role VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL;
    DECLARE v_command_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL;
    DECLARE v_protocol SMALLINT DEFAULT NULL;
    DECLARE v_enabled TINYINT DEFAULT NULL;
    DECLARE v_waiting INT DEFAULT 0;
    DECLARE v_lowest_priority INT DEFAULT 0;
    DECLARE EXIT HANDLER FOR SQLEXCEPTION
    BEGIN
        ROLLBACK;
        RESIGNAL;
    END;
    SELECT
        a.status,
        (
            SELECT COUNT(*)
            FROM commands AS c
            WHERE c.agent_id = a.id AND c.status IN ('pending', 'leased')
        )
    INTO v_agent_status, v_waiting
    FROM agents AS a
    WHERE a.id = p_agent_id AND a.client_id = p_client_id;
    SELECT v_agent_status AS agent_status;
    IF v_waiting = 0 OR v_agent_status = 'deleted' THEN
        LEAVE lease_commands;
    END IF;
    SELECT
        i.instance_id,
        i.role,
        i.protocol,
        f.enabled
    INTO v_instance_id, v_role, v_protocol, v_enabled
    FROM agents AS a
    INNER JOIN agent_configs AS f ON f.agent_id = a.id
    LEFT JOIN instances AS i
        ON i.agent_id = a.id AND i.instance_id = COALESCE(p_instance_id, a.primary_instance_id)
    WHERE a.id = p_agent_id;
    IF v_instance_id IS NULL OR v_enabled = 0 THEN
        LEAVE lease_commands;
    END IF;
    IF
        v_role IN ('candidate', 'superseded', 'terminated')
        OR (p_instance_id IS NULL AND v_protocol >= 5)
    THEN
        LEAVE lease_commands;
    END IF;
    IF p_instance_id IS NULL AND (
        SELECT COUNT(*)
        FROM instances AS i
        WHERE i.agent_id = p_agent_id AND i.last_seen_at > p_live_since
    ) > 1 THEN
        SET v_lowest_priority = p_contested_priority;
    END IF;
    START TRANSACTION;
    IF v_protocol < 5 THEN
        INSERT INTO notifications (
            client_id, agent_id, notification_type, severity, message, created_at
        )
        SELECT
            c.client_id, c.agent_id, 'command_unsupported', 'warning',
            CONCAT('The installed agent cannot execute ', c.command_type), p_now
        FROM commands AS c
        WHERE
            c.agent_id = p_agent_id
            AND c.status = 'pending'
            AND c.command_type <> 'switch'
            AND COALESCE(c.instance_id, v_instance_id) = v_instance_id;
        UPDATE commands
        SET
            status = 'failed',
            outcome_code = 'unsupported',
            message = 'The installed agent cannot execute this command',
            ended_at = p_now
        WHERE
            agent_id = p_agent_id
            AND status = 'pending'
            AND command_type <> 'switch'
            AND COALESCE(instance_id, v_instance_id) = v_instance_id;
    END IF;
    SELECT c.id
    INTO v_command_id
    FROM commands AS c
    WHERE
        c.agent_id = p_agent_id
        AND c.status = 'pending'
        AND c.priority >= v_lowest_priority
        AND c.expires_at > p_now
        AND (c.instance_id = v_instance_id OR (c.instance_id IS NULL AND v_role = 'primary'))
    ORDER BY c.priority DESC, c.created_at ASC, c.id ASC
    LIMIT 1;
    IF v_command_id IS NOT NULL THEN
        UPDATE switches
        SET status = 'launching'
        WHERE command_id = v_command_id AND status = 'requested';
        UPDATE commands
        SET
            status = 'leased',
            lease_instance_id = v_instance_id,
            lease_protocol = v_protocol,
            lease_count = lease_count + 1,
            leased_at = p_now,
            lease_expires_at = p_now + INTERVAL (
                terminate_wait_seconds
                + IF(v_protocol < 5, p_lease_seconds_classic, p_lease_seconds_native)
            ) SECOND
        WHERE id = v_command_id AND status = 'pending';
        IF ROW_COUNT() = 0 THEN
            ROLLBACK;
            LEAVE lease_commands;
        END IF;
    END IF;
    IF v_protocol >= 5 THEN
        UPDATE commands
        SET
            lease_expires_at = p_now + INTERVAL (
                terminate_wait_seconds + p_lease_seconds_native
            ) SECOND
        WHERE
            agent_id = p_agent_id AND status = 'leased' AND lease_instance_id = v_instance_id;
    END IF;
    COMMIT;
    SELECT
        c.id,
        c.command_type,
        c.instance_id,
        c.target_mode,
        c.target_pool_id,
        c.payload,
        c.priority,
        c.terminate_wait_seconds,
        c.reason,
        c.created_at,
        c.lease_expires_at
    FROM commands AS c
    WHERE
        c.agent_id = p_agent_id
        AND c.status = 'leased'
        AND c.lease_instance_id = v_instance_id
        AND (v_protocol >= 5 OR c.id = v_command_id)
    ORDER BY c.priority DESC, c.created_at ASC, c.id ASC
    LIMIT 20;
END$$
DELIMITER ;

-- procedure mark_stale_agents
DROP PROCEDURE IF EXISTS mark_stale_agents;
DELIMITER $$
CREATE PROCEDURE mark_stale_agents(
    IN p_now DATETIME(3),
    IN p_timeout_seconds INT,
    IN p_offline_confirm_seconds INT,
    IN p_batch_rows INT,
    OUT p_marked_count BIGINT
)
SQL SECURITY INVOKER
BEGIN
    DECLARE v_after_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT '';
    DECLARE v_found INT DEFAULT 1;
    DECLARE v_silent_before DATETIME(3)
        DEFAULT TIMESTAMPADD(SECOND, -p_timeout_seconds, p_now);
    DECLARE v_announced_before DATETIME(3)
        DEFAULT TIMESTAMPADD(SECOND, -p_offline_confirm_seconds, p_now);
    DECLARE EXIT HANDLER FOR SQLEXCEPTION
    BEGIN
        ROLLBACK;
        RESIGNAL;
    END;
    SET p_marked_count = 0;
    DROP TEMPORARY TABLE IF EXISTS stale_candidates;
    CREATE TEMPORARY TABLE stale_candidates (
        agent_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
        is_marked TINYINT(1) NOT NULL DEFAULT 0,
        PRIMARY KEY (agent_id)
    ) ENGINE = InnoDB;
    WHILE v_found > 0 DO
        DELETE FROM stale_candidates;
        INSERT INTO stale_candidates (agent_id)
        SELECT a.id
        FROM agents AS a
        LEFT JOIN instances AS i
            ON i.agent_id = a.id AND i.instance_id = a.primary_instance_id
        WHERE
            a.status = 'online'
            AND a.deleted_at IS NULL
            AND a.id > v_after_id
            AND (
                COALESCE(i.last_seen_at, i.role_changed_at, a.updated_at) < v_silent_before
                OR (
                    a.offline_announced_at < v_announced_before
                    AND COALESCE(i.last_seen_at, i.role_changed_at, a.updated_at)
                        <= a.offline_announced_at
                )
            )
        ORDER BY a.id ASC
        LIMIT p_batch_rows;
        SET v_found = ROW_COUNT();
        IF v_found > 0 THEN
            SELECT MAX(c.agent_id) INTO v_after_id FROM stale_candidates AS c;
            START TRANSACTION;
            UPDATE stale_candidates AS c
            STRAIGHT_JOIN agents AS a ON a.id = c.agent_id
            LEFT JOIN instances AS i
                ON i.agent_id = a.id AND i.instance_id = a.primary_instance_id
            SET
                c.is_marked = 1,
                a.status = 'offline',
                a.updated_at = p_now,
                i.is_steady = 0
            WHERE
                a.status = 'online'
                AND a.deleted_at IS NULL
                AND (
                    COALESCE(i.last_seen_at, i.role_changed_at, a.updated_at) < v_silent_before
                    OR (
                        a.offline_announced_at < v_announced_before
                        AND COALESCE(i.last_seen_at, i.role_changed_at, a.updated_at)
                            <= a.offline_announced_at
                    )
                );
            INSERT INTO system_events (
                event_type, severity, client_id, agent_id, instance_id, message, details, created_at
            )
            SELECT
                'agent_marked_offline',
                'warning',
                a.client_id,
                a.id,
                a.primary_instance_id,
                CONCAT('Agent ', a.logical_agent_id, ' is offline'),
                JSON_OBJECT(
                    'last_heard_at',
                    DATE_FORMAT(COALESCE(i.last_seen_at, i.role_changed_at), '%Y-%m-%dT%H:%i:%sZ'),
                    'announced_at',
                    DATE_FORMAT(a.offline_announced_at, '%Y-%m-%dT%H:%i:%sZ')
                ),
                p_now
            FROM stale_candidates AS c
            INNER JOIN agents AS a ON a.id = c.agent_id
            LEFT JOIN instances AS i
                ON i.agent_id = a.id AND i.instance_id = a.primary_instance_id
            WHERE c.is_marked = 1;
            SET p_marked_count = p_marked_count + ROW_COUNT();
            INSERT INTO notifications (
                client_id, agent_id, notification_type, severity, message, created_at
            )
            SELECT
                a.client_id,
                a.id,
                'agent_offline',
                'warning',
                CONCAT(
                    'Agent ', a.logical_agent_id, ' is offline: its primary ',
                    COALESCE(a.primary_instance_id, '(none)'), ' was last heard at ',
                    COALESCE(
                        DATE_FORMAT(i.last_seen_at, '%Y-%m-%d %H:%i:%s UTC'), 'no time at all'
                    )
                ),
                p_now
            FROM stale_candidates AS c
            INNER JOIN agents AS a ON a.id = c.agent_id
            LEFT JOIN instances AS i
                ON i.agent_id = a.id AND i.instance_id = a.primary_instance_id
            WHERE c.is_marked = 1;
            COMMIT;
        END IF;
    END WHILE;
    DROP TEMPORARY TABLE IF EXISTS stale_candidates;
END$$
DELIMITER ;

-- procedure promote_replica
DROP PROCEDURE IF EXISTS promote_replica;
DELIMITER $$
CREATE PROCEDURE promote_replica(
    p_now DATETIME(3),
    p_client_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_agent_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_expected_epoch INT,
    p_replica_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_expected_status VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_adopted_switch_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_new_instance_id VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_switch_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_cause VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_event_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_requested_at DATETIME(3),
    p_promote_command_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_promote_payload LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_promote_expires_at DATETIME(3),
    p_retire_command_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_retire_payload LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_retire_expires_at DATETIME(3),
    p_undo_command_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_undo_payload LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_severity VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_message VARCHAR(500) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin
)
SQL SECURITY INVOKER
promote_replica: BEGIN
    DECLARE v_epoch INT DEFAULT NULL;
    DECLARE v_old_primary VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL;
    DECLARE v_found INT DEFAULT 0;
    DECLARE v_waiting INT DEFAULT 0;
    DECLARE v_open_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL;
    DECLARE v_open_command VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL;
    DECLARE EXIT HANDLER FOR SQLEXCEPTION
    BEGIN
        ROLLBACK;
        RESIGNAL;
    END;
    START TRANSACTION;
    SELECT
        a.epoch,
        a.primary_instance_id
    INTO v_epoch, v_old_primary
    FROM agents AS a
    WHERE a.id = p_agent_id AND a.client_id = p_client_id AND a.status <> 'deleted'
    FOR UPDATE;
    IF v_epoch IS NULL OR v_epoch <> p_expected_epoch THEN
        ROLLBACK;
        SELECT 0 AS applied;
        LEAVE promote_replica;
    END IF;
    IF p_replica_id IS NOT NULL THEN
        SELECT COUNT(*)
        INTO v_found
        FROM replica_instances AS r
        WHERE
            r.id = p_replica_id
            AND r.agent_id = p_agent_id
            AND r.status = p_expected_status
            AND r.instance_id = p_new_instance_id
            AND r.doomed_at IS NULL;
    ELSE
        SELECT COUNT(*)
        INTO v_found
        FROM switches AS s
        INNER JOIN instances AS i
            ON i.agent_id = s.agent_id AND i.instance_id = s.new_instance_id
        WHERE
            s.open_slot = p_agent_id
            AND s.id = p_adopted_switch_id
            AND s.new_instance_id = p_new_instance_id
            AND i.role = 'successor'
            AND i.terminated_at IS NULL;
    END IF;
    IF v_found <> 1 THEN
        ROLLBACK;
        SELECT 0 AS applied;
        LEAVE promote_replica;
    END IF;
    SELECT
        s.id,
        s.command_id
    INTO v_open_id, v_open_command
    FROM switches AS s
    WHERE s.open_slot = p_agent_id;
    UPDATE agents
    SET
        status = 'online',
        epoch = epoch + 1,
        primary_instance_id = p_new_instance_id,
        offline_announced_at = NULL,
        last_switch_at = p_now,
        last_failover_at = p_now,
        updated_at = p_now
    WHERE id = p_agent_id;
    UPDATE instances
    SET
        role_reason = CASE
            WHEN role = 'primary' THEN 'promotion'
            WHEN role = 'successor' AND instance_id <> p_new_instance_id THEN 'switch_failed'
            ELSE role_reason
        END,
        role_changed_at = IF(
            role = 'primary' OR (role = 'successor' AND instance_id <> p_new_instance_id),
            p_now, role_changed_at
        ),
        role = CASE
            WHEN role = 'primary' THEN IF(terminated_at IS NULL, 'superseded', 'terminated')
            WHEN role = 'successor' AND instance_id <> p_new_instance_id THEN 'candidate'
            ELSE role
        END,
        news_count = news_count + 1
    WHERE agent_id = p_agent_id;
    IF p_replica_id IS NOT NULL THEN
        INSERT INTO instances (
            agent_id, instance_id, client_id, role, role_reason, protocol, is_steady, mode,
            instance_type, region, az, launched_at, role_changed_at
        )
        SELECT
            r.agent_id, r.instance_id, r.client_id, 'primary', 'promotion', r.protocol, 0, r.mode,
            r.instance_type, r.region, COALESCE(r.az, 'unknown'), r.launched_at, p_now
        FROM replica_instances AS r
        WHERE r.id = p_replica_id
        ON DUPLICATE KEY UPDATE
            instances.role = 'primary',
            instances.role_reason = 'promotion',
            instances.role_changed_at = p_now,
            instances.terminated_at = NULL,
            instances.launched_at = COALESCE(instances.launched_at, VALUES(launched_at));
    ELSE
        UPDATE instances
        SET
            role = 'primary',
            role_reason = 'promotion',
            role_changed_at = p_now
        WHERE agent_id = p_agent_id AND instance_id = p_new_instance_id;
    END IF;
    IF v_open_id IS NOT NULL THEN
        UPDATE switches
        SET
            status = IF(new_instance_id = v_old_primary, 'completed', 'failed'),
            failed_step = IF(new_instance_id = v_old_primary, failed_step, 'preempted'),
            reason = IF(new_instance_id = v_old_primary, 'cut_over_unverified', 'preempted'),
            ended_at = p_now
        WHERE open_slot = p_agent_id AND id <> COALESCE(p_adopted_switch_id, '');
    END IF;
    IF p_adopted_switch_id IS NOT NULL THEN
        UPDATE switches
        SET
            status = IF(p_promote_command_id IS NULL, 'completed', 'ready'),
            reason = 'adopted',
            command_id = p_promote_command_id,
            ready_at = COALESCE(ready_at, p_now),
            cut_over_at = IF(p_promote_command_id IS NULL, p_now, cut_over_at),
            ended_at = IF(p_promote_command_id IS NULL, p_now, ended_at)
        WHERE id = p_adopted_switch_id;
    ELSE
        INSERT INTO switches (
            id, client_id, agent_id, command_id, cause, status, reason,
            old_instance_id, old_instance_type, old_az, old_mode, old_pool_id,
            new_instance_id, new_instance_type, new_az, new_mode, new_pool_id,
            requested_at, initiated_at, launched_at, ready_at, cut_over_at, ended_at
        )
        SELECT
            p_switch_id, p_client_id, p_agent_id, p_promote_command_id, p_cause,
            IF(p_promote_command_id IS NULL, 'completed', 'ready'), 'promotion',
            v_old_primary, o.instance_type, o.az, o.mode,
            IF(o.mode = 'spot', CONCAT(o.instance_type, '.', o.az), NULL),
            n.instance_id, n.instance_type, n.az, n.mode,
            IF(n.mode = 'spot', CONCAT(n.instance_type, '.', n.az), NULL),
            p_requested_at, p_now, n.launched_at, p_now,
            IF(p_promote_command_id IS NULL, p_now, NULL),
            IF(p_promote_command_id IS NULL, p_now, NULL)
        FROM instances AS n
        LEFT JOIN instances AS o
            ON o.agent_id = n.agent_id AND o.instance_id = v_old_primary
        WHERE n.agent_id = p_agent_id AND n.instance_id = p_new_instance_id;
    END IF;
    UPDATE replica_instances
    SET
        status = 'promoted',
        promoted_at = p_now,
        ready_at = COALESCE(ready_at, p_now),
        event_id = COALESCE(event_id, p_event_id)
    WHERE id = p_replica_id;
    UPDATE commands AS c
    INNER JOIN replica_instances AS r ON r.command_id = c.id
    SET
        c.status = 'completed',
        c.outcome_code = 'replica_promoted',
        c.message = 'The replica took over',
        c.ended_at = p_now
    WHERE r.id = p_replica_id AND c.status IN ('pending', 'leased');
    SELECT COUNT(*)
    INTO v_waiting
    FROM commands AS c
    WHERE c.agent_id = p_agent_id AND c.status IN ('pending', 'leased');
    IF v_waiting > 0 THEN
        UPDATE replica_instances AS r
        INNER JOIN commands AS c ON c.id = r.command_id
        SET
            r.status = 'failed',
            r.failure_reason = 'The instance that was to launch it was replaced',
            r.ended_at = p_now
        WHERE
            r.live_slot = p_agent_id
            AND r.instance_id IS NULL
            AND c.status = 'pending'
            AND c.instance_id = v_old_primary;
        UPDATE commands
        SET instance_id = p_new_instance_id
        WHERE
            agent_id = p_agent_id
            AND p_promote_command_id IS NOT NULL
            AND status = 'pending'
            AND command_type = 'retire_instance'
            AND instance_id = v_old_primary;
        UPDATE commands
        SET
            status = 'cancelled',
            outcome_code = 'preempted',
            message = 'The primary was replaced',
            ended_at = p_now
        WHERE
            agent_id = p_agent_id
            AND status IN ('pending', 'leased')
            AND (
                id = v_open_command
                OR (
                    status = 'pending'
                    AND (instance_id = v_old_primary OR command_type = 'verify_primary')
                )
            );
    END IF;
    IF p_promote_command_id IS NOT NULL THEN
        INSERT INTO commands (
            id, client_id, agent_id, command_type, instance_id, payload, priority, created_by,
            idempotency_key, status, expires_at, created_at
        )
        VALUES (
            p_promote_command_id, p_client_id, p_agent_id, 'promote', p_new_instance_id,
            p_promote_payload, 100, 'system', CONCAT('promote:', p_switch_id), 'pending',
            p_promote_expires_at, p_now
        );
    END IF;
    IF p_undo_command_id IS NOT NULL THEN
        INSERT INTO commands (
            id, client_id, agent_id, command_type, instance_id, payload, priority, created_by,
            idempotency_key, status, expires_at, created_at
        )
        VALUES (
            p_undo_command_id, p_client_id, p_agent_id, 'retire_instance', p_new_instance_id,
            p_undo_payload, 50, 'system', CONCAT('undo:', p_switch_id), 'pending',
            p_retire_expires_at, p_now
        );
    END IF;
    IF p_retire_command_id IS NOT NULL THEN
        INSERT INTO commands (
            id, client_id, agent_id, command_type, instance_id, payload, priority, created_by,
            idempotency_key, status, expires_at, created_at
        )
        VALUES (
            p_retire_command_id, p_client_id, p_agent_id, 'retire_instance', p_new_instance_id,
            p_retire_payload, 50, 'system', CONCAT('retire:', p_switch_id), 'pending',
            p_retire_expires_at, p_now
        );
    END IF;
    UPDATE spot_interruption_events
    SET
        status = 'failed_over',
        action = 'hand_over',
        replica_id = COALESCE(p_replica_id, replica_id),
        switch_id = p_switch_id,
        new_instance_id = p_new_instance_id,
        committed_at = p_now,
        ended_at = p_now
    WHERE
        open_slot = p_agent_id
        AND (id = p_event_id OR instance_id = v_old_primary)
        AND is_drill = 0;
    INSERT INTO system_events (
        event_type, severity, client_id, agent_id, instance_id, message, details, created_at
    )
    VALUES (
        'primary_promoted', p_severity, p_client_id, p_agent_id, p_new_instance_id, p_message,
        JSON_OBJECT(
            'old_instance_id', v_old_primary,
            'new_instance_id', p_new_instance_id,
            'epoch', p_expected_epoch + 1,
            'switch_id', p_switch_id,
            'replica_id', p_replica_id,
            'event_id', p_event_id,
            'cause', p_cause
        ),
        p_now
    );
    INSERT INTO notifications (
        client_id, agent_id, notification_type, severity, message, created_at
    )
    VALUES (p_client_id, p_agent_id, 'primary_promoted', p_severity, p_message, p_now);
    COMMIT;
    SELECT 1 AS applied;
END$$
DELIMITER ;

-- procedure purge_expired
DROP PROCEDURE IF EXISTS purge_expired;
DELIMITER $$
CREATE PROCEDURE purge_expired(
    IN p_now DATETIME(3),
    IN p_batch_rows INT,
    IN p_max_rows INT,
    OUT p_deleted_count BIGINT
)
SQL SECURITY INVOKER
BEGIN
    DECLARE v_age_seconds INT;
    DECLARE v_target VARCHAR(1000) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
    DECLARE v_is_last TINYINT DEFAULT 0;
    DECLARE v_batch_count INT;
    DECLARE rules CURSOR FOR
        SELECT 0 AS age_seconds, 'operator_sessions WHERE expires_at < ?' AS target
        UNION ALL SELECT 30 * 86400, 'operator_sessions WHERE last_seen_at < ?'
        UNION ALL SELECT 30 * 86400, 'operator_api_keys WHERE revoked_at < ?'
        UNION ALL SELECT 30 * 86400, 'operator_api_keys WHERE expires_at < ?'
        UNION ALL SELECT 30 * 86400, 'client_tokens WHERE revoked_at < ?'
        UNION ALL SELECT 30 * 86400, 'client_tokens WHERE expires_at < ?'
        UNION ALL SELECT 14 * 86400, CONCAT(
            'job_runs WHERE started_at < ? AND status <> ''running'' AND (job, slot) NOT IN (',
            'SELECT job, newest_slot FROM (SELECT job, MAX(slot) AS newest_slot FROM job_runs ',
            'WHERE status = ''done'' GROUP BY job) AS newest)'
        )
        UNION ALL SELECT 30 * 86400, 'notification_deliveries WHERE ended_at < ?'
        UNION ALL SELECT 90 * 86400, 'notifications WHERE created_at < ? AND is_read = 1'
        UNION ALL SELECT 180 * 86400, 'notifications WHERE created_at < ?'
        UNION ALL SELECT 180 * 86400, 'system_events WHERE created_at < ?'
        UNION ALL SELECT 180 * 86400, 'cleanup_logs WHERE created_at < ?'
        UNION ALL SELECT 400 * 86400, 'audit_logs WHERE created_at < ?'
        UNION ALL SELECT 400 * 86400, 'agent_config_history WHERE changed_at < ?'
        UNION ALL SELECT 30 * 86400, 'commands WHERE ended_at < ?'
        UNION ALL SELECT 30 * 86400, 'agent_health_metrics WHERE bucket_at < ?'
        UNION ALL SELECT 400 * 86400, 'ondemand_price_snapshots WHERE bucket_at < ?'
        UNION ALL SELECT 180 * 86400, 'pricing_data_gaps WHERE ended_at < ?'
        UNION ALL SELECT 90 * 86400, 'pool_cooldowns WHERE ends_at < ?'
        UNION ALL SELECT 30 * 86400, 'pool_risk_analysis WHERE analysed_at < ?'
        UNION ALL SELECT 400 * 86400, 'pool_reliability_metrics WHERE period_start < ?'
        UNION ALL SELECT 400 * 86400, 'pricing_snapshots_interpolated WHERE bucket_at < ?'
        UNION ALL SELECT 400 * 86400, 'pricing_snapshots_clean WHERE updated_at < ?'
        UNION ALL SELECT 400 * 86400, 'cost_corrections WHERE corrected_at < ?'
        UNION ALL SELECT 400 * 86400, 'cost_hours WHERE hour_at < ?'
        UNION ALL SELECT 400 * 86400, 'cost_records WHERE hour_at < ?'
        UNION ALL SELECT 90 * 86400, 'decision_engine_log WHERE created_at < ?'
        UNION ALL SELECT 90 * 86400, 'risk_scores WHERE created_at < ?'
        UNION ALL SELECT 30 * 86400, 'model_predictions WHERE made_at < ?'
        UNION ALL SELECT 7 * 86400, 'pricing_reports WHERE received_at < ?'
        UNION ALL SELECT 2 * 86400, 'spot_price_snapshots WHERE received_at < ?';
    DECLARE CONTINUE HANDLER FOR NOT FOUND SET v_is_last = 1;
    DECLARE EXIT HANDLER FOR SQLEXCEPTION
    BEGIN
        ROLLBACK;
        RESIGNAL;
    END;
    SET p_deleted_count = 0;
    OPEN rules;
    FETCH rules INTO v_age_seconds, v_target;
    WHILE v_is_last = 0 DO
        SET @purge_statement = CONCAT('DELETE FROM ', v_target, ' LIMIT ?');
        SET @purge_before = TIMESTAMPADD(SECOND, -v_age_seconds, p_now);
        PREPARE purge_batch FROM @purge_statement;
        SET v_batch_count = 1;
        WHILE v_batch_count > 0 AND p_deleted_count < p_max_rows DO
            SET @purge_limit = LEAST(p_batch_rows, p_max_rows - p_deleted_count);
            START TRANSACTION;
            EXECUTE purge_batch USING @purge_before, @purge_limit;
            SET v_batch_count = ROW_COUNT();
            COMMIT;
            SET p_deleted_count = p_deleted_count + v_batch_count;
        END WHILE;
        DEALLOCATE PREPARE purge_batch;
        FETCH rules INTO v_age_seconds, v_target;
    END WHILE;
    CLOSE rules;
END$$
DELIMITER ;

-- procedure record_interruption
DROP PROCEDURE IF EXISTS record_interruption;
DELIMITER $$
CREATE PROCEDURE record_interruption(
    p_now DATETIME(3),
    p_client_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_agent_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_instance_id VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_event_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_signal_type VARCHAR(32) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_notice_key VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_own_key VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_join_since DATETIME(3),
    p_noticed_at DATETIME(3),
    p_deadline_at DATETIME(3),
    p_is_drill TINYINT,
    p_cools_until DATETIME(3),
    p_back_off_since DATETIME(3),
    p_message VARCHAR(500) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin
)
SQL SECURITY INVOKER
record_interruption: BEGIN
    DECLARE v_epoch INT DEFAULT NULL;
    DECLARE v_role VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL;
    DECLARE v_event_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL;
    DECLARE v_is_new INT DEFAULT 0;
    DECLARE v_primary_notices INT DEFAULT 0;
    DECLARE v_stood_down_count INT DEFAULT 0;
    DECLARE v_last_stood_down_at DATETIME(3) DEFAULT NULL;
    DECLARE EXIT HANDLER FOR SQLEXCEPTION
    BEGIN
        ROLLBACK;
        RESIGNAL;
    END;
    START TRANSACTION;
    SELECT a.epoch
    INTO v_epoch
    FROM agents AS a
    WHERE a.id = p_agent_id AND a.client_id = p_client_id AND a.status <> 'deleted'
    FOR UPDATE;
    SELECT i.role
    INTO v_role
    FROM instances AS i
    WHERE i.agent_id = p_agent_id AND i.instance_id = p_instance_id;
    IF v_epoch IS NULL OR v_role IS NULL THEN
        ROLLBACK;
        LEAVE record_interruption;
    END IF;
    SELECT e.id
    INTO v_event_id
    FROM spot_interruption_events AS e
    WHERE
        e.agent_id = p_agent_id
        AND e.instance_id = p_instance_id
        AND e.signal_type = p_signal_type
        AND e.is_drill = p_is_drill
        AND (
            e.notice_key = p_notice_key
            OR (
                (p_notice_key IS NULL OR LEFT(e.notice_key, 1) = '~')
                AND (
                    e.received_at >= p_join_since
                    OR e.status IN ('detected', 'responding', 'launched')
                )
            )
        )
    ORDER BY COALESCE(e.notice_key = p_notice_key, 0) DESC, e.received_at DESC, e.id ASC
    LIMIT 1;
    IF v_event_id IS NOT NULL THEN
        UPDATE spot_interruption_events
        SET
            report_count = report_count + 1,
            deadline_at = COALESCE(deadline_at, p_deadline_at)
        WHERE id = v_event_id;
    ELSE
        SET v_event_id = p_event_id;
        SET v_is_new = 1;
        INSERT INTO spot_interruption_events (
            id, client_id, agent_id, instance_id, signal_type, notice_key, status, subject_role,
            epoch, is_drill, instance_type, region, az, mode, noticed_at, deadline_at, received_at
        )
        SELECT
            p_event_id, p_client_id, p_agent_id, p_instance_id, p_signal_type,
            COALESCE(p_notice_key, p_own_key), 'detected', i.role, v_epoch, p_is_drill,
            i.instance_type, i.region, i.az, i.mode, p_noticed_at, p_deadline_at, p_now
        FROM instances AS i
        WHERE i.agent_id = p_agent_id AND i.instance_id = p_instance_id;
        INSERT INTO system_events (
            event_type, severity, client_id, agent_id, instance_id, message, created_at
        )
        VALUES (
            'interruption_noticed', 'warning', p_client_id, p_agent_id, p_instance_id, p_message,
            p_now
        );
        IF p_is_drill = 0 AND v_role NOT IN ('superseded', 'terminated') THEN
            INSERT INTO pool_cooldowns (
                client_id, pool_id, reason, source_key, occurred_at, ends_at
            )
            SELECT
                p_client_id, p.id,
                IF(p_signal_type = 'rebalance-recommendation', 'rebalance', 'interruption'),
                p_event_id, p_now, p_cools_until
            FROM instances AS i
            INNER JOIN spot_pools AS p
                ON p.instance_type = i.instance_type AND p.region = i.region
            INNER JOIN pool_prices AS v
                ON v.pool_id = p.id AND v.client_id = p_client_id AND v.az = i.az
            WHERE
                i.agent_id = p_agent_id AND i.instance_id = p_instance_id AND i.mode = 'spot'
            ORDER BY v.reported_at DESC, v.pool_id ASC
            LIMIT 1
            ON DUPLICATE KEY UPDATE ends_at = GREATEST(pool_cooldowns.ends_at, VALUES(ends_at));
        END IF;
    END IF;
    IF p_is_drill = 0 AND v_role = 'replica' THEN
        UPDATE instances
        SET news_count = news_count + 1
        WHERE agent_id = p_agent_id;
        UPDATE replica_instances
        SET doomed_at = COALESCE(doomed_at, p_now)
        WHERE live_slot = p_agent_id AND instance_id = p_instance_id;
    END IF;
    COMMIT;
    IF v_role = 'replica' THEN
        SELECT COUNT(*)
        INTO v_primary_notices
        FROM spot_interruption_events AS o
        INNER JOIN agents AS a ON a.id = o.agent_id AND a.primary_instance_id = o.instance_id
        WHERE
            o.open_slot = p_agent_id
            AND o.signal_type IN ('termination-notice', 'loss')
            AND o.is_drill = 0;
    END IF;
    IF p_signal_type = 'rebalance-recommendation' THEN
        SELECT
            COUNT(*),
            MAX(d.ended_at)
        INTO v_stood_down_count, v_last_stood_down_at
        FROM spot_interruption_events AS d
        WHERE
            d.agent_id = p_agent_id
            AND d.instance_id = p_instance_id
            AND d.signal_type = p_signal_type
            AND d.status = 'stood_down'
            AND d.replica_id IS NOT NULL
            AND d.ended_at > p_back_off_since;
    END IF;
    SELECT
        a.epoch,
        a.logical_agent_id,
        a.primary_instance_id,
        a.freeze_level AS agent_freeze,
        k.freeze_level AS client_freeze,
        g.value AS global_freeze,
        f.enabled,
        f.auto_terminate_enabled,
        f.terminate_wait_seconds,
        v_is_new AS is_new,
        e.id AS event_id,
        e.status,
        e.signal_type,
        e.action,
        e.reason,
        e.is_drill,
        e.replica_id,
        e.switch_id,
        e.new_instance_id,
        e.received_at,
        e.deadline_at,
        e.committed_at,
        i.role,
        i.protocol,
        i.agent_version,
        i.instance_type,
        i.region,
        i.az,
        i.mode,
        i.account_id,
        v_primary_notices AS primary_notices,
        v_stood_down_count AS stood_down_count,
        v_last_stood_down_at AS last_stood_down_at
    FROM agents AS a
    INNER JOIN clients AS k ON k.id = a.client_id
    INNER JOIN agent_configs AS f ON f.agent_id = a.id
    INNER JOIN spot_interruption_events AS e ON e.id = v_event_id
    INNER JOIN instances AS i ON i.agent_id = a.id AND i.instance_id = p_instance_id
    LEFT JOIN settings AS g ON g.name = 'fallback.freeze'
    WHERE a.id = p_agent_id;
    SELECT
        r.id,
        r.status,
        r.event_id,
        r.instance_id,
        COALESCE(n.protocol, r.protocol) AS protocol,
        r.doomed_at,
        r.confirmed_running_at,
        r.created_at,
        r.pools,
        r.allows_ondemand,
        r.holder_instance_id,
        n.last_seen_at,
        c.id AS command_id,
        c.status AS command_status,
        c.payload AS command_payload
    FROM replica_instances AS r
    LEFT JOIN instances AS n ON n.agent_id = r.agent_id AND n.instance_id = r.instance_id
    LEFT JOIN commands AS c ON c.id = r.command_id
    WHERE r.live_slot = p_agent_id
    ORDER BY r.status = 'ready' DESC, r.status = 'promoting' DESC, r.standby_slot ASC;
    IF EXISTS (SELECT 1 FROM switches AS s WHERE s.open_slot = p_agent_id) THEN
        SELECT
            s.id AS switch_id,
            s.new_instance_id AS instance_id,
            n.role,
            n.protocol,
            n.last_seen_at,
            n.terminated_at,
            (
                SELECT COUNT(*)
                FROM spot_interruption_events AS o
                WHERE o.open_slot = p_agent_id AND o.instance_id = s.new_instance_id
            ) AS notices
        FROM switches AS s
        INNER JOIN instances AS n ON n.agent_id = s.agent_id AND n.instance_id = s.new_instance_id
        WHERE s.open_slot = p_agent_id;
    END IF;
END$$
DELIMITER ;

-- procedure record_pricing_report
DROP PROCEDURE IF EXISTS record_pricing_report;
DELIMITER $$
CREATE PROCEDURE record_pricing_report(
    p_now DATETIME(3),
    p_client_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_agent_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_instance_id VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_observed_at DATETIME(3),
    p_bucket_at DATETIME(3),
    p_shared_slot VARCHAR(100) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_own_slot VARCHAR(100) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_region VARCHAR(32) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_instance_type VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_mode VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_ondemand_price DECIMAL(12, 6),
    p_ondemand_source VARCHAR(32) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_spot_price DECIMAL(12, 6),
    p_entries LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_accepted_count INT,
    p_refused_count INT,
    p_is_due TINYINT
)
SQL SECURITY INVOKER
record_pricing_report: BEGIN
    DECLARE v_role VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL;
    DECLARE EXIT HANDLER FOR SQLEXCEPTION
    BEGIN
        ROLLBACK;
        RESIGNAL;
    END;
    SELECT i.role
    INTO v_role
    FROM instances AS i
    WHERE
        i.agent_id = p_agent_id
        AND i.instance_id = p_instance_id
        AND i.client_id = p_client_id;
    IF v_role IS NULL THEN
        SELECT 0 AS is_known, 0 AS is_repeat;
        LEAVE record_pricing_report;
    END IF;
    START TRANSACTION;
    INSERT IGNORE INTO pricing_reports (
        agent_id, instance_id, observed_at, client_id, received_at,
        ondemand_price_usd_per_hour, spot_price_usd_per_hour, accepted_count, refused_count
    )
    VALUES (
        p_agent_id, p_instance_id, p_observed_at, p_client_id, p_now,
        p_ondemand_price, p_spot_price, p_accepted_count, p_refused_count
    );
    IF ROW_COUNT() = 0 THEN
        ROLLBACK;
        SELECT 1 AS is_known, 1 AS is_repeat;
        LEAVE record_pricing_report;
    END IF;
    UPDATE instances
    SET
        ondemand_price_usd_per_hour = COALESCE(p_ondemand_price, ondemand_price_usd_per_hour),
        spot_price_usd_per_hour = COALESCE(p_spot_price, spot_price_usd_per_hour),
        mode = IF(mode = 'unknown', p_mode, mode),
        prices_at = p_observed_at
    WHERE
        agent_id = p_agent_id
        AND instance_id = p_instance_id
        AND COALESCE(prices_at, p_observed_at) <= p_observed_at;
    IF p_accepted_count > 0 OR p_ondemand_price IS NOT NULL THEN
        INSERT INTO pending_price_reports (
            client_id, agent_id, instance_id, own_source, observed_at, bucket_at, received_at,
            shared_slot, own_slot, region, instance_type, ondemand_price_usd_per_hour,
            ondemand_source, entries
        )
        VALUES (
            p_client_id, p_agent_id, p_instance_id,
            IF(v_role IN ('primary', 'replica'), v_role, 'other'), p_observed_at, p_bucket_at,
            p_now, p_shared_slot, p_own_slot, p_region, p_instance_type, p_ondemand_price,
            p_ondemand_source, p_entries
        );
    END IF;
    IF p_is_due = 1 AND p_accepted_count > 0 THEN
        INSERT INTO pool_prices (
            client_id, pool_id, az, price_usd_per_hour, observed_at, reported_at
        )
        SELECT
            p_client_id,
            e.pool_id,
            e.az,
            e.price_usd_per_hour,
            p_observed_at,
            p_now
        FROM JSON_TABLE(
            p_entries, '$[*]' COLUMNS (
                pool_id BIGINT PATH '$.p',
                az VARCHAR(48) CHARACTER SET utf8mb4 PATH '$.z',
                price_usd_per_hour DECIMAL(12, 6) PATH '$.c'
            )
        ) AS e
        ON DUPLICATE KEY UPDATE
            az = IF(VALUES(observed_at) >= pool_prices.observed_at, VALUES(az), pool_prices.az),
            price_usd_per_hour = IF(
                VALUES(observed_at) >= pool_prices.observed_at,
                VALUES(price_usd_per_hour),
                pool_prices.price_usd_per_hour
            ),
            reported_at = VALUES(reported_at),
            observed_at = GREATEST(VALUES(observed_at), pool_prices.observed_at);
    END IF;
    IF p_is_due = 1 AND p_ondemand_price IS NOT NULL THEN
        INSERT INTO ondemand_price_snapshots (
            client_id, region, instance_type, bucket_at, price_usd_per_hour, source, observed_at,
            agent_id
        )
        VALUES (
            p_client_id, p_region, p_instance_type, p_bucket_at, p_ondemand_price,
            p_ondemand_source, p_observed_at, p_agent_id
        )
        ON DUPLICATE KEY UPDATE
            price_usd_per_hour = IF(
                VALUES(observed_at) >= ondemand_price_snapshots.observed_at,
                VALUES(price_usd_per_hour),
                ondemand_price_snapshots.price_usd_per_hour
            ),
            source = IF(
                VALUES(observed_at) >= ondemand_price_snapshots.observed_at,
                VALUES(source),
                ondemand_price_snapshots.source
            ),
            observed_at = GREATEST(VALUES(observed_at), ondemand_price_snapshots.observed_at);
    END IF;
    COMMIT;
    SELECT 1 AS is_known, 0 AS is_repeat;
END$$
DELIMITER ;

-- procedure record_pricing_reports
DROP PROCEDURE IF EXISTS record_pricing_reports;
DELIMITER $$
CREATE PROCEDURE record_pricing_reports(
    p_now DATETIME(3),
    p_reports LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin
)
SQL SECURITY INVOKER
record_pricing_reports: BEGIN
    DECLARE v_kept_count INT DEFAULT 0;
    DECLARE EXIT HANDLER FOR SQLEXCEPTION
    BEGIN
        ROLLBACK;
        RESIGNAL;
    END;
    START TRANSACTION;
    INSERT IGNORE INTO pricing_reports (
        agent_id, instance_id, observed_at, client_id, received_at,
        ondemand_price_usd_per_hour, spot_price_usd_per_hour, accepted_count, refused_count
    )
    SELECT
        i.agent_id, i.instance_id, r.observed_at, i.client_id, p_now,
        r.ondemand_price, r.spot_price, r.accepted_count, r.refused_count
    FROM JSON_TABLE(
        p_reports, '$[*]' COLUMNS (
            client_id VARCHAR(36) CHARACTER SET utf8mb4 PATH '$.client_id',
            agent_id VARCHAR(36) CHARACTER SET utf8mb4 PATH '$.agent_id',
            instance_id VARCHAR(64) CHARACTER SET utf8mb4 PATH '$.instance_id',
            observed_at DATETIME(3) PATH '$.observed_at',
            ondemand_price DECIMAL(12, 6) PATH '$.ondemand_price',
            spot_price DECIMAL(12, 6) PATH '$.spot_price',
            accepted_count INT PATH '$.accepted_count',
            refused_count INT PATH '$.refused_count'
        )
    ) AS r
    STRAIGHT_JOIN instances AS i
        ON
            i.agent_id = r.agent_id COLLATE utf8mb4_bin
            AND i.instance_id = r.instance_id COLLATE utf8mb4_bin
            AND i.client_id = r.client_id COLLATE utf8mb4_bin;
    SET v_kept_count = ROW_COUNT();
    IF v_kept_count <> JSON_LENGTH(p_reports) THEN
        ROLLBACK;
        SELECT 0 AS is_kept;
        LEAVE record_pricing_reports;
    END IF;
    UPDATE JSON_TABLE(
        p_reports, '$[*]' COLUMNS (
            agent_id VARCHAR(36) CHARACTER SET utf8mb4 PATH '$.agent_id',
            instance_id VARCHAR(64) CHARACTER SET utf8mb4 PATH '$.instance_id',
            observed_at DATETIME(3) PATH '$.observed_at',
            ondemand_price DECIMAL(12, 6) PATH '$.ondemand_price',
            spot_price DECIMAL(12, 6) PATH '$.spot_price',
            mode VARCHAR(16) CHARACTER SET utf8mb4 PATH '$.mode'
        )
    ) AS r
    STRAIGHT_JOIN instances AS i
        ON
            i.agent_id = r.agent_id COLLATE utf8mb4_bin
            AND i.instance_id = r.instance_id COLLATE utf8mb4_bin
    SET
        i.ondemand_price_usd_per_hour = COALESCE(r.ondemand_price, i.ondemand_price_usd_per_hour),
        i.spot_price_usd_per_hour = COALESCE(r.spot_price, i.spot_price_usd_per_hour),
        i.mode = IF(i.mode = 'unknown', r.mode, i.mode),
        i.prices_at = r.observed_at
    WHERE COALESCE(i.prices_at, r.observed_at) <= r.observed_at;
    INSERT INTO pending_price_reports (
        client_id, agent_id, instance_id, own_source, observed_at, bucket_at, received_at,
        shared_slot, own_slot, region, instance_type, ondemand_price_usd_per_hour,
        ondemand_source, entries
    )
    SELECT
        i.client_id, i.agent_id, i.instance_id,
        IF(i.role IN ('primary', 'replica'), i.role, 'other'), r.observed_at, r.bucket_at, p_now,
        r.shared_slot, r.own_slot, r.region, r.instance_type, r.ondemand_price,
        r.ondemand_source, r.entries
    FROM JSON_TABLE(
        p_reports, '$[*]' COLUMNS (
            agent_id VARCHAR(36) CHARACTER SET utf8mb4 PATH '$.agent_id',
            instance_id VARCHAR(64) CHARACTER SET utf8mb4 PATH '$.instance_id',
            observed_at DATETIME(3) PATH '$.observed_at',
            bucket_at DATETIME(3) PATH '$.bucket_at',
            shared_slot VARCHAR(100) CHARACTER SET utf8mb4 PATH '$.shared_slot',
            own_slot VARCHAR(100) CHARACTER SET utf8mb4 PATH '$.own_slot',
            region VARCHAR(32) CHARACTER SET utf8mb4 PATH '$.region',
            instance_type VARCHAR(64) CHARACTER SET utf8mb4 PATH '$.instance_type',
            ondemand_price DECIMAL(12, 6) PATH '$.ondemand_price',
            ondemand_source VARCHAR(32) CHARACTER SET utf8mb4 PATH '$.ondemand_source',
            entries LONGTEXT CHARACTER SET utf8mb4 PATH '$.entries'
        )
    ) AS r
    STRAIGHT_JOIN instances AS i
        ON
            i.agent_id = r.agent_id COLLATE utf8mb4_bin
            AND i.instance_id = r.instance_id COLLATE utf8mb4_bin;
    COMMIT;
    SELECT 1 AS is_kept;
END$$
DELIMITER ;

-- procedure record_switch
DROP PROCEDURE IF EXISTS record_switch;
DELIMITER $$
CREATE PROCEDURE record_switch(
    p_now DATETIME(3),
    p_client_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_agent_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_expected_epoch INT,
    p_moves_primary TINYINT,
    p_switch_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_report_key VARCHAR(200) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_cause VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_old_instance_id VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_old_instance_type VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_old_az VARCHAR(48) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_old_mode VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_old_pool_id VARCHAR(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_new_instance_id VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_new_instance_type VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_new_region VARCHAR(32) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_new_az VARCHAR(48) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_new_ami_id VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_new_mode VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_new_pool_id VARCHAR(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_new_is_steady TINYINT,
    p_ondemand_price DECIMAL(12, 6),
    p_old_spot_price DECIMAL(12, 6),
    p_new_spot_price DECIMAL(12, 6),
    p_savings_impact DECIMAL(12, 6),
    p_image_id VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_snapshot_id VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_initiated_at DATETIME(3),
    p_image_created_at DATETIME(3),
    p_launched_at DATETIME(3),
    p_ready_at DATETIME(3),
    p_cut_over_at DATETIME(3),
    p_old_terminated_at DATETIME(3),
    p_message VARCHAR(500) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_retire_command_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_retire_payload LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_retire_expires_at DATETIME(3)
)
SQL SECURITY INVOKER
record_switch: BEGIN
    DECLARE v_epoch INT DEFAULT NULL;
    DECLARE EXIT HANDLER FOR SQLEXCEPTION
    BEGIN
        ROLLBACK;
        RESIGNAL;
    END;
    START TRANSACTION;
    SELECT a.epoch
    INTO v_epoch
    FROM agents AS a
    WHERE a.id = p_agent_id AND a.client_id = p_client_id
    FOR UPDATE;
    IF
        v_epoch IS NULL
        OR v_epoch <> p_expected_epoch
        OR EXISTS (
            SELECT 1
            FROM switches AS s
            WHERE s.agent_id = p_agent_id AND s.report_key = p_report_key AND s.id <> p_switch_id
        )
    THEN
        ROLLBACK;
        SELECT 0 AS applied;
        LEAVE record_switch;
    END IF;
    UPDATE instances
    SET news_count = news_count + 1
    WHERE agent_id = p_agent_id;
    IF p_moves_primary = 1 THEN
        UPDATE instances
        SET
            role = 'superseded',
            role_reason = 'switch_reported',
            role_changed_at = p_now
        WHERE agent_id = p_agent_id AND role = 'primary';
        INSERT INTO instances (
            agent_id, instance_id, client_id, role, role_reason, is_steady, mode, instance_type,
            region, az, ami_id, launched_at, role_changed_at
        )
        VALUES (
            p_agent_id, p_new_instance_id, p_client_id, 'primary', 'switch_reported',
            p_new_is_steady, p_new_mode, p_new_instance_type, p_new_region, p_new_az, p_new_ami_id,
            p_launched_at, p_now
        )
        ON DUPLICATE KEY UPDATE
            role = 'primary',
            role_reason = 'switch_reported',
            role_changed_at = p_now,
            launched_at = COALESCE(launched_at, VALUES(launched_at));
        UPDATE agents
        SET
            primary_instance_id = p_new_instance_id,
            epoch = epoch + 1,
            last_switch_at = p_now,
            offline_announced_at = NULL,
            updated_at = p_now
        WHERE id = p_agent_id;
    END IF;
    IF p_old_terminated_at IS NOT NULL THEN
        UPDATE instances
        SET
            role = 'terminated',
            role_reason = 'switch_reported',
            role_changed_at = p_now,
            terminated_at = p_old_terminated_at
        WHERE
            agent_id = p_agent_id
            AND instance_id = p_old_instance_id
            AND role = 'superseded';
    END IF;
    INSERT INTO switches (
        id, client_id, agent_id, cause, status, report_key,
        old_instance_id, old_instance_type, old_az, old_mode, old_pool_id,
        new_instance_id, new_instance_type, new_az, new_mode, new_pool_id,
        ondemand_price_usd_per_hour, old_spot_price_usd_per_hour, new_spot_price_usd_per_hour,
        savings_impact_usd_per_hour, image_id, snapshot_id,
        requested_at, initiated_at, image_created_at, launched_at, ready_at, cut_over_at,
        old_terminated_at, reported_at, ended_at
    )
    VALUES (
        p_switch_id, p_client_id, p_agent_id, p_cause, 'completed', p_report_key,
        p_old_instance_id, p_old_instance_type, p_old_az, p_old_mode, p_old_pool_id,
        p_new_instance_id, p_new_instance_type, p_new_az, p_new_mode, p_new_pool_id,
        p_ondemand_price, p_old_spot_price, p_new_spot_price,
        p_savings_impact, p_image_id, p_snapshot_id,
        COALESCE(p_initiated_at, p_now), p_initiated_at, p_image_created_at, p_launched_at,
        p_ready_at, p_cut_over_at, p_old_terminated_at, p_now, p_now
    )
    ON DUPLICATE KEY UPDATE
        status = 'completed',
        failed_step = NULL,
        report_key = VALUES(report_key),
        old_instance_id = VALUES(old_instance_id),
        old_instance_type = VALUES(old_instance_type),
        old_az = VALUES(old_az),
        old_mode = VALUES(old_mode),
        old_pool_id = VALUES(old_pool_id),
        new_instance_id = VALUES(new_instance_id),
        new_instance_type = VALUES(new_instance_type),
        new_az = VALUES(new_az),
        new_mode = VALUES(new_mode),
        new_pool_id = VALUES(new_pool_id),
        ondemand_price_usd_per_hour = VALUES(ondemand_price_usd_per_hour),
        old_spot_price_usd_per_hour = VALUES(old_spot_price_usd_per_hour),
        new_spot_price_usd_per_hour = VALUES(new_spot_price_usd_per_hour),
        savings_impact_usd_per_hour = VALUES(savings_impact_usd_per_hour),
        image_id = VALUES(image_id),
        snapshot_id = VALUES(snapshot_id),
        initiated_at = VALUES(initiated_at),
        image_created_at = VALUES(image_created_at),
        launched_at = VALUES(launched_at),
        ready_at = VALUES(ready_at),
        cut_over_at = VALUES(cut_over_at),
        old_terminated_at = COALESCE(VALUES(old_terminated_at), old_terminated_at),
        reported_at = COALESCE(reported_at, VALUES(reported_at)),
        ended_at = COALESCE(ended_at, VALUES(ended_at));
    UPDATE commands AS c
    INNER JOIN switches AS s ON s.command_id = c.id
    SET
        c.status = 'completed',
        c.outcome_code = 'reported',
        c.message = 'Switch reported',
        c.ended_at = p_now
    WHERE
        s.id = p_switch_id
        AND s.agent_id = p_agent_id
        AND (
            c.status = 'leased'
            OR (c.status = 'failed' AND c.outcome_code = 'outcome_unknown')
        );
    IF p_retire_command_id IS NOT NULL THEN
        INSERT INTO commands (
            id, client_id, agent_id, command_type, instance_id, payload, priority, created_by,
            idempotency_key, status, expires_at, created_at
        )
        VALUES (
            p_retire_command_id, p_client_id, p_agent_id, 'retire_instance', p_new_instance_id,
            p_retire_payload, 50, 'system', CONCAT('retire:', p_switch_id), 'pending',
            p_retire_expires_at, p_now
        )
        ON DUPLICATE KEY UPDATE commands.id = commands.id;
    END IF;
    INSERT INTO system_events (
        event_type, severity, client_id, agent_id, instance_id, message, created_at
    )
    VALUES (
        IF(p_moves_primary = 1, 'switch_completed', 'switch_reported_late'), 'info',
        p_client_id, p_agent_id, p_new_instance_id, p_message, p_now
    );
    IF p_moves_primary = 1 THEN
        INSERT INTO notifications (
            client_id, agent_id, notification_type, severity, message, created_at
        )
        VALUES (p_client_id, p_agent_id, 'switch_completed', 'info', p_message, p_now);
    END IF;
    COMMIT;
    SELECT 1 AS applied;
END$$
DELIMITER ;

-- procedure refresh_pool_reliability
DROP PROCEDURE IF EXISTS refresh_pool_reliability;
DELIMITER $$
CREATE PROCEDURE refresh_pool_reliability(
    IN p_now DATETIME(3),
    IN p_batch_rows INT,
    OUT p_row_count BIGINT
)
SQL SECURITY INVOKER
BEGIN
    DECLARE v_first INT DEFAULT 1;
    DECLARE v_last INT DEFAULT 0;
    DECLARE v_day_at DATETIME(3) DEFAULT DATE(TIMESTAMPADD(HOUR, -1, p_now));
    DECLARE v_day_end DATETIME(3) DEFAULT TIMESTAMPADD(DAY, 1, v_day_at);
    DECLARE v_hour_at DATETIME(3)
        DEFAULT TIMESTAMPADD(HOUR, HOUR(p_now), CAST(DATE(p_now) AS DATETIME(3)));
    DECLARE v_fresh_after DATETIME(3) DEFAULT TIMESTAMPADD(HOUR, -24, p_now);
    DECLARE v_losses_after DATETIME(3) DEFAULT TIMESTAMPADD(DAY, -30, p_now);
    DECLARE v_from_at DATETIME(3) DEFAULT LEAST(v_day_at, v_fresh_after);
    DECLARE EXIT HANDLER FOR SQLEXCEPTION
    BEGIN
        ROLLBACK;
        RESIGNAL;
    END;
    DROP TEMPORARY TABLE IF EXISTS watched_pools;
    DROP TEMPORARY TABLE IF EXISTS watched_days;
    DROP TEMPORARY TABLE IF EXISTS incidents;
    DROP TEMPORARY TABLE IF EXISTS shared_incidents;
    DROP TEMPORARY TABLE IF EXISTS pool_incidents;
    DROP TEMPORARY TABLE IF EXISTS loss_facts;
    DROP TEMPORARY TABLE IF EXISTS trouble_facts;
    DROP TEMPORARY TABLE IF EXISTS recent_points;
    DROP TEMPORARY TABLE IF EXISTS price_facts;
    CREATE TEMPORARY TABLE watched_pools (
        seq INT NOT NULL AUTO_INCREMENT,
        client_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
        pool_id BIGINT NOT NULL,
        price_usd_per_hour DECIMAL(12, 6) NOT NULL,
        ondemand_price_usd_per_hour DECIMAL(12, 6) NULL,
        PRIMARY KEY (seq),
        UNIQUE KEY (client_id, pool_id)
    ) ENGINE = InnoDB;
    CREATE TEMPORARY TABLE watched_days (
        day_on DATE NOT NULL,
        PRIMARY KEY (day_on)
    ) ENGINE = InnoDB;
    CREATE TEMPORARY TABLE incidents (
        pool_id BIGINT NOT NULL,
        slot BIGINT NOT NULL,
        client_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
        occurred_at DATETIME(3) NOT NULL,
        PRIMARY KEY (pool_id, slot, client_id),
        KEY (client_id, pool_id)
    ) ENGINE = InnoDB;
    CREATE TEMPORARY TABLE shared_incidents (
        pool_id BIGINT NOT NULL,
        slot BIGINT NOT NULL,
        occurred_at DATETIME(3) NOT NULL,
        PRIMARY KEY (pool_id, slot)
    ) ENGINE = InnoDB;
    CREATE TEMPORARY TABLE pool_incidents (
        client_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
        pool_id BIGINT NOT NULL,
        slot BIGINT NOT NULL,
        occurred_at DATETIME(3) NOT NULL,
        PRIMARY KEY (client_id, pool_id, slot)
    ) ENGINE = InnoDB;
    CREATE TEMPORARY TABLE loss_facts (
        client_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
        pool_id BIGINT NOT NULL,
        loss_count INT NOT NULL,
        decayed_count DOUBLE NOT NULL,
        last_loss_at DATETIME(3) NOT NULL,
        day_count INT NOT NULL,
        PRIMARY KEY (client_id, pool_id)
    ) ENGINE = InnoDB;
    CREATE TEMPORARY TABLE trouble_facts (
        client_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
        pool_id BIGINT NOT NULL,
        decayed_capacity_count DOUBLE NOT NULL,
        day_rebalance_count INT NOT NULL,
        day_capacity_count INT NOT NULL,
        PRIMARY KEY (client_id, pool_id)
    ) ENGINE = InnoDB;
    CREATE TEMPORARY TABLE recent_points (
        client_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
        pool_id BIGINT NOT NULL,
        bucket_at DATETIME(3) NOT NULL,
        price_usd_per_hour DECIMAL(12, 6) NOT NULL,
        PRIMARY KEY (client_id, pool_id, bucket_at)
    ) ENGINE = InnoDB;
    CREATE TEMPORARY TABLE price_facts (
        client_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
        pool_id BIGINT NOT NULL,
        volatility DOUBLE NULL,
        day_point_count INT NOT NULL,
        day_average DECIMAL(12, 6) NULL,
        day_lowest DECIMAL(12, 6) NULL,
        day_highest DECIMAL(12, 6) NULL,
        day_volatility DOUBLE NULL,
        PRIMARY KEY (client_id, pool_id)
    ) ENGINE = InnoDB;
    INSERT INTO watched_pools (
        client_id, pool_id, price_usd_per_hour, ondemand_price_usd_per_hour
    )
    SELECT
        v.client_id,
        v.pool_id,
        v.price_usd_per_hour,
        (
            SELECT o.price_usd_per_hour
            FROM ondemand_price_snapshots AS o
            WHERE
                o.client_id = v.client_id
                AND o.region = p.region
                AND o.instance_type = p.instance_type
            ORDER BY o.bucket_at DESC
            LIMIT 1
        )
    FROM pool_prices AS v
    INNER JOIN spot_pools AS p ON p.id = v.pool_id
    WHERE v.reported_at > v_fresh_after
    ORDER BY v.client_id ASC, v.pool_id ASC;
    SET p_row_count = ROW_COUNT();
    WHILE DATE(v_from_at) <= DATE(TIMESTAMPADD(DAY, 1, p_now)) DO
        INSERT INTO watched_days (day_on) VALUES (DATE(v_from_at));
        SET v_from_at = TIMESTAMPADD(DAY, 1, v_from_at);
    END WHILE;
    SET v_from_at = LEAST(v_day_at, v_fresh_after);
    INSERT INTO incidents (pool_id, slot, client_id, occurred_at)
    SELECT
        c.pool_id,
        TIMESTAMPDIFF(SECOND, '1970-01-01', c.occurred_at) DIV 1800 AS slot,
        c.client_id,
        MAX(c.occurred_at)
    FROM pool_cooldowns AS c
    WHERE
        c.reason = 'interruption'
        AND c.occurred_at > v_losses_after
        AND c.occurred_at <= p_now
    GROUP BY c.pool_id, slot, c.client_id;
    INSERT INTO shared_incidents (pool_id, slot, occurred_at)
    SELECT
        i.pool_id,
        i.slot,
        MAX(i.occurred_at)
    FROM incidents AS i
    GROUP BY i.pool_id, i.slot
    HAVING COUNT(*) >= 2;
    INSERT INTO pool_incidents (client_id, pool_id, slot, occurred_at)
    SELECT
        w.client_id,
        w.pool_id,
        i.slot,
        i.occurred_at
    FROM watched_pools AS w
    INNER JOIN incidents AS i ON i.client_id = w.client_id AND i.pool_id = w.pool_id;
    INSERT IGNORE INTO pool_incidents (client_id, pool_id, slot, occurred_at)
    SELECT
        w.client_id,
        w.pool_id,
        i.slot,
        i.occurred_at
    FROM watched_pools AS w
    INNER JOIN shared_incidents AS i ON i.pool_id = w.pool_id;
    INSERT INTO loss_facts (
        client_id, pool_id, loss_count, decayed_count, last_loss_at, day_count
    )
    SELECT
        i.client_id,
        i.pool_id,
        COUNT(*),
        SUM(EXP(-LN(2) * TIMESTAMPDIFF(SECOND, i.occurred_at, p_now) / (7 * 86400))),
        MAX(i.occurred_at),
        SUM(i.occurred_at >= v_day_at AND i.occurred_at < v_day_end)
    FROM pool_incidents AS i
    GROUP BY i.client_id, i.pool_id;
    INSERT INTO trouble_facts (
        client_id, pool_id, decayed_capacity_count, day_rebalance_count, day_capacity_count
    )
    SELECT
        c.client_id,
        c.pool_id,
        SUM(
            IF(
                c.reason = 'capacity' AND c.occurred_at > v_fresh_after,
                EXP(-LN(2) * TIMESTAMPDIFF(SECOND, c.occurred_at, p_now) / (3 * 3600)),
                0
            )
        ),
        SUM(
            c.reason = 'rebalance' AND c.occurred_at >= v_day_at AND c.occurred_at < v_day_end
        ),
        SUM(c.reason = 'capacity' AND c.occurred_at >= v_day_at AND c.occurred_at < v_day_end)
    FROM pool_cooldowns AS c
    WHERE c.occurred_at > v_from_at AND c.occurred_at <= p_now AND c.reason <> 'interruption'
    GROUP BY c.client_id, c.pool_id;
    SELECT COALESCE(MAX(w.seq), 0) INTO v_last FROM watched_pools AS w;
    WHILE v_first <= v_last DO
        START TRANSACTION;
        DELETE FROM recent_points;
        DELETE FROM price_facts;
        INSERT INTO recent_points (client_id, pool_id, bucket_at, price_usd_per_hour)
        SELECT
            w.client_id,
            w.pool_id,
            c.bucket_at,
            c.price_usd_per_hour
        FROM watched_pools AS w
        CROSS JOIN watched_days AS d
        INNER JOIN pricing_snapshots_clean AS c FORCE INDEX (pricing_snapshots_clean_series_idx)
            ON c.client_id = w.client_id AND c.pool_id = w.pool_id AND c.day_on = d.day_on
        WHERE
            w.seq >= v_first AND w.seq < v_first + p_batch_rows AND c.bucket_at >= v_from_at;
        INSERT IGNORE INTO recent_points (client_id, pool_id, bucket_at, price_usd_per_hour)
        SELECT
            w.client_id,
            w.pool_id,
            c.bucket_at,
            c.price_usd_per_hour
        FROM watched_pools AS w
        CROSS JOIN watched_days AS d
        INNER JOIN pricing_snapshots_clean AS c FORCE INDEX (pricing_snapshots_clean_series_idx)
            ON c.client_id IS NULL AND c.pool_id = w.pool_id AND c.day_on = d.day_on
        WHERE
            w.seq >= v_first
            AND w.seq < v_first + p_batch_rows
            AND c.bucket_at >= v_from_at
            AND c.is_discrepant = 0;
        INSERT INTO price_facts (
            client_id, pool_id, volatility, day_point_count, day_average, day_lowest,
            day_highest, day_volatility
        )
        SELECT
            r.client_id,
            r.pool_id,
            STDDEV_POP(IF(r.bucket_at > v_fresh_after, r.price_usd_per_hour, NULL))
            / AVG(IF(r.bucket_at > v_fresh_after, r.price_usd_per_hour, NULL)),
            SUM(r.bucket_at >= v_day_at AND r.bucket_at < v_day_end),
            ROUND(
                AVG(
                    IF(
                        r.bucket_at >= v_day_at AND r.bucket_at < v_day_end,
                        r.price_usd_per_hour,
                        NULL
                    )
                ), 6
            ),
            MIN(
                IF(
                    r.bucket_at >= v_day_at AND r.bucket_at < v_day_end,
                    r.price_usd_per_hour,
                    NULL
                )
            ),
            MAX(
                IF(
                    r.bucket_at >= v_day_at AND r.bucket_at < v_day_end,
                    r.price_usd_per_hour,
                    NULL
                )
            ),
            STDDEV_POP(
                IF(
                    r.bucket_at >= v_day_at AND r.bucket_at < v_day_end,
                    r.price_usd_per_hour,
                    NULL
                )
            ) / AVG(
                IF(
                    r.bucket_at >= v_day_at AND r.bucket_at < v_day_end,
                    r.price_usd_per_hour,
                    NULL
                )
            )
        FROM recent_points AS r
        GROUP BY r.client_id, r.pool_id;
        INSERT INTO pool_reliability_metrics (
            client_id, pool_id, period_start, period_end, loss_count, rebalance_count,
            capacity_error_count, point_count, average_price_usd_per_hour,
            lowest_price_usd_per_hour, highest_price_usd_per_hour, volatility_ratio, computed_at
        )
        SELECT
            w.client_id,
            w.pool_id,
            v_day_at,
            v_day_end,
            COALESCE(l.day_count, 0),
            COALESCE(t.day_rebalance_count, 0),
            COALESCE(t.day_capacity_count, 0),
            COALESCE(f.day_point_count, 0),
            f.day_average,
            f.day_lowest,
            f.day_highest,
            ROUND(LEAST(f.day_volatility, 999), 6),
            p_now
        FROM watched_pools AS w
        LEFT JOIN loss_facts AS l ON l.client_id = w.client_id AND l.pool_id = w.pool_id
        LEFT JOIN trouble_facts AS t ON t.client_id = w.client_id AND t.pool_id = w.pool_id
        LEFT JOIN price_facts AS f ON f.client_id = w.client_id AND f.pool_id = w.pool_id
        WHERE w.seq >= v_first AND w.seq < v_first + p_batch_rows
        ON DUPLICATE KEY UPDATE
            loss_count = VALUES(loss_count),
            rebalance_count = VALUES(rebalance_count),
            capacity_error_count = VALUES(capacity_error_count),
            point_count = VALUES(point_count),
            average_price_usd_per_hour = VALUES(average_price_usd_per_hour),
            lowest_price_usd_per_hour = VALUES(lowest_price_usd_per_hour),
            highest_price_usd_per_hour = VALUES(highest_price_usd_per_hour),
            volatility_ratio = VALUES(volatility_ratio),
            computed_at = VALUES(computed_at);
        INSERT INTO pool_risk_analysis (
            client_id, pool_id, analysed_at, computed_at, loss_count, decayed_loss_count,
            last_loss_at, decayed_capacity_error_count, price_usd_per_hour,
            ondemand_price_usd_per_hour, volatility_ratio, risk_score, recommendation
        )
        SELECT
            s.client_id,
            s.pool_id,
            v_hour_at,
            p_now,
            s.loss_count,
            s.losses,
            s.last_loss_at,
            s.capacity_errors,
            s.price_usd_per_hour,
            s.ondemand_price_usd_per_hour,
            s.volatility,
            ROUND(s.risk, 4),
            CASE WHEN s.risk >= 0.3 THEN 'avoid' WHEN s.risk >= 0.05 THEN 'caution' ELSE 'safe' END
        FROM (
            SELECT
                h.client_id,
                h.pool_id,
                h.loss_count,
                h.losses,
                h.last_loss_at,
                h.capacity_errors,
                h.price_usd_per_hour,
                h.ondemand_price_usd_per_hour,
                h.volatility,
                1 - EXP(
                    -(
                        6e-1 / (h.age_hours + 1e0 / 3)
                        * (5e-1 + 5e-1 * LEAST(h.losses, 7))
                        * (1 + 2 * h.pressure + 5e-1 * LEAST(COALESCE(h.volatility, 0) / 1e-1, 1))
                        + 2e-2 * h.pressure
                        + 5e-2 * LEAST(h.capacity_errors, 4)
                    )
                ) AS risk
            FROM (
                SELECT
                    w.client_id,
                    w.pool_id,
                    w.price_usd_per_hour,
                    w.ondemand_price_usd_per_hour,
                    COALESCE(l.loss_count, 0) AS loss_count,
                    ROUND(COALESCE(l.decayed_count, 0), 6) AS losses,
                    l.last_loss_at,
                    COALESCE(
                        LEAST(TIMESTAMPDIFF(SECOND, l.last_loss_at, p_now) / 36e2, 720), 720
                    ) AS age_hours,
                    ROUND(COALESCE(t.decayed_capacity_count, 0), 6) AS capacity_errors,
                    COALESCE(
                        GREATEST(
                            LEAST(
                                (w.price_usd_per_hour / w.ondemand_price_usd_per_hour - 0.5) / 0.5,
                                1
                            ),
                            0
                        ), 0
                    ) AS pressure,
                    ROUND(LEAST(f.volatility, 999), 6) AS volatility
                FROM watched_pools AS w
                LEFT JOIN loss_facts AS l ON l.client_id = w.client_id AND l.pool_id = w.pool_id
                LEFT JOIN trouble_facts AS t
                    ON t.client_id = w.client_id AND t.pool_id = w.pool_id
                LEFT JOIN price_facts AS f ON f.client_id = w.client_id AND f.pool_id = w.pool_id
                WHERE w.seq >= v_first AND w.seq < v_first + p_batch_rows
            ) AS h
        ) AS s
        ON DUPLICATE KEY UPDATE
            computed_at = VALUES(computed_at),
            loss_count = VALUES(loss_count),
            decayed_loss_count = VALUES(decayed_loss_count),
            last_loss_at = VALUES(last_loss_at),
            decayed_capacity_error_count = VALUES(decayed_capacity_error_count),
            price_usd_per_hour = VALUES(price_usd_per_hour),
            ondemand_price_usd_per_hour = VALUES(ondemand_price_usd_per_hour),
            volatility_ratio = VALUES(volatility_ratio),
            risk_score = VALUES(risk_score),
            recommendation = VALUES(recommendation);
        COMMIT;
        SET v_first = v_first + p_batch_rows;
    END WHILE;
    DROP TEMPORARY TABLE IF EXISTS watched_pools;
    DROP TEMPORARY TABLE IF EXISTS watched_days;
    DROP TEMPORARY TABLE IF EXISTS incidents;
    DROP TEMPORARY TABLE IF EXISTS shared_incidents;
    DROP TEMPORARY TABLE IF EXISTS pool_incidents;
    DROP TEMPORARY TABLE IF EXISTS loss_facts;
    DROP TEMPORARY TABLE IF EXISTS trouble_facts;
    DROP TEMPORARY TABLE IF EXISTS recent_points;
    DROP TEMPORARY TABLE IF EXISTS price_facts;
END$$
DELIMITER ;

-- procedure register_agent
DROP PROCEDURE IF EXISTS register_agent;
DELIMITER $$
CREATE PROCEDURE register_agent(
    p_now DATETIME(3),
    p_client_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_agent_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_logical_agent_id VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_expected_epoch INT,
    p_expected_instances INT,
    p_creates_agent TINYINT,
    p_revives_agent TINYINT,
    p_takes_primary TINYINT,
    p_raises_conflict TINYINT,
    p_switch_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_completes_switch TINYINT,
    p_new_switch_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_role VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_role_reason VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_instance_id VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_protocol SMALLINT,
    p_is_steady TINYINT,
    p_mode VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_instance_type VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_region VARCHAR(32) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_az VARCHAR(48) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_az_id VARCHAR(32) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_account_id VARCHAR(32) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_ami_id VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_hostname VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_private_ip VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_public_ip VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_agent_version VARCHAR(32) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_event_type VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_severity VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_message VARCHAR(500) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_notifies TINYINT
)
SQL SECURITY INVOKER
register_agent: BEGIN
    DECLARE v_epoch INT DEFAULT NULL;
    DECLARE v_old_primary VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL;
    DECLARE v_conflict_at DATETIME(3) DEFAULT NULL;
    DECLARE EXIT HANDLER FOR SQLEXCEPTION
    BEGIN
        ROLLBACK;
        RESIGNAL;
    END;
    START TRANSACTION;
    IF p_creates_agent = 1 THEN
        INSERT IGNORE INTO agents (
            id, client_id, logical_agent_id, status, epoch, created_at, updated_at
        )
        VALUES (p_agent_id, p_client_id, p_logical_agent_id, 'offline', 0, p_now, p_now);
        IF ROW_COUNT() = 1 THEN
            INSERT INTO agent_configs (agent_id, updated_at)
            VALUES (p_agent_id, p_now);
        END IF;
    END IF;
    SELECT a.epoch, a.primary_instance_id, a.identity_conflict_at
    INTO v_epoch, v_old_primary, v_conflict_at
    FROM agents AS a
    WHERE a.id = p_agent_id AND a.client_id = p_client_id
    FOR UPDATE;
    IF v_epoch IS NULL OR v_epoch <> p_expected_epoch THEN
        ROLLBACK;
        SELECT 0 AS applied;
        LEAVE register_agent;
    END IF;
    IF
        (p_raises_conflict = 1 AND v_conflict_at IS NOT NULL)
        OR (
            p_role = 'candidate'
            AND p_raises_conflict = 0
            AND v_conflict_at IS NULL
            AND p_expected_instances <> (
                SELECT COUNT(*)
                FROM instances AS i
                WHERE i.agent_id = p_agent_id
            )
        )
        OR (
            p_switch_id IS NOT NULL
            AND NOT EXISTS (
                SELECT 1
                FROM switches AS s
                WHERE
                    s.id = p_switch_id
                    AND s.open_slot = p_agent_id
                    AND COALESCE(s.new_instance_id, p_instance_id) = p_instance_id
            )
        )
    THEN
        ROLLBACK;
        SELECT 0 AS applied;
        LEAVE register_agent;
    END IF;
    UPDATE instances
    SET news_count = news_count + 1
    WHERE agent_id = p_agent_id;
    IF p_takes_primary = 1 THEN
        UPDATE instances
        SET
            role = IF(terminated_at IS NULL, 'superseded', 'terminated'),
            role_reason = p_role_reason,
            role_changed_at = p_now
        WHERE agent_id = p_agent_id AND role = 'primary' AND instance_id <> p_instance_id;
        IF p_new_switch_id IS NOT NULL AND v_old_primary IS NOT NULL THEN
            INSERT INTO switches (
                id, client_id, agent_id, cause, status, reason,
                old_instance_id, old_instance_type, old_az, old_mode,
                new_instance_id, new_instance_type, new_az, new_mode,
                requested_at, cut_over_at, ended_at
            )
            SELECT
                p_new_switch_id, p_client_id, p_agent_id, 'loss', 'completed', p_role_reason,
                i.instance_id, i.instance_type, i.az, i.mode,
                p_instance_id, p_instance_type, p_az, p_mode,
                p_now, p_now, p_now
            FROM instances AS i
            WHERE i.agent_id = p_agent_id AND i.instance_id = v_old_primary;
        END IF;
    END IF;
    UPDATE agents
    SET
        status = IF(p_role = 'primary', 'online', status),
        epoch = epoch + p_takes_primary,
        primary_instance_id = IF(p_takes_primary = 1, p_instance_id, primary_instance_id),
        offline_announced_at = IF(p_role = 'primary', NULL, offline_announced_at),
        identity_conflict_at = IF(
            p_raises_conflict = 1, COALESCE(identity_conflict_at, p_now), identity_conflict_at
        ),
        last_switch_at = IF(
            p_takes_primary = 1 AND v_old_primary IS NOT NULL, p_now, last_switch_at
        ),
        updated_at = p_now
    WHERE id = p_agent_id;
    IF p_revives_agent = 1 THEN
        UPDATE agents
        SET
            deleted_at = NULL,
            identity_conflict_at = NULL,
            status = 'online'
        WHERE id = p_agent_id;
        DELETE FROM agent_configs
        WHERE agent_id = p_agent_id;
        INSERT INTO agent_configs (agent_id, updated_at)
        VALUES (p_agent_id, p_now);
    END IF;
    INSERT INTO instances (
        agent_id, instance_id, client_id, role, role_reason, protocol, is_steady, mode,
        instance_type, region, az, az_id, account_id, ami_id, hostname, private_ip, public_ip,
        agent_version, first_seen_at, last_seen_at, role_changed_at
    )
    VALUES (
        p_agent_id, p_instance_id, p_client_id, p_role, p_role_reason, p_protocol, p_is_steady,
        p_mode, p_instance_type, p_region, p_az, p_az_id, p_account_id, p_ami_id, p_hostname,
        p_private_ip, p_public_ip, p_agent_version, p_now, p_now, p_now
    )
    ON DUPLICATE KEY UPDATE
        role_changed_at = IF(role = VALUES(role), role_changed_at, VALUES(role_changed_at)),
        role = VALUES(role),
        role_reason = VALUES(role_reason),
        protocol = VALUES(protocol),
        is_steady = VALUES(is_steady),
        mode = IF(VALUES(mode) = 'unknown', mode, VALUES(mode)),
        instance_type = IF(
            VALUES(instance_type) = 'unknown', instance_type, VALUES(instance_type)
        ),
        region = VALUES(region),
        az = IF(VALUES(az) = 'unknown', az, VALUES(az)),
        az_id = COALESCE(VALUES(az_id), az_id),
        account_id = COALESCE(VALUES(account_id), account_id),
        ami_id = COALESCE(VALUES(ami_id), ami_id),
        hostname = COALESCE(VALUES(hostname), hostname),
        private_ip = COALESCE(VALUES(private_ip), private_ip),
        public_ip = COALESCE(VALUES(public_ip), public_ip),
        agent_version = COALESCE(VALUES(agent_version), agent_version),
        first_seen_at = COALESCE(first_seen_at, VALUES(first_seen_at)),
        last_seen_at = VALUES(last_seen_at),
        terminated_at = IF(VALUES(role) = 'terminated', terminated_at, NULL);
    IF p_switch_id IS NOT NULL THEN
        UPDATE switches
        SET
            new_instance_id = COALESCE(new_instance_id, p_instance_id),
            new_instance_type = COALESCE(new_instance_type, p_instance_type),
            new_az = COALESCE(new_az, p_az),
            new_mode = COALESCE(new_mode, p_mode),
            status = CASE
                WHEN p_completes_switch = 1 THEN 'completed'
                WHEN status IN ('requested', 'launching') THEN 'running'
                ELSE status
            END,
            reason = IF(p_completes_switch = 1, p_role_reason, reason),
            cut_over_at = IF(p_completes_switch = 1, COALESCE(cut_over_at, p_now), cut_over_at),
            ended_at = IF(p_completes_switch = 1, p_now, ended_at)
        WHERE
            id = p_switch_id
            AND agent_id = p_agent_id
            AND status NOT IN ('completed', 'failed');
        IF p_completes_switch = 1 THEN
            UPDATE commands AS c
            INNER JOIN switches AS s ON s.command_id = c.id
            SET
                c.status = 'completed',
                c.outcome_code = 'successor_registered',
                c.message = 'The successor registered; the switch was never reported',
                c.ended_at = p_now
            WHERE s.id = p_switch_id AND c.status = 'leased';
        END IF;
    END IF;
    INSERT INTO system_events (
        event_type, severity, client_id, agent_id, instance_id, message, created_at
    )
    VALUES (p_event_type, p_severity, p_client_id, p_agent_id, p_instance_id, p_message, p_now);
    IF p_notifies = 1 THEN
        INSERT INTO notifications (
            client_id, agent_id, notification_type, severity, message, created_at
        )
        VALUES (p_client_id, p_agent_id, p_event_type, p_severity, p_message, p_now);
    END IF;
    COMMIT;
    SELECT 1 AS applied;
END$$
DELIMITER ;

-- procedure request_replica
DROP PROCEDURE IF EXISTS request_replica;
DELIMITER $$
CREATE PROCEDURE request_replica(
    p_now DATETIME(3),
    p_client_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_agent_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_expected_epoch INT,
    p_replica_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_kind VARCHAR(32) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_status VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_event_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_besides_replica_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_instance_type VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_region VARCHAR(32) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_mode VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_pools LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_allows_ondemand TINYINT,
    p_protocol SMALLINT,
    p_tags LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_max_price_usd_per_hour DECIMAL(12, 6),
    p_created_by VARCHAR(100) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_executor_instance_id VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_is_handed_out TINYINT,
    p_command_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_payload LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_priority INT,
    p_lease_seconds INT,
    p_expires_at DATETIME(3),
    p_message VARCHAR(500) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin
)
SQL SECURITY INVOKER
request_replica: BEGIN
    DECLARE v_epoch INT DEFAULT NULL;
    DECLARE v_primary VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL;
    DECLARE v_replica_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL;
    DECLARE v_live INT DEFAULT 0;
    DECLARE v_taken INT DEFAULT NULL;
    DECLARE v_is_new INT DEFAULT 0;
    DECLARE EXIT HANDLER FOR SQLEXCEPTION
    BEGIN
        ROLLBACK;
        RESIGNAL;
    END;
    START TRANSACTION;
    SELECT
        a.epoch,
        a.primary_instance_id
    INTO v_epoch, v_primary
    FROM agents AS a
    WHERE a.id = p_agent_id AND a.client_id = p_client_id AND a.status <> 'deleted'
    FOR UPDATE;
    IF v_epoch IS NULL OR (p_expected_epoch IS NOT NULL AND v_epoch <> p_expected_epoch) THEN
        ROLLBACK;
        LEAVE request_replica;
    END IF;
    UPDATE instances
    SET news_count = news_count + 1
    WHERE agent_id = p_agent_id;
    SELECT r.id
    INTO v_replica_id
    FROM replica_instances AS r
    WHERE
        r.live_slot = p_agent_id
        AND r.doomed_at IS NULL
        AND r.id <> COALESCE(p_besides_replica_id, '')
    ORDER BY
        COALESCE(r.event_id = p_event_id, 0) DESC,
        r.status = 'ready' DESC,
        r.instance_id IS NULL ASC,
        r.standby_slot ASC
    LIMIT 1
    FOR UPDATE;
    IF v_replica_id IS NULL THEN
        SELECT
            COUNT(*),
            MIN(r.standby_slot)
        INTO v_live, v_taken
        FROM replica_instances AS r
        WHERE r.live_slot = p_agent_id;
        IF v_live >= 2 THEN
            SELECT r.id
            INTO v_replica_id
            FROM replica_instances AS r
            WHERE r.live_slot = p_agent_id AND r.standby_slot = 2
            FOR UPDATE;
        END IF;
    END IF;
    IF v_replica_id IS NULL THEN
        SET v_replica_id = p_replica_id;
        SET v_is_new = 1;
        INSERT INTO replica_instances (
            id, client_id, agent_id, kind, status, standby_slot, event_id, command_id,
            parent_instance_id, instance_type, region, mode, pools, allows_ondemand, protocol,
            holder_instance_id, held_until, max_price_usd_per_hour, tags, created_by, created_at
        )
        VALUES (
            p_replica_id, p_client_id, p_agent_id, p_kind, p_status, IF(v_taken = 1, 2, 1),
            p_event_id, p_command_id, v_primary, p_instance_type, p_region, p_mode, p_pools,
            p_allows_ondemand, p_protocol, p_executor_instance_id, NULL, p_max_price_usd_per_hour,
            p_tags, p_created_by, p_now
        );
    ELSEIF p_status = 'promoting' THEN
        UPDATE replica_instances
        SET
            status = IF(status IN ('launching', 'syncing'), 'promoting', status),
            event_id = COALESCE(p_event_id, event_id)
        WHERE id = v_replica_id AND doomed_at IS NULL;
        UPDATE commands AS c
        INNER JOIN replica_instances AS r ON r.command_id = c.id
        SET c.priority = GREATEST(c.priority, p_priority)
        WHERE r.id = v_replica_id AND c.status = 'pending';
    END IF;
    IF v_is_new = 1 AND p_command_id IS NOT NULL THEN
        INSERT INTO commands (
            id, client_id, agent_id, command_type, instance_id, payload, priority, created_by,
            idempotency_key, status, lease_instance_id, lease_protocol, lease_count, leased_at,
            lease_expires_at, expires_at, created_at
        )
        VALUES (
            p_command_id, p_client_id, p_agent_id, 'create_replica', p_executor_instance_id,
            p_payload, p_priority, p_created_by, CONCAT('replica:', p_replica_id),
            IF(p_is_handed_out = 1, 'leased', 'pending'),
            IF(p_is_handed_out = 1, p_executor_instance_id, NULL),
            IF(p_is_handed_out = 1, p_protocol, NULL),
            p_is_handed_out,
            IF(p_is_handed_out = 1, p_now, NULL),
            IF(p_is_handed_out = 1, p_now + INTERVAL p_lease_seconds SECOND, NULL),
            p_expires_at, p_now
        );
    END IF;
    IF p_event_id IS NOT NULL THEN
        UPDATE spot_interruption_events
        SET
            status = IF(status = 'detected', 'responding', status),
            replica_id = v_replica_id
        WHERE
            id = p_event_id
            AND agent_id = p_agent_id
            AND status IN ('detected', 'responding', 'launched');
    END IF;
    IF v_is_new = 1 THEN
        INSERT INTO system_events (
            event_type, severity, client_id, agent_id, instance_id, message, created_at
        )
        VALUES (
            'replica_requested', 'info', p_client_id, p_agent_id, p_executor_instance_id,
            p_message, p_now
        );
    END IF;
    COMMIT;
    SELECT
        v_is_new AS is_new,
        v_epoch AS epoch,
        r.id,
        r.kind,
        r.status,
        r.standby_slot,
        r.event_id,
        r.command_id,
        r.instance_id,
        r.protocol,
        r.holder_instance_id,
        r.doomed_at
    FROM replica_instances AS r
    WHERE r.id = v_replica_id;
END$$
DELIMITER ;

-- procedure rollup_savings
DROP PROCEDURE IF EXISTS rollup_savings;
DELIMITER $$
CREATE PROCEDURE rollup_savings(
    IN p_now DATETIME(3),
    IN p_days LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    IN p_since DATE,
    OUT p_row_count BIGINT
)
SQL SECURITY INVOKER
BEGIN
    DECLARE v_turn DATETIME(3);
    SELECT h.hour_at
    INTO v_turn
    FROM cost_hours AS h
    ORDER BY h.hour_at DESC
    LIMIT 1
    FOR UPDATE;
    DROP TEMPORARY TABLE IF EXISTS touched_agent_days;
    DROP TEMPORARY TABLE IF EXISTS touched_client_days;
    DROP TEMPORARY TABLE IF EXISTS touched_client_months;
    DROP TEMPORARY TABLE IF EXISTS touched_client_starts;
    CREATE TEMPORARY TABLE touched_agent_days (
        agent_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
        day_on DATE NOT NULL,
        PRIMARY KEY (agent_id, day_on)
    ) ENGINE = InnoDB;
    CREATE TEMPORARY TABLE touched_client_days (
        client_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
        day_on DATE NOT NULL,
        PRIMARY KEY (client_id, day_on)
    ) ENGINE = InnoDB;
    CREATE TEMPORARY TABLE touched_client_months (
        client_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
        month_on DATE NOT NULL,
        PRIMARY KEY (client_id, month_on)
    ) ENGINE = InnoDB;
    CREATE TEMPORARY TABLE touched_client_starts (
        client_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
        day_on DATE NOT NULL,
        PRIMARY KEY (client_id, day_on)
    ) ENGINE = InnoDB;
    IF p_days IS NULL THEN
        INSERT INTO touched_agent_days (agent_id, day_on)
        SELECT DISTINCT
            c.agent_id,
            DATE(c.hour_at)
        FROM cost_records AS c
        WHERE c.hour_at >= CAST(p_since AS DATETIME(3));
    ELSE
        INSERT IGNORE INTO touched_agent_days (agent_id, day_on)
        SELECT
            j.agent_id,
            j.day_on
        FROM JSON_TABLE(
            p_days, '$[*]' COLUMNS (
                agent_id VARCHAR(36) CHARACTER SET utf8mb4 PATH '$.k',
                day_on DATE PATH '$.d'
            )
        ) AS j;
    END IF;
    SELECT COUNT(*)
    INTO p_row_count
    FROM touched_agent_days;
    INSERT IGNORE INTO touched_client_days (client_id, day_on)
    SELECT DISTINCT
        a.client_id,
        t.day_on
    FROM touched_agent_days AS t
    INNER JOIN agents AS a ON a.id = t.agent_id;
    INSERT INTO touched_client_months (client_id, month_on)
    SELECT DISTINCT
        t.client_id,
        DATE_SUB(t.day_on, INTERVAL DAYOFMONTH(t.day_on) - 1 DAY)
    FROM touched_client_days AS t;
    INSERT INTO touched_client_starts (client_id, day_on)
    SELECT
        t.client_id,
        MIN(t.day_on)
    FROM touched_client_days AS t
    GROUP BY t.client_id;
    INSERT INTO agent_savings_daily (
        agent_id, day_on, client_id, baseline_usd, cost_usd, replica_usd, overlap_usd,
        spot_milliseconds, ondemand_milliseconds, estimated_milliseconds, unknown_milliseconds,
        computed_at
    )
    SELECT
        a.id,
        j.day_on,
        a.client_id,
        COALESCE(SUM(IF(c.cost_usd IS NULL, 0, c.baseline_usd)), 0),
        COALESCE(SUM(IF(c.baseline_usd IS NULL, 0, c.cost_usd)), 0),
        COALESCE(SUM(IF(c.role = 'replica', c.cost_usd, 0)), 0),
        COALESCE(SUM(IF(c.role = 'overlap', c.cost_usd, 0)), 0),
        COALESCE(SUM(IF(c.mode = 'spot', c.milliseconds, 0)), 0),
        COALESCE(SUM(IF(c.mode = 'ondemand', c.milliseconds, 0)), 0),
        COALESCE(SUM(IF(c.is_estimated = 1, c.milliseconds, 0)), 0),
        COALESCE(SUM(IF(c.cost_usd IS NULL OR c.baseline_usd IS NULL, c.milliseconds, 0)), 0),
        p_now
    FROM touched_agent_days AS j
    INNER JOIN agents AS a ON a.id = j.agent_id
    LEFT JOIN cost_records AS c
        ON
            c.agent_id = a.id
            AND c.hour_at >= CAST(j.day_on AS DATETIME(3))
            AND c.hour_at < CAST(j.day_on AS DATETIME(3)) + INTERVAL 1 DAY
    GROUP BY a.id, j.day_on, a.client_id
    ON DUPLICATE KEY UPDATE
        baseline_usd = VALUES(baseline_usd),
        cost_usd = VALUES(cost_usd),
        replica_usd = VALUES(replica_usd),
        overlap_usd = VALUES(overlap_usd),
        spot_milliseconds = VALUES(spot_milliseconds),
        ondemand_milliseconds = VALUES(ondemand_milliseconds),
        estimated_milliseconds = VALUES(estimated_milliseconds),
        unknown_milliseconds = VALUES(unknown_milliseconds),
        computed_at = VALUES(computed_at);
    INSERT INTO client_savings_daily (
        client_id, day_on, agent_count, baseline_usd, cost_usd, replica_usd, overlap_usd,
        spot_milliseconds, ondemand_milliseconds, estimated_milliseconds, unknown_milliseconds,
        computed_at
    )
    SELECT
        d.client_id,
        d.day_on,
        COUNT(*),
        SUM(d.baseline_usd),
        SUM(d.cost_usd),
        SUM(d.replica_usd),
        SUM(d.overlap_usd),
        SUM(d.spot_milliseconds),
        SUM(d.ondemand_milliseconds),
        SUM(d.estimated_milliseconds),
        SUM(d.unknown_milliseconds),
        p_now
    FROM touched_client_days AS j
    INNER JOIN agent_savings_daily AS d
        ON d.client_id = j.client_id AND d.day_on = j.day_on
    GROUP BY d.client_id, d.day_on
    ON DUPLICATE KEY UPDATE
        agent_count = VALUES(agent_count),
        baseline_usd = VALUES(baseline_usd),
        cost_usd = VALUES(cost_usd),
        replica_usd = VALUES(replica_usd),
        overlap_usd = VALUES(overlap_usd),
        spot_milliseconds = VALUES(spot_milliseconds),
        ondemand_milliseconds = VALUES(ondemand_milliseconds),
        estimated_milliseconds = VALUES(estimated_milliseconds),
        unknown_milliseconds = VALUES(unknown_milliseconds),
        computed_at = VALUES(computed_at);
    INSERT INTO client_savings_monthly (
        client_id, month_on, baseline_usd, cost_usd, replica_usd, overlap_usd,
        spot_milliseconds, ondemand_milliseconds, estimated_milliseconds, unknown_milliseconds,
        computed_at
    )
    SELECT
        d.client_id,
        j.month_on,
        SUM(d.baseline_usd),
        SUM(d.cost_usd),
        SUM(d.replica_usd),
        SUM(d.overlap_usd),
        SUM(d.spot_milliseconds),
        SUM(d.ondemand_milliseconds),
        SUM(d.estimated_milliseconds),
        SUM(d.unknown_milliseconds),
        p_now
    FROM touched_client_months AS j
    INNER JOIN client_savings_daily AS d
        ON
            d.client_id = j.client_id
            AND d.day_on >= j.month_on
            AND d.day_on < j.month_on + INTERVAL 1 MONTH
    GROUP BY d.client_id, j.month_on
    ON DUPLICATE KEY UPDATE
        baseline_usd = VALUES(baseline_usd),
        cost_usd = VALUES(cost_usd),
        replica_usd = VALUES(replica_usd),
        overlap_usd = VALUES(overlap_usd),
        spot_milliseconds = VALUES(spot_milliseconds),
        ondemand_milliseconds = VALUES(ondemand_milliseconds),
        estimated_milliseconds = VALUES(estimated_milliseconds),
        unknown_milliseconds = VALUES(unknown_milliseconds),
        computed_at = VALUES(computed_at);
    INSERT INTO savings_snapshots (client_id, day_on, baseline_usd, cost_usd, computed_at)
    SELECT
        d.client_id,
        d.day_on,
        SUM(e.baseline_usd),
        SUM(e.cost_usd),
        p_now
    FROM touched_client_starts AS j
    INNER JOIN client_savings_daily AS d
        ON d.client_id = j.client_id AND d.day_on >= j.day_on
    INNER JOIN client_savings_daily AS e ON e.client_id = d.client_id AND e.day_on <= d.day_on
    GROUP BY d.client_id, d.day_on
    ON DUPLICATE KEY UPDATE
        baseline_usd = VALUES(baseline_usd),
        cost_usd = VALUES(cost_usd),
        computed_at = VALUES(computed_at);
    DROP TEMPORARY TABLE touched_agent_days;
    DROP TEMPORARY TABLE touched_client_days;
    DROP TEMPORARY TABLE touched_client_months;
    DROP TEMPORARY TABLE touched_client_starts;
END$$
DELIMITER ;

-- procedure sync_agent
DROP PROCEDURE IF EXISTS sync_agent;
DELIMITER $$
CREATE PROCEDURE sync_agent(
    p_now DATETIME(3),
    p_client_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_agent_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_instance_id VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_cpu_percent DECIMAL(5, 2),
    p_memory_percent DECIMAL(5, 2),
    p_disk_percent DECIMAL(5, 2),
    p_live_since DATETIME(3),
    p_contested_priority INT,
    p_lease_seconds_classic INT,
    p_lease_seconds_native INT
)
SQL SECURITY INVOKER
sync_agent: BEGIN
    DECLARE v_waiting INT DEFAULT 0;
    UPDATE instances FORCE INDEX (PRIMARY)
    SET
        last_seen_at = p_now,
        cpu_percent = p_cpu_percent,
        memory_percent = p_memory_percent,
        disk_percent = p_disk_percent
    WHERE
        agent_id = p_agent_id
        AND instance_id = p_instance_id
        AND client_id = p_client_id
        AND is_steady = 1
        AND protocol >= 5;
    IF ROW_COUNT() = 0 THEN
        LEAVE sync_agent;
    END IF;
    SELECT
        i.news_count,
        a.epoch,
        a.status AS agent_status,
        a.primary_instance_id,
        i.role,
        f.version,
        f.enabled,
        f.auto_switch_enabled,
        f.manual_replica_enabled,
        f.auto_terminate_enabled,
        f.terminate_wait_seconds,
        f.replica_enabled,
        f.replica_count,
        f.min_savings_percent,
        f.risk_threshold,
        f.max_switches_per_day,
        f.max_switches_per_week,
        f.min_pool_duration_hours
    FROM agents AS a
    INNER JOIN agent_configs AS f ON f.agent_id = a.id
    INNER JOIN instances AS i ON i.agent_id = a.id AND i.instance_id = p_instance_id
    WHERE a.id = p_agent_id;
    SELECT
        COUNT(*)
    INTO v_waiting
    FROM commands AS c
    WHERE c.agent_id = p_agent_id AND c.status IN ('pending', 'leased');
    IF v_waiting > 0 THEN
        CALL lease_commands(
            p_now, p_client_id, p_agent_id, p_instance_id, p_live_since, p_contested_priority,
            p_lease_seconds_classic, p_lease_seconds_native
        );
    END IF;
END$$
DELIMITER ;

-- procedure unfold_price_reports
DROP PROCEDURE IF EXISTS unfold_price_reports;
DELIMITER $$
CREATE PROCEDURE unfold_price_reports(
    IN p_limit INT,
    OUT p_report_count BIGINT
)
SQL SECURITY INVOKER
BEGIN
    DECLARE EXIT HANDLER FOR SQLEXCEPTION
    BEGIN
        ROLLBACK;
        RESIGNAL;
    END;
    DROP TEMPORARY TABLE IF EXISTS taken_reports;
    DROP TEMPORARY TABLE IF EXISTS unfolded_prices;
    CREATE TEMPORARY TABLE taken_reports (
        report_id BIGINT NOT NULL,
        PRIMARY KEY (report_id)
    ) ENGINE = InnoDB;
    CREATE TEMPORARY TABLE unfolded_prices (
        report_id BIGINT NOT NULL,
        place INT NOT NULL,
        client_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
        pool_id BIGINT NOT NULL,
        az VARCHAR(48) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
        bucket_at DATETIME(3) NOT NULL,
        reporter_slot VARCHAR(100) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
        price_usd_per_hour DECIMAL(12, 6) NOT NULL,
        observed_at DATETIME(3) NOT NULL,
        received_at DATETIME(3) NOT NULL,
        agent_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
        instance_id VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
        source VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
        PRIMARY KEY (report_id, place)
    ) ENGINE = InnoDB;
    START TRANSACTION;
    INSERT INTO taken_reports (report_id)
    SELECT r.id
    FROM pending_price_reports AS r
    ORDER BY r.id ASC
    LIMIT p_limit
    FOR UPDATE SKIP LOCKED;
    SET p_report_count = ROW_COUNT();
    INSERT INTO unfolded_prices (
        report_id, place, client_id, pool_id, az, bucket_at, reporter_slot, price_usd_per_hour,
        observed_at, received_at, agent_id, instance_id, source
    )
    SELECT
        r.id,
        e.place,
        r.client_id,
        e.pool_id,
        e.az,
        r.bucket_at,
        IF(e.is_own = 1 AND r.own_source <> 'other', r.own_slot, r.shared_slot),
        e.price_usd_per_hour,
        r.observed_at,
        r.received_at,
        r.agent_id,
        r.instance_id,
        IF(e.is_own = 1, r.own_source, 'other')
    FROM taken_reports AS t
    STRAIGHT_JOIN pending_price_reports AS r ON r.id = t.report_id
    STRAIGHT_JOIN clients AS c ON c.id = r.client_id
    STRAIGHT_JOIN JSON_TABLE(
        r.entries, '$[*]' COLUMNS (
            place FOR ORDINALITY,
            pool_id BIGINT PATH '$.p',
            az VARCHAR(48) CHARACTER SET utf8mb4 PATH '$.z',
            price_usd_per_hour DECIMAL(12, 6) PATH '$.c',
            is_own TINYINT PATH '$.o'
        )
    ) AS e
    STRAIGHT_JOIN spot_pools AS p ON p.id = e.pool_id;
    INSERT INTO spot_price_snapshots (
        client_id, pool_id, bucket_at, reporter_slot, price_usd_per_hour, observed_at, received_at,
        agent_id, instance_id, source, report_count
    )
    SELECT
        f.client_id,
        f.pool_id,
        f.bucket_at,
        f.reporter_slot,
        f.price_usd_per_hour,
        f.observed_at,
        f.received_at,
        f.agent_id,
        f.instance_id,
        f.source,
        f.report_count
    FROM (
        SELECT
            u.report_id,
            u.place,
            u.client_id,
            u.pool_id,
            u.bucket_at,
            u.reporter_slot,
            u.price_usd_per_hour,
            u.observed_at,
            u.received_at,
            u.agent_id,
            u.instance_id,
            u.source,
            ROW_NUMBER() OVER (
                PARTITION BY u.client_id, u.pool_id, u.bucket_at, u.reporter_slot
                ORDER BY u.report_id ASC, u.place ASC
            ) AS turn,
            COUNT(*) OVER (
                PARTITION BY u.client_id, u.pool_id, u.bucket_at, u.reporter_slot
            ) AS report_count
        FROM unfolded_prices AS u
    ) AS f
    WHERE f.turn = 1
    ORDER BY f.report_id ASC, f.place ASC
    ON DUPLICATE KEY UPDATE
        report_count = spot_price_snapshots.report_count + VALUES(report_count);
    INSERT INTO pool_prices (client_id, pool_id, az, price_usd_per_hour, observed_at, reported_at)
    SELECT
        f.client_id,
        f.pool_id,
        f.az,
        f.price_usd_per_hour,
        f.observed_at,
        f.reported_at
    FROM (
        SELECT
            u.client_id,
            u.pool_id,
            u.az,
            u.price_usd_per_hour,
            u.observed_at,
            ROW_NUMBER() OVER (
                PARTITION BY u.client_id, u.pool_id
                ORDER BY u.observed_at DESC, u.report_id DESC, u.place DESC
            ) AS turn,
            MAX(u.received_at) OVER (PARTITION BY u.client_id, u.pool_id) AS reported_at
        FROM unfolded_prices AS u
    ) AS f
    WHERE f.turn = 1
    ORDER BY f.client_id ASC, f.pool_id ASC
    ON DUPLICATE KEY UPDATE
        az = IF(VALUES(observed_at) >= pool_prices.observed_at, VALUES(az), pool_prices.az),
        price_usd_per_hour = IF(
            VALUES(observed_at) >= pool_prices.observed_at,
            VALUES(price_usd_per_hour),
            pool_prices.price_usd_per_hour
        ),
        reported_at = GREATEST(VALUES(reported_at), pool_prices.reported_at),
        observed_at = GREATEST(VALUES(observed_at), pool_prices.observed_at);
    INSERT INTO ondemand_price_snapshots (
        client_id, region, instance_type, bucket_at, price_usd_per_hour, source, observed_at,
        agent_id
    )
    SELECT
        f.client_id,
        f.region,
        f.instance_type,
        f.bucket_at,
        f.ondemand_price_usd_per_hour,
        f.ondemand_source,
        f.observed_at,
        f.agent_id
    FROM (
        SELECT
            r.client_id,
            r.region,
            r.instance_type,
            r.bucket_at,
            r.ondemand_price_usd_per_hour,
            r.ondemand_source,
            r.observed_at,
            r.agent_id,
            ROW_NUMBER() OVER (
                PARTITION BY r.client_id, r.region, r.instance_type, r.bucket_at
                ORDER BY r.observed_at DESC, r.id DESC
            ) AS turn
        FROM taken_reports AS t
        STRAIGHT_JOIN pending_price_reports AS r ON r.id = t.report_id
        STRAIGHT_JOIN clients AS c ON c.id = r.client_id
        WHERE r.ondemand_price_usd_per_hour IS NOT NULL
    ) AS f
    WHERE f.turn = 1
    ORDER BY f.client_id ASC, f.region ASC, f.instance_type ASC, f.bucket_at ASC
    ON DUPLICATE KEY UPDATE
        price_usd_per_hour = IF(
            VALUES(observed_at) >= ondemand_price_snapshots.observed_at,
            VALUES(price_usd_per_hour),
            ondemand_price_snapshots.price_usd_per_hour
        ),
        source = IF(
            VALUES(observed_at) >= ondemand_price_snapshots.observed_at,
            VALUES(source),
            ondemand_price_snapshots.source
        ),
        observed_at = GREATEST(VALUES(observed_at), ondemand_price_snapshots.observed_at);
    DELETE r
    FROM taken_reports AS t
    INNER JOIN pending_price_reports AS r ON r.id = t.report_id;
    COMMIT;
    DROP TEMPORARY TABLE IF EXISTS taken_reports;
    DROP TEMPORARY TABLE IF EXISTS unfolded_prices;
END$$
DELIMITER ;

-- view active_spot_pools
DROP VIEW IF EXISTS active_spot_pools;
DELIMITER $$
CREATE VIEW active_spot_pools AS
SELECT
    v.client_id,
    c.name AS client_name,
    v.pool_id AS pool_number,
    CONCAT(p.instance_type, '.', v.az) AS pool_id,
    p.region,
    v.az,
    p.zone,
    p.instance_type,
    v.price_usd_per_hour,
    v.observed_at
FROM pool_prices AS v
INNER JOIN spot_pools AS p ON p.id = v.pool_id
INNER JOIN clients AS c ON c.id = v.client_id$$
DELIMITER ;

-- view agent_overview
DROP VIEW IF EXISTS agent_overview;
DELIMITER $$
CREATE VIEW agent_overview AS
SELECT
    a.id AS agent_id,
    a.client_id,
    c.name AS client_name,
    a.logical_agent_id,
    a.status,
    a.epoch,
    a.primary_instance_id,
    a.identity_conflict_at,
    a.created_at,
    g.enabled,
    i.role,
    i.mode,
    i.region,
    i.instance_type,
    i.az,
    CONCAT(i.instance_type, '.', i.az) AS pool_id,
    i.agent_version,
    i.spot_price_usd_per_hour,
    i.ondemand_price_usd_per_hour,
    i.last_seen_at
FROM agents AS a
INNER JOIN clients AS c ON c.id = a.client_id
LEFT JOIN agent_configs AS g ON g.agent_id = a.id
LEFT JOIN instances AS i ON i.agent_id = a.id AND i.instance_id = a.primary_instance_id
WHERE a.status <> 'deleted'$$
DELIMITER ;

-- view client_savings_summary
DROP VIEW IF EXISTS client_savings_summary;
DELIMITER $$
CREATE VIEW client_savings_summary AS
SELECT
    t.client_id,
    c.name AS client_name,
    t.day_on,
    t.baseline_usd,
    t.cost_usd,
    t.baseline_usd - t.cost_usd AS savings_usd
FROM clients AS c
INNER JOIN savings_snapshots AS t
    ON
        t.client_id = c.id
        AND t.day_on = (
            SELECT MAX(n.day_on)
            FROM savings_snapshots AS n
            WHERE n.client_id = c.id
        )$$
DELIMITER ;

-- view pool_risk_current
DROP VIEW IF EXISTS pool_risk_current;
DELIMITER $$
CREATE VIEW pool_risk_current AS
SELECT
    r.client_id,
    r.pool_id AS pool_number,
    CONCAT(p.instance_type, '.', v.az) AS pool_id,
    p.region,
    v.az,
    p.zone,
    p.instance_type,
    r.computed_at,
    r.loss_count,
    r.decayed_loss_count,
    r.last_loss_at,
    r.decayed_capacity_error_count,
    r.price_usd_per_hour,
    r.ondemand_price_usd_per_hour,
    r.volatility_ratio,
    r.risk_score,
    r.recommendation
FROM pool_risk_analysis AS r
INNER JOIN pool_prices AS v ON v.client_id = r.client_id AND v.pool_id = r.pool_id
INNER JOIN spot_pools AS p ON p.id = r.pool_id
WHERE
    r.analysed_at = (
        SELECT MAX(n.analysed_at)
        FROM pool_risk_analysis AS n
        WHERE n.client_id = r.client_id AND n.pool_id = r.pool_id
    )$$
DELIMITER ;

-- view recent_switches
DROP VIEW IF EXISTS recent_switches;
DELIMITER $$
CREATE VIEW recent_switches AS
SELECT
    s.id AS switch_id,
    s.client_id,
    c.name AS client_name,
    s.agent_id,
    a.logical_agent_id,
    s.cause,
    s.status,
    s.failed_step,
    s.reason,
    s.old_instance_id,
    s.old_instance_type,
    s.old_az,
    s.old_pool_id,
    s.old_mode,
    s.new_instance_id,
    s.new_instance_type,
    s.new_az,
    s.new_pool_id,
    s.new_mode,
    s.ondemand_price_usd_per_hour,
    s.old_spot_price_usd_per_hour,
    s.new_spot_price_usd_per_hour,
    s.savings_impact_usd_per_hour,
    s.requested_at,
    s.initiated_at,
    s.image_created_at,
    s.launched_at,
    s.ready_at,
    s.cut_over_at,
    s.old_terminated_at,
    s.ended_at
FROM switches AS s
INNER JOIN agents AS a ON a.id = s.agent_id
INNER JOIN clients AS c ON c.id = s.client_id$$
DELIMITER ;

-- event evt_mark_stale_agents
DROP EVENT IF EXISTS evt_mark_stale_agents;
DELIMITER $$
CREATE EVENT evt_mark_stale_agents
ON SCHEDULE EVERY 1 MINUTE
ON COMPLETION PRESERVE
COMMENT 'job mark_stale_agents, shared with the scheduler process'
DO
BEGIN
    DECLARE v_now DATETIME(3) DEFAULT UTC_TIMESTAMP(3);
    DECLARE v_slot BIGINT
        DEFAULT FLOOR(TIMESTAMPDIFF(SECOND, '1970-01-01', UTC_TIMESTAMP()) / 60);
    DECLARE v_timeout_seconds INT;
    DECLARE v_confirm_seconds INT;
    DECLARE v_row_count BIGINT;
    DECLARE v_errno INT;
    DECLARE EXIT HANDLER FOR SQLEXCEPTION
    BEGIN
        GET DIAGNOSTICS CONDITION 1 v_errno = MYSQL_ERRNO;
        UPDATE job_runs
        SET
            status = 'failed',
            finished_at = UTC_TIMESTAMP(3),
            error = CONCAT('database error ', v_errno)
        WHERE
            job = 'mark_stale_agents'
            AND slot = v_slot
            AND status = 'running'
            AND node = 'event';
    END;
    SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED;
    UPDATE job_runs
    SET
        status = 'failed',
        finished_at = v_now,
        error = 'the lease ended before the run did'
    WHERE
        running_job = 'mark_stale_agents'
        AND lease_until <= v_now;
    INSERT IGNORE INTO job_runs (job, slot, status, node, attempt, lease_until, started_at)
    VALUES (
        'mark_stale_agents', v_slot, 'running', 'event', 1,
        TIMESTAMPADD(SECOND, 300, v_now), v_now
    );
    IF ROW_COUNT() = 1 THEN
        SELECT
            COALESCE(
                MAX(
                    CASE WHEN s.name = 'agent_heartbeat_timeout_seconds'
                    THEN CAST(s.value AS SIGNED) END
                ), 120
            ),
            COALESCE(
                MAX(
                    CASE WHEN s.name = 'agent_offline_confirm_seconds'
                    THEN CAST(s.value AS SIGNED) END
                ), 60
            )
        INTO v_timeout_seconds, v_confirm_seconds
        FROM settings AS s;
        CALL mark_stale_agents(v_now, v_timeout_seconds, v_confirm_seconds, 500, v_row_count);
        UPDATE job_runs
        SET
            status = 'done',
            finished_at = UTC_TIMESTAMP(3),
            row_count = v_row_count
        WHERE
            job = 'mark_stale_agents'
            AND slot = v_slot
            AND status = 'running'
            AND node = 'event';
    END IF;
END$$
DELIMITER ;

-- event evt_purge_expired
DROP EVENT IF EXISTS evt_purge_expired;
DELIMITER $$
CREATE EVENT evt_purge_expired
ON SCHEDULE EVERY 1 DAY
ON COMPLETION PRESERVE
COMMENT 'job purge_expired, shared with the scheduler process'
DO
BEGIN
    DECLARE v_now DATETIME(3) DEFAULT UTC_TIMESTAMP(3);
    DECLARE v_slot BIGINT
        DEFAULT FLOOR(TIMESTAMPDIFF(SECOND, '1970-01-01', UTC_TIMESTAMP()) / 86400);
    DECLARE v_row_count BIGINT;
    DECLARE v_errno INT;
    DECLARE EXIT HANDLER FOR SQLEXCEPTION
    BEGIN
        GET DIAGNOSTICS CONDITION 1 v_errno = MYSQL_ERRNO;
        UPDATE job_runs
        SET
            status = 'failed',
            finished_at = UTC_TIMESTAMP(3),
            error = CONCAT('database error ', v_errno)
        WHERE
            job = 'purge_expired'
            AND slot = v_slot
            AND status = 'running'
            AND node = 'event';
    END;
    SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED;
    UPDATE job_runs
    SET
        status = 'failed',
        finished_at = v_now,
        error = 'the lease ended before the run did'
    WHERE
        running_job = 'purge_expired'
        AND lease_until <= v_now;
    INSERT IGNORE INTO job_runs (job, slot, status, node, attempt, lease_until, started_at)
    VALUES (
        'purge_expired', v_slot, 'running', 'event', 1,
        TIMESTAMPADD(SECOND, 7200, v_now), v_now
    );
    IF ROW_COUNT() = 1 THEN
        CALL purge_expired(v_now, 1000, 10000000, v_row_count);
        UPDATE job_runs
        SET
            status = 'done',
            finished_at = UTC_TIMESTAMP(3),
            row_count = v_row_count
        WHERE
            job = 'purge_expired'
            AND slot = v_slot
            AND status = 'running'
            AND node = 'event';
    END IF;
END$$
DELIMITER ;

-- event evt_refresh_pool_reliability
DROP EVENT IF EXISTS evt_refresh_pool_reliability;
DELIMITER $$
CREATE EVENT evt_refresh_pool_reliability
ON SCHEDULE EVERY 15 MINUTE
ON COMPLETION PRESERVE
COMMENT 'job refresh_pool_reliability, shared with the scheduler process'
DO
BEGIN
    DECLARE v_now DATETIME(3) DEFAULT UTC_TIMESTAMP(3);
    DECLARE v_slot BIGINT
        DEFAULT FLOOR(TIMESTAMPDIFF(SECOND, '1970-01-01', UTC_TIMESTAMP()) / 900);
    DECLARE v_row_count BIGINT;
    DECLARE v_errno INT;
    DECLARE EXIT HANDLER FOR SQLEXCEPTION
    BEGIN
        GET DIAGNOSTICS CONDITION 1 v_errno = MYSQL_ERRNO;
        UPDATE job_runs
        SET
            status = 'failed',
            finished_at = UTC_TIMESTAMP(3),
            error = CONCAT('database error ', v_errno)
        WHERE
            job = 'refresh_pool_reliability'
            AND slot = v_slot
            AND status = 'running'
            AND node = 'event';
    END;
    SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED;
    UPDATE job_runs
    SET
        status = 'failed',
        finished_at = v_now,
        error = 'the lease ended before the run did'
    WHERE
        running_job = 'refresh_pool_reliability'
        AND lease_until <= v_now;
    INSERT IGNORE INTO job_runs (job, slot, status, node, attempt, lease_until, started_at)
    VALUES (
        'refresh_pool_reliability', v_slot, 'running', 'event', 1,
        TIMESTAMPADD(SECOND, 600, v_now), v_now
    );
    IF ROW_COUNT() = 1 THEN
        CALL refresh_pool_reliability(v_now, 500, v_row_count);
        UPDATE job_runs
        SET
            status = 'done',
            finished_at = UTC_TIMESTAMP(3),
            row_count = v_row_count
        WHERE
            job = 'refresh_pool_reliability'
            AND slot = v_slot
            AND status = 'running'
            AND node = 'event';
    END IF;
END$$
DELIMITER ;

-- event evt_rollup_savings
DROP EVENT IF EXISTS evt_rollup_savings;
DELIMITER $$
CREATE EVENT evt_rollup_savings
ON SCHEDULE EVERY 1 DAY
ON COMPLETION PRESERVE
COMMENT 'job rollup_savings, shared with the scheduler process'
DO
BEGIN
    DECLARE v_now DATETIME(3) DEFAULT UTC_TIMESTAMP(3);
    DECLARE v_slot BIGINT
        DEFAULT FLOOR(TIMESTAMPDIFF(SECOND, '1970-01-01', UTC_TIMESTAMP()) / 86400);
    DECLARE v_row_count BIGINT;
    DECLARE v_errno INT;
    DECLARE EXIT HANDLER FOR SQLEXCEPTION
    BEGIN
        GET DIAGNOSTICS CONDITION 1 v_errno = MYSQL_ERRNO;
        ROLLBACK;
        UPDATE job_runs
        SET
            status = 'failed',
            finished_at = UTC_TIMESTAMP(3),
            error = CONCAT('database error ', v_errno)
        WHERE
            job = 'rollup_savings'
            AND slot = v_slot
            AND status = 'running'
            AND node = 'event';
    END;
    SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED;
    UPDATE job_runs
    SET
        status = 'failed',
        finished_at = v_now,
        error = 'the lease ended before the run did'
    WHERE
        running_job = 'rollup_savings'
        AND lease_until <= v_now;
    INSERT IGNORE INTO job_runs (job, slot, status, node, attempt, lease_until, started_at)
    VALUES (
        'rollup_savings', v_slot, 'running', 'event', 1,
        TIMESTAMPADD(SECOND, 600, v_now), v_now
    );
    IF ROW_COUNT() = 1 THEN
        START TRANSACTION;
        CALL rollup_savings(v_now, NULL, DATE(TIMESTAMPADD(DAY, -8, v_now)), v_row_count);
        COMMIT;
        UPDATE job_runs
        SET
            status = 'done',
            finished_at = UTC_TIMESTAMP(3),
            row_count = v_row_count
        WHERE
            job = 'rollup_savings'
            AND slot = v_slot
            AND status = 'running'
            AND node = 'event';
    END IF;
END$$
DELIMITER ;

INSERT INTO schema_migrations (
    kind, name, version, checksum, fingerprint, statements_begun, statements_done, applied_at
)
SELECT w.kind, w.name, 0, w.checksum, f.fingerprint, 1, 1, UTC_TIMESTAMP(3)
FROM (
    SELECT 'procedure' AS kind, 'advance_replica' AS name, '2a9ec18af13d6e1834e243a7c2eaca681e51ebfaf01b2b306fef49729f6d1067' AS checksum
    UNION ALL
    SELECT 'procedure' AS kind, 'complete_command' AS name, '4a8fc05fad9b95551b34e5a1267602e47c3c5d4d070bd16237d8b70cf9a94c43' AS checksum
    UNION ALL
    SELECT 'procedure' AS kind, 'dedup_pricing' AS name, '9aa9758b60a8fbbdee59698607d2ae80b25724c471a2fb287f7ff01a06138434' AS checksum
    UNION ALL
    SELECT 'procedure' AS kind, 'interpolate_pricing' AS name, 'cd0fc7bf5f77b12ff28992840f99f22cdfcb89a16dcadae18e2608bf3ea2e848' AS checksum
    UNION ALL
    SELECT 'procedure' AS kind, 'lease_commands' AS name, '9714940d841564e8be1f4d569c5215b96065bda452397f062f4ce0388b9409a8' AS checksum
    UNION ALL
    SELECT 'procedure' AS kind, 'mark_stale_agents' AS name, '1ff8b89aa9dc3d006321e20e27e81f6061891684d89d02faf5648e84309d4edd' AS checksum
    UNION ALL
    SELECT 'procedure' AS kind, 'promote_replica' AS name, '17d8429d5556e15b9766f9fa558cdb5f01d2225430624c3c4a810a3670b386ff' AS checksum
    UNION ALL
    SELECT 'procedure' AS kind, 'purge_expired' AS name, 'cad5cc6e617166c8ff9cb7b8fe0e131a67589ecfb72a76107e39474b9abf1442' AS checksum
    UNION ALL
    SELECT 'procedure' AS kind, 'record_interruption' AS name, '207c7dad515d84673d1cd1d4677d593d04ef561ce8083dd6776e680ac488857f' AS checksum
    UNION ALL
    SELECT 'procedure' AS kind, 'record_pricing_report' AS name, 'fd840a7de24a3c6cb0ab9ed3f97c48b1f372e500ad20274e703bb37d3f761862' AS checksum
    UNION ALL
    SELECT 'procedure' AS kind, 'record_pricing_reports' AS name, '82c8ae13df826485d3fae3276089bf51e1421305f070f377b097eb490a7fcdcc' AS checksum
    UNION ALL
    SELECT 'procedure' AS kind, 'record_switch' AS name, 'f54ec3f2241d12fe3687815ae55d17c9092775dc5e699b2880714fa71fef666c' AS checksum
    UNION ALL
    SELECT 'procedure' AS kind, 'refresh_pool_reliability' AS name, 'b33c9c238bbad89399c874f856dab4ff64899390ef2da63cfc995df90983eacb' AS checksum
    UNION ALL
    SELECT 'procedure' AS kind, 'register_agent' AS name, '10ae1ebc2ae75828daf1d9c6e7fa44b95a48396a61a96bbfc82666a5cfcf7980' AS checksum
    UNION ALL
    SELECT 'procedure' AS kind, 'request_replica' AS name, 'bd3ad81174d004a153e4fc1c19119abd7dc5a706a8f44fbd6081fea0724ab84d' AS checksum
    UNION ALL
    SELECT 'procedure' AS kind, 'rollup_savings' AS name, '38d0e216e544aa060ed0305cb277011bd985564949ed588de391f61738c29de7' AS checksum
    UNION ALL
    SELECT 'procedure' AS kind, 'sync_agent' AS name, 'ea189742512fd90bb7aa41e529867b24e71fac71812497a53b1812a352e9f232' AS checksum
    UNION ALL
    SELECT 'procedure' AS kind, 'unfold_price_reports' AS name, '8bc6e34613a1f4f872ecb42454820e7f2c759de6b43f41e63d1fb6c37a66426a' AS checksum
    UNION ALL
    SELECT 'view' AS kind, 'active_spot_pools' AS name, '652c0bf486cf817b5d18f3724e0a3ca54dbd3520d697d884f7d77ca9ec209630' AS checksum
    UNION ALL
    SELECT 'view' AS kind, 'agent_overview' AS name, '5c345abf4cbf81b54c5c65bc5bfd4b100926a4b2914d64979d3d79c1c02db789' AS checksum
    UNION ALL
    SELECT 'view' AS kind, 'client_savings_summary' AS name, '82e57a61bdf7473944a43bb7b1c36390c0813711f24d99891b1bc2ca9b06b8af' AS checksum
    UNION ALL
    SELECT 'view' AS kind, 'pool_risk_current' AS name, '47574acb6d06c4f62e8a5a8210126ac59a4c8eed63d6a5e509f63573e96920e1' AS checksum
    UNION ALL
    SELECT 'view' AS kind, 'recent_switches' AS name, '0d1a8eb48a105ba6a0953dce04afa42d6ec6df51d5250a33e418a5e3f1b334e3' AS checksum
    UNION ALL
    SELECT 'event' AS kind, 'evt_mark_stale_agents' AS name, '08c2f9ecd6ca26fb701b14ceecf1d61f1aae1c7bbc4b1d0f2d50e42e4d72bd09' AS checksum
    UNION ALL
    SELECT 'event' AS kind, 'evt_purge_expired' AS name, '11b6166a8782758865479cd214eba9e994cd8fb9532483eaf279eb705d32d4d3' AS checksum
    UNION ALL
    SELECT 'event' AS kind, 'evt_refresh_pool_reliability' AS name, 'df9e362fadb3b2e42b80fbbcdb0a17559ee74066d3398582e90c28f92159350d' AS checksum
    UNION ALL
    SELECT 'event' AS kind, 'evt_rollup_savings' AS name, '7b564523f02f32eef50d86de60a3b20f32b8c5d0a9d0c3a614a6d701db51fb58' AS checksum
) AS w
LEFT JOIN (
SELECT
    'procedure' AS kind,
    r.ROUTINE_NAME AS name,
    SHA2(CONCAT(r.ROUTINE_DEFINITION, '|', r.SECURITY_TYPE, '|', r.SQL_MODE), 256) AS fingerprint
FROM information_schema.ROUTINES AS r
WHERE r.ROUTINE_SCHEMA = DATABASE() AND r.ROUTINE_TYPE = 'PROCEDURE'
UNION ALL
SELECT
    'view' AS kind,
    v.TABLE_NAME AS name,
    SHA2(CONCAT(NULLIF(v.VIEW_DEFINITION, ''), '|', v.SECURITY_TYPE), 256) AS fingerprint
FROM information_schema.VIEWS AS v
WHERE v.TABLE_SCHEMA = DATABASE()
UNION ALL
SELECT
    'event' AS kind,
    e.EVENT_NAME AS name,
    SHA2(
        CONCAT(e.EVENT_DEFINITION, '|', e.INTERVAL_VALUE, '|', e.INTERVAL_FIELD, '|', e.SQL_MODE),
        256
    ) AS fingerprint
FROM information_schema.EVENTS AS e
WHERE e.EVENT_SCHEMA = DATABASE()
) AS f
    ON CONVERT(f.kind USING utf8mb4) COLLATE utf8mb4_bin = CONVERT(w.kind USING utf8mb4) COLLATE utf8mb4_bin
    AND CONVERT(f.name USING utf8mb4) COLLATE utf8mb4_bin = CONVERT(w.name USING utf8mb4) COLLATE utf8mb4_bin
ON DUPLICATE KEY UPDATE
    checksum = VALUES(checksum),
    fingerprint = VALUES(fingerprint),
    applied_at = VALUES(applied_at);
