-- list_buckets --
-- The least and the greatest price of one pool in each slot of a span, USD per hour: the client's
-- own points (is_own 1), and what several clients agree on. Index: pricing_snapshots_clean_pk.
SELECT
    FLOOR(TIMESTAMPDIFF(SECOND, %(since)s, c.bucket_at) / %(slot_seconds)s) AS slot,
    c.scope = %(client_id)s AS is_own,
    MIN(c.price_usd_per_hour) AS least_usd_per_hour,
    MAX(c.price_usd_per_hour) AS greatest_usd_per_hour,
    MAX(c.is_discrepant) AS is_discrepant
FROM pricing_snapshots_clean AS c
WHERE
    c.pool_id = %(pool_number)s
    AND c.bucket_at >= %(since)s
    AND c.bucket_at < %(until)s
    AND c.scope IN ('', %(client_id)s)
GROUP BY slot, is_own
ORDER BY slot ASC, is_own ASC
LIMIT 4000

-- list_filled --
-- The least and the greatest price that was filled in for a gap of one pool in each slot of a span,
-- USD per hour. Index: pricing_snapshots_interpolated_pk.
SELECT
    FLOOR(TIMESTAMPDIFF(SECOND, %(since)s, f.bucket_at) / %(slot_seconds)s) AS slot,
    MIN(f.price_usd_per_hour) AS least_usd_per_hour,
    MAX(f.price_usd_per_hour) AS greatest_usd_per_hour
FROM pricing_snapshots_interpolated AS f
WHERE
    f.client_id = %(client_id)s
    AND f.pool_id = %(pool_number)s
    AND f.day_on BETWEEN DATE(%(since)s) AND DATE(%(until)s)
    AND f.bucket_at >= %(since)s
    AND f.bucket_at < %(until)s
GROUP BY slot
ORDER BY slot ASC
LIMIT 2000
