-- list_rows --
-- The ledger of some agents in [since, until). Index: cost_records_pk.
SELECT
    c.agent_id,
    c.hour_at,
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
    c.booked_at
FROM JSON_TABLE(
    %(agents)s, '$[*]' COLUMNS (agent_id VARCHAR(36) CHARACTER SET utf8mb4 PATH '$')
) AS j
STRAIGHT_JOIN cost_records AS c
    ON
        c.agent_id = j.agent_id COLLATE utf8mb4_bin
        AND c.hour_at >= %(since)s
        AND c.hour_at < %(until)s
ORDER BY c.agent_id ASC, c.hour_at ASC, c.starts_at ASC, c.instance_id ASC
LIMIT 1000000

-- delete_hours --
-- Rows of agents and hours that are booked anew. Index: cost_records_pk.
DELETE c
FROM cost_records AS c
INNER JOIN JSON_TABLE(
    %(hours)s, '$[*]' COLUMNS (
        agent_id VARCHAR(36) CHARACTER SET utf8mb4 PATH '$.a',
        hour_at DATETIME(3) PATH '$.h'
    )
) AS j ON c.agent_id = j.agent_id COLLATE utf8mb4_bin AND c.hour_at = j.hour_at

-- insert_rows --
-- Rows of the ledger; of an agent that was deleted meanwhile nothing is kept.
INSERT INTO cost_records (
    agent_id, hour_at, instance_id, starts_at, ends_at, client_id, role, mode, pool_id,
    milliseconds, price_usd_per_hour, ondemand_price_usd_per_hour, is_free, is_estimated,
    baseline_usd, cost_usd, booked_at, corrected_at
)
SELECT
    a.id,
    j.hour_at,
    j.instance_id,
    j.starts_at,
    j.ends_at,
    a.client_id,
    j.role,
    j.mode,
    j.pool_id,
    j.milliseconds,
    j.price,
    j.ondemand_price,
    j.is_free,
    j.is_estimated,
    j.baseline,
    j.cost,
    j.booked_at,
    j.corrected_at
FROM JSON_TABLE(
    %(rows)s, '$[*]' COLUMNS (
        agent_id VARCHAR(36) CHARACTER SET utf8mb4 PATH '$.agent_id',
        hour_at DATETIME(3) PATH '$.hour_at',
        instance_id VARCHAR(64) CHARACTER SET utf8mb4 PATH '$.instance_id',
        starts_at DATETIME(3) PATH '$.starts_at',
        ends_at DATETIME(3) PATH '$.ends_at',
        role VARCHAR(16) CHARACTER SET utf8mb4 PATH '$.role',
        mode VARCHAR(16) CHARACTER SET utf8mb4 PATH '$.mode',
        pool_id VARCHAR(128) CHARACTER SET utf8mb4 PATH '$.pool_id',
        milliseconds INT PATH '$.milliseconds',
        price DECIMAL(12, 6) PATH '$.price_usd_per_hour',
        ondemand_price DECIMAL(12, 6) PATH '$.ondemand_price_usd_per_hour',
        is_free TINYINT PATH '$.is_free',
        is_estimated TINYINT PATH '$.is_estimated',
        baseline DECIMAL(18, 8) PATH '$.baseline_usd',
        cost DECIMAL(18, 8) PATH '$.cost_usd',
        booked_at DATETIME(3) PATH '$.booked_at',
        corrected_at DATETIME(3) PATH '$.corrected_at'
    )
) AS j
INNER JOIN agents AS a ON a.id = j.agent_id COLLATE utf8mb4_bin

-- insert_corrections --
-- Hours that were booked anew, with their sums before and after.
INSERT INTO cost_corrections (
    agent_id, hour_at, corrected_at, client_id, reason,
    old_baseline_usd, old_cost_usd, old_unknown_milliseconds,
    new_baseline_usd, new_cost_usd, new_unknown_milliseconds
)
SELECT
    a.id,
    j.hour_at,
    %(now)s,
    a.client_id,
    j.reason,
    j.old_baseline,
    j.old_cost,
    j.old_unknown,
    j.new_baseline,
    j.new_cost,
    j.new_unknown
FROM JSON_TABLE(
    %(corrections)s, '$[*]' COLUMNS (
        agent_id VARCHAR(36) CHARACTER SET utf8mb4 PATH '$.agent_id',
        hour_at DATETIME(3) PATH '$.hour_at',
        reason VARCHAR(16) CHARACTER SET utf8mb4 PATH '$.reason',
        old_baseline DECIMAL(18, 8) PATH '$.old_baseline_usd',
        old_cost DECIMAL(18, 8) PATH '$.old_cost_usd',
        old_unknown BIGINT PATH '$.old_unknown_milliseconds',
        new_baseline DECIMAL(18, 8) PATH '$.new_baseline_usd',
        new_cost DECIMAL(18, 8) PATH '$.new_cost_usd',
        new_unknown BIGINT PATH '$.new_unknown_milliseconds'
    )
) AS j
INNER JOIN agents AS a ON a.id = j.agent_id COLLATE utf8mb4_bin
ON DUPLICATE KEY UPDATE
    reason = VALUES(reason),
    new_baseline_usd = VALUES(new_baseline_usd),
    new_cost_usd = VALUES(new_cost_usd),
    new_unknown_milliseconds = VALUES(new_unknown_milliseconds)

-- list_estimated --
-- Agents with a missing or guessed price in some hours, newest hours first. Index:
-- cost_records_estimated_idx.
SELECT DISTINCT
    c.hour_at,
    c.agent_id
FROM JSON_TABLE(%(hours)s, '$[*]' COLUMNS (hour_at DATETIME(3) PATH '$')) AS j
STRAIGHT_JOIN cost_records AS c ON c.is_estimated = 1 AND c.hour_at = j.hour_at
ORDER BY c.hour_at DESC, c.agent_id ASC
LIMIT %(limit)s

-- find_last_closed --
-- The newest closed hour. Index: cost_hours_pk.
SELECT MAX(h.hour_at) AS hour_at
FROM cost_hours AS h

-- mark_closed --
-- Hours that are closed for the whole fleet. Index: cost_records_hour_idx.
INSERT INTO cost_hours (hour_at, closed_at, row_count)
SELECT
    j.hour_at,
    %(now)s,
    (
        SELECT COUNT(*)
        FROM cost_records AS c
        WHERE c.hour_at = j.hour_at
    )
FROM JSON_TABLE(%(hours)s, '$[*]' COLUMNS (hour_at DATETIME(3) PATH '$')) AS j
ON DUPLICATE KEY UPDATE row_count = VALUES(row_count)
