-- list_totals --
-- What clients have saved since ever, USD. Index: savings_snapshots_pk.
SELECT
    v.client_id,
    v.baseline_usd,
    v.cost_usd,
    v.savings_usd
FROM client_savings_summary AS v
WHERE %(client_id)s IS NULL OR v.client_id = %(client_id)s
ORDER BY v.client_id ASC
LIMIT 10000

-- sum_client --
-- What one client has saved on the days since then, USD. Index: client_savings_daily_pk.
SELECT COALESCE(SUM(d.baseline_usd - d.cost_usd), 0) AS savings_usd
FROM client_savings_daily AS d
WHERE d.client_id = %(client_id)s AND d.day_on >= %(since)s

-- sum_agent --
-- What one agent has saved, since ever and on the days since then, USD. Index:
-- agent_savings_daily_pk.
SELECT
    COALESCE(SUM(d.baseline_usd - d.cost_usd), 0) AS total_usd,
    COALESCE(SUM(IF(d.day_on >= %(since)s, d.baseline_usd - d.cost_usd, 0)), 0) AS recent_usd
FROM agent_savings_daily AS d
WHERE d.agent_id = %(agent_id)s AND d.client_id = %(client_id)s

-- sum_instance --
-- What one instance of an agent has saved, as far back as the ledger's rows are kept, and on the
-- days since then, USD. Index: cost_records_instance_idx.
SELECT
    COALESCE(SUM(c.baseline_usd - c.cost_usd), 0) AS total_usd,
    COALESCE(SUM(IF(c.hour_at >= %(since)s, c.baseline_usd - c.cost_usd, 0)), 0) AS recent_usd
FROM cost_records AS c
WHERE
    c.client_id = %(client_id)s
    AND c.instance_id = %(instance_id)s
    AND c.agent_id = %(agent_id)s

-- list_months --
-- The newest months that have anything, of one client or of all. Indexes:
-- client_savings_monthly_pk, client_savings_monthly_month_idx.
SELECT
    m.month_on AS begins_on,
    SUM(m.baseline_usd) AS baseline_usd,
    SUM(m.cost_usd) AS cost_usd,
    SUM(m.replica_usd) AS replica_usd,
    SUM(m.overlap_usd) AS overlap_usd,
    SUM(m.spot_milliseconds) AS spot_milliseconds,
    SUM(m.ondemand_milliseconds) AS ondemand_milliseconds,
    SUM(m.estimated_milliseconds) AS estimated_milliseconds,
    SUM(m.unknown_milliseconds) AS unknown_milliseconds
FROM client_savings_monthly AS m
WHERE %(client_id)s IS NULL OR m.client_id = %(client_id)s
GROUP BY m.month_on
ORDER BY m.month_on DESC
LIMIT %(limit)s

-- list_days --
-- The newest days since then that have anything, of one client or of all. Indexes:
-- client_savings_daily_pk, client_savings_daily_day_idx.
SELECT
    d.day_on AS begins_on,
    SUM(d.baseline_usd) AS baseline_usd,
    SUM(d.cost_usd) AS cost_usd,
    SUM(d.replica_usd) AS replica_usd,
    SUM(d.overlap_usd) AS overlap_usd,
    SUM(d.spot_milliseconds) AS spot_milliseconds,
    SUM(d.ondemand_milliseconds) AS ondemand_milliseconds,
    SUM(d.estimated_milliseconds) AS estimated_milliseconds,
    SUM(d.unknown_milliseconds) AS unknown_milliseconds
FROM client_savings_daily AS d
WHERE
    d.day_on >= %(since)s
    AND (%(client_id)s IS NULL OR d.client_id = %(client_id)s)
GROUP BY d.day_on
ORDER BY d.day_on DESC
LIMIT %(limit)s OFFSET %(offset)s

-- count_days --
-- How many days have anything. Index: client_savings_daily_pk.
SELECT COUNT(*) AS total
FROM client_savings_daily AS d
WHERE d.client_id = %(client_id)s

-- list_agent_days --
-- The newest days of one agent. Index: agent_savings_daily_pk.
SELECT
    d.day_on AS begins_on,
    d.baseline_usd,
    d.cost_usd,
    d.replica_usd,
    d.overlap_usd,
    d.spot_milliseconds,
    d.ondemand_milliseconds,
    d.estimated_milliseconds,
    d.unknown_milliseconds
FROM agent_savings_daily AS d
WHERE
    d.agent_id = %(agent_id)s
    AND d.day_on >= %(since)s
    AND (%(client_id)s IS NULL OR d.client_id = %(client_id)s)
ORDER BY d.day_on DESC
LIMIT %(limit)s

-- list_agents --
-- What agents have saved on the days since then, those that saved most first. Indexes:
-- agent_savings_daily_client_idx to rank them, agent_savings_daily_pk and agents_pk for the page.
SELECT
    t.agent_id,
    a.client_id,
    a.logical_agent_id,
    a.status,
    SUM(d.baseline_usd) AS baseline_usd,
    SUM(d.cost_usd) AS cost_usd,
    SUM(d.replica_usd) AS replica_usd,
    SUM(d.overlap_usd) AS overlap_usd,
    SUM(d.spot_milliseconds) AS spot_milliseconds,
    SUM(d.ondemand_milliseconds) AS ondemand_milliseconds,
    SUM(d.estimated_milliseconds) AS estimated_milliseconds,
    SUM(d.unknown_milliseconds) AS unknown_milliseconds
