-- Price reports that were taken in and are not yet spread over the price tables. A report appends
-- one row that no other report touches; dedup_prices unfolds the rows by the thousand and deletes
-- them. They live for a minute, so that there is no foreign key: what belongs to a client or a pool
-- that is gone by then is left out. entries is a JSON array, see record_pricing_report.
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
