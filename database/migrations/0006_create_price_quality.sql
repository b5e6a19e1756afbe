-- Prices made fit for use, and what is known about the pools: clean points, what fills their gaps,
-- the gaps themselves, reliability, risk, and the pools that must rest.

-- One point per client, pool and bucket. scope is the client whose own reports it is made of, or
-- '' for what other clients agree on; such a row carries no client and is valid only while
-- is_discrepant = 0. day_on is the UTC day of the bucket: it turns "from then on" into equalities,
-- the only thing that a join can look up in an index. updated_at moves only when the point does.
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

-- Points that nobody observed, for one client. A linear one stands strictly between the two clean
-- points that it names; one from history names the price of EC2's own record that still held then.
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

-- Gaps too long to fill, each between two clean points of what one client sees of a pool.
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

-- Every trouble with a pool, and until when the pool rests for the client that met it. source_key
-- names what caused it (a notice, a launch), so that a repeat is the same row.
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

-- One row per client, pool and UTC day.
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

-- One row per client, pool and hour, refreshed within the hour: the facts, and the chance of losing
-- an instance there within an hour.
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