FROM (
    SELECT
        r.agent_id,
        SUM(r.baseline_usd - r.cost_usd) AS savings_usd
    FROM agent_savings_daily AS r
    WHERE
        r.day_on >= %(since)s
        AND (%(client_id)s IS NULL OR r.client_id = %(client_id)s)
    GROUP BY r.agent_id
    ORDER BY savings_usd DESC, r.agent_id ASC
    LIMIT %(limit)s OFFSET %(offset)s
) AS t
INNER JOIN agents AS a ON a.id = t.agent_id
INNER JOIN agent_savings_daily AS d ON d.agent_id = t.agent_id AND d.day_on >= %(since)s
GROUP BY t.agent_id, t.savings_usd, a.client_id, a.logical_agent_id, a.status
ORDER BY t.savings_usd DESC, t.agent_id ASC

-- count_agents --
-- How many agents have anything on the days since then. Index: agent_savings_daily_client_idx.
SELECT COUNT(DISTINCT d.agent_id) AS total
FROM agent_savings_daily AS d
WHERE
    d.day_on >= %(since)s
    AND (%(client_id)s IS NULL OR d.client_id = %(client_id)s)

-- list_rows --
-- A client's rows of the ledger, by instance and time. Index: cost_records_instance_idx.
SELECT
    c.agent_id,
    c.instance_id,
    c.starts_at,
    c.ends_at,
    c.role,
    c.mode,
    c.pool_id,
    c.milliseconds,
    c.price_usd_per_hour,
    c.ondemand_price_usd_per_hour,
    c.is_free,
    c.is_estimated,
    c.baseline_usd,
    c.cost_usd,
    c.corrected_at
FROM cost_records AS c FORCE INDEX (cost_records_instance_idx)
WHERE
    c.client_id = %(client_id)s
    AND c.hour_at >= %(since)s
    AND c.hour_at < %(until)s
ORDER BY c.instance_id ASC, c.hour_at ASC, c.agent_id ASC, c.starts_at ASC
LIMIT %(limit)s OFFSET %(offset)s

-- count_rows --
-- How many rows of the ledger a client has. Index: cost_records_instance_idx.
SELECT COUNT(*) AS total
FROM cost_records AS c
WHERE
    c.client_id = %(client_id)s
    AND c.hour_at >= %(since)s
    AND c.hour_at < %(until)s

-- list_agent_rows --
-- One agent's rows of the ledger within a span of hours. Index: cost_records_pk.
SELECT
    c.instance_id,
    c.starts_at,
    c.ends_at,
    c.role,
    c.mode,
    c.pool_id,
    c.milliseconds,
    c.price_usd_per_hour,
    c.ondemand_price_usd_per_hour,
    c.is_free,
    c.is_estimated,
    c.baseline_usd,
    c.cost_usd,
    c.corrected_at
FROM cost_records AS c
WHERE
    c.agent_id = %(agent_id)s
    AND c.hour_at >= %(since)s
    AND c.hour_at < %(until)s
    AND (%(client_id)s IS NULL OR c.client_id = %(client_id)s)
ORDER BY c.hour_at ASC, c.starts_at ASC, c.instance_id ASC
LIMIT %(limit)s

-- list_corrections --
-- Hours that were booked anew, the newest first. Indexes: cost_corrections_client_idx,
-- cost_corrections_corrected_idx.
SELECT
    k.agent_id,
    a.logical_agent_id,
    k.client_id,
    k.hour_at,
    k.corrected_at,
    k.reason,
    k.old_baseline_usd,
    k.old_cost_usd,
    k.new_baseline_usd,
    k.new_cost_usd
FROM cost_corrections AS k
INNER JOIN agents AS a ON a.id = k.agent_id
WHERE %(client_id)s IS NULL OR k.client_id = %(client_id)s
ORDER BY k.corrected_at DESC, k.hour_at DESC, k.agent_id ASC
LIMIT %(limit)s

-- count_modes --
-- A client's running instances by how they are paid for. Index: instances_client_idx.
SELECT
    i.mode,
    COUNT(*) AS instance_count
FROM instances AS i
INNER JOIN agents AS a ON a.id = i.agent_id
WHERE
    i.client_id = %(client_id)s
    AND i.role <> 'terminated'
    AND a.status <> 'deleted'
GROUP BY i.mode
ORDER BY i.mode ASC

-- count_switches_by_day --
-- A client's completed switches on each day since then. Index: switches_client_idx.
SELECT
    DATE(COALESCE(s.initiated_at, s.requested_at)) AS day_on,
    COUNT(*) AS switch_count
FROM switches AS s
WHERE
    s.client_id = %(client_id)s
    AND s.status = 'completed'
    AND s.requested_at >= %(since)s
GROUP BY DATE(COALESCE(s.initiated_at, s.requested_at))
ORDER BY day_on ASC
LIMIT 100
