-- list_due_gaps --
-- Gaps of a client's pools in one region that an agent may be asked about, in the client's own
-- words, oldest first. Index: pricing_data_gaps_span_uq.
SELECT
    g.id,
    g.pool_id AS pool_number,
    p.instance_type,
    v.az,
    p.region,
    g.last_point_at,
    g.next_point_at,
    g.ask_count
FROM pricing_data_gaps AS g
INNER JOIN spot_pools AS p ON p.id = g.pool_id
INNER JOIN pool_prices AS v ON v.client_id = g.client_id AND v.pool_id = g.pool_id
WHERE
    g.client_id = %(client_id)s
    AND g.status IN ('open', 'asked')
    AND g.next_ask_at <= %(now)s
    AND p.region = %(region)s
ORDER BY g.id ASC
LIMIT %(limit)s

-- claim_ask --
-- Compare-and-set: 1 row matched means that this caller asks, nobody else. Index:
-- pricing_data_gaps_pk.
UPDATE pricing_data_gaps
SET
    status = 'asked',
    ask_count = ask_count + 1,
    asked_agent_id = %(agent_id)s,
    asked_at = %(now)s,
    next_ask_at = %(next_ask_at)s
WHERE
    id = %(gap_id)s
    AND client_id = %(client_id)s
    AND ask_count = %(ask_count)s
    AND status IN ('open', 'asked')

-- give_up_gaps --
-- Gaps that were asked for often enough, or that EC2's history does not reach. Index:
-- pricing_data_gaps_due_idx.
UPDATE pricing_data_gaps
SET
    outcome = IF(last_point_at < %(oldest)s, 'too_old', 'no_answer'),
    status = 'abandoned',
    ended_at = %(now)s
WHERE
    status IN ('open', 'asked')
    AND next_ask_at <= %(now)s
    AND (last_point_at < %(oldest)s OR ask_count >= %(most_asks)s)

-- find_gap --
-- One gap of a client. Index: pricing_data_gaps_pk.
SELECT
    g.id,
    g.pool_id,
    g.last_point_at,
    g.next_point_at,
    g.status
FROM pricing_data_gaps AS g
WHERE g.id = %(gap_id)s AND g.client_id = %(client_id)s

-- insert_history --
-- The answer as it came: raw rows that are no observations. A repeated answer is the same rows.
-- Index: spot_price_snapshots_slot_uq.
INSERT INTO spot_price_snapshots (
    client_id, pool_id, bucket_at, reporter_slot, price_usd_per_hour, observed_at, received_at,
    agent_id, instance_id, source
)
SELECT
    %(client_id)s,
    %(pool_id)s,
    h.bucket_at,
    h.slot,
    h.price_usd_per_hour,
    h.observed_at,
    %(now)s,
    %(agent_id)s,
    %(instance_id)s,
    'history'
FROM JSON_TABLE(
    %(history)s, '$[*]' COLUMNS (
        bucket_at DATETIME(3) PATH '$.b',
        slot VARCHAR(100) CHARACTER SET utf8mb4 PATH '$.s',
        price_usd_per_hour DECIMAL(12, 6) PATH '$.c',
        observed_at DATETIME(3) PATH '$.t'
    )
) AS h
ON DUPLICATE KEY UPDATE report_count = report_count + 1

-- insert_fills --
-- Points from history, except where a clean point has come in the meantime. Indexes:
-- pricing_snapshots_interpolated_pk, pricing_snapshots_clean_pk.
INSERT INTO pricing_snapshots_interpolated (
    client_id, pool_id, day_on, bucket_at, price_usd_per_hour, method, before_at,
    before_price_usd_per_hour, after_at, after_price_usd_per_hour, filled_at
)
SELECT
    %(client_id)s,
    %(pool_id)s,
    DATE(h.bucket_at),
    h.bucket_at,
    h.price_usd_per_hour,
    'history',
    h.observed_at,
    h.price_usd_per_hour,
    NULL,
    NULL,
    %(now)s
FROM JSON_TABLE(
    %(fills)s, '$[*]' COLUMNS (
        bucket_at DATETIME(3) PATH '$.b',
        price_usd_per_hour DECIMAL(12, 6) PATH '$.c',
        observed_at DATETIME(3) PATH '$.t'
    )
) AS h
WHERE
    NOT EXISTS (
        SELECT 1
        FROM pricing_snapshots_clean AS c
        WHERE
            c.pool_id = %(pool_id)s
            AND c.bucket_at = h.bucket_at
            AND c.scope IN ('', %(client_id)s)
            AND (c.scope <> '' OR c.is_discrepant = 0)
    )
ON DUPLICATE KEY UPDATE
    price_usd_per_hour = VALUES(price_usd_per_hour),
    method = VALUES(method),
    before_at = VALUES(before_at),
    before_price_usd_per_hour = VALUES(before_price_usd_per_hour),
    after_at = VALUES(after_at),
    after_price_usd_per_hour = VALUES(after_price_usd_per_hour),
    filled_at = VALUES(filled_at)

-- record_answer --
-- The span that was answered; the state only where the answer ends the gap. Index:
-- pricing_data_gaps_pk.
UPDATE pricing_data_gaps
SET
    answered_from = %(answered_from)s,
    answered_until = %(answered_until)s,
    outcome = COALESCE(%(outcome)s, outcome),
    ended_at = IF(%(outcome)s IS NULL, ended_at, %(now)s),
    status = COALESCE(%(status)s, status)
WHERE id = %(gap_id)s AND status <> 'closed'
