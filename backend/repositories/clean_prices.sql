-- dedup_pricing --
-- Make the clean points of the buckets that reports received in (since, until] touch, 5000 in a
-- transaction. See the procedure.
CALL dedup_pricing(%(now)s, %(since)s, %(until)s, 5000, @spot_optimizer_row_count)

-- interpolate_pricing --
-- Fill and record the gaps of the series whose points changed in (since, until], 500 series in a
-- transaction. See the procedure.
CALL interpolate_pricing(%(now)s, %(since)s, %(until)s, 500, @spot_optimizer_row_count)

-- read_row_count --
-- The answer of the call before, on the same connection.
SELECT @spot_optimizer_row_count AS row_count

-- find_slice_end --
-- When the last of the next so many reports after an instant was received; nothing if there are
-- fewer. Index: spot_price_snapshots_received_idx.
SELECT s.received_at
FROM spot_price_snapshots AS s
WHERE s.received_at > %(since)s AND s.received_at <= %(until)s
ORDER BY s.received_at ASC, s.id ASC
LIMIT 1 OFFSET %(offset)s

-- find_last_done --
-- When the newest finished run of a job began: everything before is done. Index: job_runs_pk.
SELECT r.started_at
FROM job_runs AS r
WHERE r.job = %(job)s AND r.status = 'done'
ORDER BY r.slot DESC
LIMIT 1

-- report_discrepancies --
-- A client's reports of one pool that differ in three buckets of an hour are worth an event, one in
-- six hours. Only pools whose points have just changed are looked at. Indexes:
-- pricing_snapshots_clean_updated_idx, pricing_snapshots_clean_series_idx, system_events_client_idx.
INSERT INTO system_events (event_type, severity, client_id, message, details, created_at)
SELECT
    'price_discrepancy',
    'warning',
    d.client_id,
    CONCAT(
        'Reported prices of ', p.instance_type, ' in ', p.region, ' (', p.zone,
        ') differ by more than 0.5 % again and again'
    ),
    JSON_OBJECT('pool_number', d.pool_id, 'bucket_count', d.bucket_count),
    %(now)s
FROM (
    SELECT
        c.client_id,
        c.pool_id,
        COUNT(*) AS bucket_count
    FROM (
        SELECT DISTINCT
            n.scope,
            n.pool_id
        FROM pricing_snapshots_clean AS n
        WHERE
            n.updated_at > %(changed_after)s
            AND n.updated_at <= %(now)s
            AND n.scope <> ''
            AND n.is_discrepant = 1
            AND n.bucket_at > %(bucket_after)s
    ) AS t
    STRAIGHT_JOIN (
        SELECT DATE(%(bucket_after)s) AS day_on
        UNION
        SELECT DATE(%(now)s)
    ) AS d
    STRAIGHT_JOIN pricing_snapshots_clean AS c FORCE INDEX (pricing_snapshots_clean_series_idx)
        ON
            c.client_id = t.scope
            AND c.pool_id = t.pool_id
            AND c.day_on = d.day_on
            AND c.bucket_at > %(bucket_after)s
            AND c.is_discrepant = 1
    GROUP BY c.client_id, c.pool_id
    HAVING COUNT(*) >= 3
) AS d
INNER JOIN spot_pools AS p ON p.id = d.pool_id
WHERE
    NOT EXISTS (
        SELECT 1
        FROM system_events AS e
        WHERE
            e.client_id = d.client_id
            AND e.created_at > %(told_after)s
            AND e.event_type = 'price_discrepancy'
            AND JSON_EXTRACT(e.details, '$.pool_number') = d.pool_id
    )

-- list_series --
-- What a client sees of a pool, ascending, prices in USD per hour: own points, then what others
-- agree on, then fills. Indexes: pricing_snapshots_clean_series_idx,
-- pricing_snapshots_interpolated_pk.
SELECT
    s.bucket_at,
    s.price_usd_per_hour,
    s.kind
