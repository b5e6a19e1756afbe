-- roll_up_agents --
-- Days of agents anew from their rows. Index: cost_records_pk.
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
    %(now)s
FROM JSON_TABLE(
    %(days)s, '$[*]' COLUMNS (
        agent_id VARCHAR(36) CHARACTER SET utf8mb4 PATH '$.k',
        day_on DATE PATH '$.d'
    )
) AS j
INNER JOIN agents AS a ON a.id = j.agent_id COLLATE utf8mb4_bin
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
    computed_at = VALUES(computed_at)

-- list_clients --
-- Whose agents these are. Index: agents_pk.
SELECT
    a.id,
    a.client_id
FROM JSON_TABLE(
    %(agents)s, '$[*]' COLUMNS (agent_id VARCHAR(36) CHARACTER SET utf8mb4 PATH '$')
) AS j
INNER JOIN agents AS a ON a.id = j.agent_id COLLATE utf8mb4_bin
ORDER BY a.id ASC
LIMIT 10000

-- roll_up_days --
-- Days of clients anew from their agents' days. Index: agent_savings_daily_client_idx.
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
    %(now)s
FROM JSON_TABLE(
    %(days)s, '$[*]' COLUMNS (
        client_id VARCHAR(36) CHARACTER SET utf8mb4 PATH '$.k',
        day_on DATE PATH '$.d'
    )
) AS j
INNER JOIN agent_savings_daily AS d
    ON d.client_id = j.client_id COLLATE utf8mb4_bin AND d.day_on = j.day_on
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
    computed_at = VALUES(computed_at)

-- roll_up_months --
-- Months of clients anew from their days. Index: client_savings_daily_pk.
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
    %(now)s
FROM JSON_TABLE(
    %(months)s, '$[*]' COLUMNS (
        client_id VARCHAR(36) CHARACTER SET utf8mb4 PATH '$.k',
        month_on DATE PATH '$.d'
    )
) AS j
INNER JOIN client_savings_daily AS d
    ON
        d.client_id = j.client_id COLLATE utf8mb4_bin
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
    computed_at = VALUES(computed_at)

-- roll_up_totals --
-- Running totals of clients anew, from a day on. Index: client_savings_daily_pk.
INSERT INTO savings_snapshots (client_id, day_on, baseline_usd, cost_usd, computed_at)
SELECT
    d.client_id,
    d.day_on,
    SUM(e.baseline_usd),
    SUM(e.cost_usd),
    %(now)s
FROM JSON_TABLE(
    %(days)s, '$[*]' COLUMNS (
        client_id VARCHAR(36) CHARACTER SET utf8mb4 PATH '$.k',
        day_on DATE PATH '$.d'
    )
) AS j
INNER JOIN client_savings_daily AS d
    ON d.client_id = j.client_id COLLATE utf8mb4_bin AND d.day_on >= j.day_on
INNER JOIN client_savings_daily AS e ON e.client_id = d.client_id AND e.day_on <= d.day_on
GROUP BY d.client_id, d.day_on
ON DUPLICATE KEY UPDATE
    baseline_usd = VALUES(baseline_usd),
    cost_usd = VALUES(cost_usd),
    computed_at = VALUES(computed_at)
