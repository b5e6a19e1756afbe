-- The fleet: agents (logical servers), the instances that embody them, and what was asked of them.

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

-- primary_slot makes "one primary per agent" a unique key.
-- is_steady: nothing but last_seen_at can change by a heartbeat, so the hot path is one UPDATE.
-- protocol: 5 for agents that speak sync and journal their commands, 4 for every installed one.
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

-- instance_id is the instance that a command was made for, lease_instance_id the one that holds it.
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

-- Every replacement of a primary is one row here, whatever caused it.
-- report_key (old>new@initiated) makes a repeated report the same row; open_slot makes "at most one open switch per agent" a unique key.
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