FROM (
    SELECT
        c.bucket_at,
        c.price_usd_per_hour,
        IF(c.is_discrepant = 1, 'averaged', 'normal') AS kind
    FROM pricing_snapshots_clean AS c
    WHERE
        c.client_id = %(client_id)s
        AND c.pool_id = %(pool_id)s
        AND c.day_on BETWEEN DATE(%(since)s) AND DATE(%(until)s)
    UNION ALL
    SELECT
        c.bucket_at,
        c.price_usd_per_hour,
        'normal'
    FROM pricing_snapshots_clean AS c
    WHERE
        c.client_id IS NULL
        AND c.pool_id = %(pool_id)s
        AND c.day_on BETWEEN DATE(%(since)s) AND DATE(%(until)s)
        AND c.is_discrepant = 0
        AND NOT EXISTS (
            SELECT 1
            FROM pricing_snapshots_clean AS o
            WHERE
                o.pool_id = c.pool_id
                AND o.bucket_at = c.bucket_at
                AND o.scope = %(client_id)s
        )
    UNION ALL
    SELECT
        f.bucket_at,
        f.price_usd_per_hour,
        IF(f.method = 'linear', 'interpolated', 'history')
    FROM pricing_snapshots_interpolated AS f
    WHERE
        f.client_id = %(client_id)s
        AND f.pool_id = %(pool_id)s
        AND f.day_on BETWEEN DATE(%(since)s) AND DATE(%(until)s)
        AND NOT EXISTS (
            SELECT 1
            FROM pricing_snapshots_clean AS o
            WHERE
                o.pool_id = f.pool_id
                AND o.bucket_at = f.bucket_at
                AND o.scope IN ('', %(client_id)s)
                AND (o.scope <> '' OR o.is_discrepant = 0)
        )
) AS s
WHERE s.bucket_at >= %(since)s AND s.bucket_at < %(until)s
ORDER BY s.bucket_at ASC
LIMIT %(limit)s

-- list_day_quality --
-- Points of each kind, for each pool that a client knows and each UTC day of a span that has any.
-- Indexes: pool_prices_pk, pricing_snapshots_clean_series_idx, pricing_snapshots_interpolated_pk.
SELECT
    b.pool_id,
    b.day_on,
    SUM(b.kind IN (0, 2)) AS normal_count,
    SUM(b.kind = 1) AS averaged_count,
    SUM(b.kind = 3) AS history_count,
    SUM(b.kind = 4) AS interpolated_count
FROM (
    SELECT
        k.pool_id,
        k.day_on,
        k.bucket_at,
        MIN(k.kind) AS kind
    FROM (
        SELECT
            c.pool_id,
            c.day_on,
            c.bucket_at,
            IF(c.is_discrepant = 1, 1, 0) AS kind
        FROM pool_prices AS v
        INNER JOIN pricing_snapshots_clean AS c
            ON c.client_id = v.client_id AND c.pool_id = v.pool_id
        WHERE
            v.client_id = %(client_id)s AND c.day_on BETWEEN %(first_day)s AND %(last_day)s
        UNION ALL
        SELECT
            c.pool_id,
            c.day_on,
            c.bucket_at,
            2
        FROM pool_prices AS v
        INNER JOIN pricing_snapshots_clean AS c
            ON c.client_id IS NULL AND c.pool_id = v.pool_id
        WHERE
            v.client_id = %(client_id)s
            AND c.day_on BETWEEN %(first_day)s AND %(last_day)s
            AND c.is_discrepant = 0
        UNION ALL
        SELECT
            f.pool_id,
            f.day_on,
            f.bucket_at,
            IF(f.method = 'history', 3, 4)
        FROM pricing_snapshots_interpolated AS f
        WHERE
            f.client_id = %(client_id)s AND f.day_on BETWEEN %(first_day)s AND %(last_day)s
    ) AS k
    GROUP BY k.pool_id, k.day_on, k.bucket_at
) AS b
GROUP BY b.pool_id, b.day_on
ORDER BY b.pool_id ASC, b.day_on ASC
LIMIT %(limit)s

-- list_series_starts --
-- The pools that a client knows, in its own words, and where its view of each begins. Indexes:
-- pool_prices_pk, pricing_snapshots_clean_series_idx.
SELECT
    v.pool_id AS pool_number,
    CONCAT(p.instance_type, '.', v.az) AS pool_id,
    (
        SELECT c.bucket_at
        FROM pricing_snapshots_clean AS c
        WHERE c.client_id = v.client_id AND c.pool_id = v.pool_id
        ORDER BY c.day_on ASC, c.bucket_at ASC
        LIMIT 1
    ) AS own_start_at,
    (
        SELECT c.bucket_at
        FROM pricing_snapshots_clean AS c
        WHERE c.client_id IS NULL AND c.pool_id = v.pool_id AND c.is_discrepant = 0
        ORDER BY c.day_on ASC, c.bucket_at ASC
        LIMIT 1
    ) AS agreed_start_at
FROM pool_prices AS v
INNER JOIN spot_pools AS p ON p.id = v.pool_id
WHERE v.client_id = %(client_id)s
ORDER BY v.pool_id ASC
LIMIT %(limit)s
