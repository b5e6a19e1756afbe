-- The Smart Emergency Fallback: signals, standby instances and what they cost.

-- A signal concerns the instance that it names; repeats of one notice share a row by notice_key.
-- Written before anybody acts on it. deadline: when EC2 takes the instance. epoch: the agent's when
-- the signal came. committed_at: the primary had moved. verified_at: traffic was seen on the new one.
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

-- standby_slot: 1 serves, 2 is being prepared to take its place. The unique key over live_slot makes
-- that "one and one" the database's rule; instance_uq keeps one machine from being two replicas.
-- pools: JSON array of pool names to try, in order. pool_name is the one it got; NULL is on-demand.
-- holder_*: to which instance the order to launch was handed out, and until when.
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

-- Ends of instances as their hosts or launchers told them, with or without a signal before.
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

-- What a standby cost within one UTC hour. is_estimated: the price was not known for all of it.
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

-- freeze_level: voluntary stops what nobody needs now; all stops emergencies too.
ALTER TABLE agents
    ADD COLUMN freeze_level VARCHAR(16) NULL;

ALTER TABLE agents
    ADD CONSTRAINT agents_freeze_ck CHECK (freeze_level IN ('voluntary', 'all'));

ALTER TABLE clients
    ADD COLUMN freeze_level VARCHAR(16) NULL;

ALTER TABLE clients
    ADD CONSTRAINT clients_freeze_ck CHECK (freeze_level IN ('voluntary', 'all'));
