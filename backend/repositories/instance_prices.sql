-- list_pools --
-- The pools of one type in one region that a client knows, cheapest first; what it saw last, USD
-- per hour. Index: pool_prices_pk.
SELECT
    p.pool_id AS pool_number,
    p.az,
    s.instance_type,
    p.price_usd_per_hour,
    p.observed_at
FROM pool_prices AS p
INNER JOIN spot_pools AS s ON s.id = p.pool_id
WHERE
    p.client_id = %(client_id)s
    AND s.region = %(region)s
    AND s.instance_type = %(instance_type)s
ORDER BY p.price_usd_per_hour ASC, p.az ASC, p.pool_id ASC
LIMIT 50

-- list_types --
-- The instance types of one family in one region that a client has prices of. Index:
-- pool_prices_pk.
SELECT DISTINCT s.instance_type
FROM pool_prices AS p
INNER JOIN spot_pools AS s ON s.id = p.pool_id
WHERE
    p.client_id = %(client_id)s
    AND s.region = %(region)s
    AND s.instance_type LIKE %(pattern)s ESCAPE '!'
ORDER BY s.instance_type ASC
LIMIT 100

-- list_spot_buckets --
-- What a client saw of one pool, as the mean of each hour or day, ascending, USD per hour: its own
-- clean points, else what other clients agree on. Index: pricing_snapshots_clean_series_idx.
SELECT
    TIMESTAMPADD(
        SECOND, %(bucket_seconds)s * b.slot, CAST(%(since)s AS DATETIME(3))
    ) AS began_at,
    SUM(b.price_sum) / SUM(b.point_count) AS price_usd_per_hour
FROM (
    SELECT
        FLOOR(TIMESTAMPDIFF(SECOND, %(since)s, o.bucket_at) / %(bucket_seconds)s) AS slot,
        SUM(o.price_usd_per_hour) AS price_sum,
        COUNT(*) AS point_count
    FROM pricing_snapshots_clean AS o
    WHERE
        o.client_id = %(client_id)s
        AND o.pool_id = %(pool_number)s
        AND o.day_on BETWEEN DATE(%(since)s) AND DATE(%(until)s)
        AND o.bucket_at >= %(since)s
        AND o.bucket_at < %(until)s
    GROUP BY slot
    UNION ALL
    SELECT
        FLOOR(TIMESTAMPDIFF(SECOND, %(since)s, g.bucket_at) / %(bucket_seconds)s) AS slot,
        SUM(g.price_usd_per_hour) AS price_sum,
        COUNT(*) AS point_count
    FROM pricing_snapshots_clean AS g
    WHERE
        g.client_id IS NULL
        AND g.pool_id = %(pool_number)s
        AND g.day_on BETWEEN DATE(%(since)s) AND DATE(%(until)s)
        AND g.bucket_at >= %(since)s
        AND g.bucket_at < %(until)s
        AND g.is_discrepant = 0
        AND NOT EXISTS (
            SELECT 1
            FROM pricing_snapshots_clean AS e
            WHERE
                e.pool_id = g.pool_id
                AND e.bucket_at = g.bucket_at
                AND e.scope = %(client_id)s
        )
    GROUP BY slot
) AS b
GROUP BY b.slot
ORDER BY b.slot ASC
LIMIT 2500

-- list_ondemand_buckets --
-- What one type cost a client on demand, as the mean of each hour or day, ascending, USD per hour.
-- Index: ondemand_price_snapshots_pk.
SELECT
    b.began_at,
    AVG(b.price_usd_per_hour) AS price_usd_per_hour
FROM (
    SELECT
        TIMESTAMPADD(
            SECOND,
            %(bucket_seconds)s * FLOOR(
                TIMESTAMPDIFF(SECOND, %(since)s, o.bucket_at) / %(bucket_seconds)s
            ),
            CAST(%(since)s AS DATETIME(3))
        ) AS began_at,
        o.price_usd_per_hour
    FROM ondemand_price_snapshots AS o
    WHERE
        o.client_id = %(client_id)s
        AND o.region = %(region)s
        AND o.instance_type = %(instance_type)s
        AND o.bucket_at >= %(since)s
        AND o.bucket_at < %(until)s
) AS b
GROUP BY b.began_at
ORDER BY b.began_at ASC
LIMIT 2500

-- find_ondemand_price --
-- The newest on-demand price of a type that a client reported before an instant, USD per hour.
-- Index: ondemand_price_snapshots_pk.
SELECT o.price_usd_per_hour
FROM ondemand_price_snapshots AS o
WHERE
    o.client_id = %(client_id)s
    AND o.region = %(region)s
    AND o.instance_type = %(instance_type)s
    AND o.bucket_at < %(until)s
ORDER BY o.bucket_at DESC
LIMIT 1
