-- Prices as they are reported. A pool is (region, zone, instance type); zone is the AZ id where the
-- reporter knows it, and such a pool is shared, else the AZ name, and the pool is its client's own:
-- AZ names mean different zones in different accounts.

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

-- What one client last saw of a pool; az translates between the pool and the client's own names.
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

-- Raw reports. reporter_slot bounds the volume: an instance's own pool has a slot per observation,
-- every other pool five slots per bucket, shared by all reporters; further reports only count.
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
