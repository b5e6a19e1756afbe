-- Where notifications are sent beside the dashboard, and the log of what was sent.

-- client_id NULL: everything that concerns anybody. target_sealed is encrypted, target_hint is what
-- may be shown of it. Notifications are looked for from looked_at on, never before active_since.
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

-- One message, with one notification or a batch of them. collecting_channel makes "a channel
-- gathers one batch at a time, on any number of nodes" a unique key.
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

-- Which notification went with which message. The key makes "a channel is told once" a fact.
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
