-- The savings ledger, and the sums that are derived from it.

-- [starts_at, ends_at) of one instance within one UTC hour, in one role and at one price. An amount
-- is NULL while its price is unknown; sums leave out a row that lacks either.
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

-- An agent's hour that was booked anew: its sums before and after, and why.
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

-- Hours that are closed for the whole fleet.
CREATE TABLE IF NOT EXISTS cost_hours (
    hour_at DATETIME(3) NOT NULL,
    closed_at DATETIME(3) NOT NULL,
    row_count INT NOT NULL,
    CONSTRAINT cost_hours_pk PRIMARY KEY (hour_at)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Sums of cost_records by UTC day. What was saved is baseline_usd - cost_usd and is stored nowhere.
-- The index holds the amounts, so that a client's agents are ranked without a look at the rows.
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

-- Sums of agent_savings_daily.
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

-- Sums of client_savings_daily; month_on is the first day of the month.
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

-- Everything since ever up to the end of a day; the newest is the client's total.
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
