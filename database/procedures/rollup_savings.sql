-- Sum the savings ledger anew: days of agents, and of their clients days, months and running totals.
-- Given p_days, a JSON array of {"k": agent id, "d": day}, for these; else for every agent that has
-- rows on p_since or later.
-- kind: open
-- caller: repositories.savings_rollups.roll_up and roll_up_since, and the event evt_rollup_savings
-- locks: the newest row of cost_hours, so that one caller sums at a time; agent_savings_daily,
-- client_savings_daily, client_savings_monthly, savings_snapshots
-- result: p_row_count, the days of agents
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

    -- A running total is the one before, so all later ones move too.
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
END
