-- refresh_pool_reliability --
-- Refresh reliability and risk of all pools in use, 500 in a transaction. See the procedure.
CALL refresh_pool_reliability(%(now)s, 500, @spot_optimizer_row_count)

-- read_row_count --
-- The answer of the call before, on the same connection.
SELECT @spot_optimizer_row_count AS row_count

-- list_pool_options --
-- The pools of some instance types in one region that a client knows: its own last price, what
-- others agreed on last (USD per hour), and the newest risk, which is the chance of a loss within an
-- hour. Indexes: pool_prices_pk, pricing_snapshots_clean_series_idx, pool_risk_analysis_pk.
SELECT
    v.pool_id AS pool_number,
    p.region,
    p.instance_type,
    v.az,
    v.price_usd_per_hour,
    v.observed_at,
    (
        SELECT c.bucket_at
        FROM pricing_snapshots_clean AS c
        WHERE c.client_id IS NULL AND c.pool_id = v.pool_id AND c.is_discrepant = 0
        ORDER BY c.day_on DESC, c.bucket_at DESC
        LIMIT 1
    ) AS agreed_at,
    (
        SELECT c.price_usd_per_hour
        FROM pricing_snapshots_clean AS c
        WHERE c.client_id IS NULL AND c.pool_id = v.pool_id AND c.is_discrepant = 0
        ORDER BY c.day_on DESC, c.bucket_at DESC
        LIMIT 1
    ) AS agreed_price_usd_per_hour,
    r.last_loss_at,
    r.decayed_loss_count,
    r.decayed_capacity_error_count,
    r.volatility_ratio,
    r.computed_at
FROM pool_prices AS v
INNER JOIN spot_pools AS p ON p.id = v.pool_id
INNER JOIN JSON_TABLE(
    %(instance_types)s, '$[*]' COLUMNS (
        instance_type VARCHAR(64) CHARACTER SET utf8mb4 PATH '$'
    )
) AS w ON w.instance_type COLLATE utf8mb4_bin = p.instance_type
LEFT JOIN pool_risk_current AS r
    ON r.client_id = v.client_id AND r.pool_number = v.pool_id
WHERE v.client_id = %(client_id)s AND p.region = %(region)s
ORDER BY v.reported_at DESC, v.pool_id ASC
LIMIT 500

-- find_ondemand_price --
-- The newest on-demand price of a type in a region that a client reported, USD per hour. Index:
-- ondemand_price_snapshots_pk.
SELECT o.price_usd_per_hour
FROM ondemand_price_snapshots AS o
WHERE
    o.client_id = %(client_id)s
    AND o.region = %(region)s
    AND o.instance_type = %(instance_type)s
ORDER BY o.bucket_at DESC
LIMIT 1

-- list_current_risk --
-- The newest risk of a client's pools, riskiest first. Index: pool_risk_analysis_pk.
SELECT
    r.pool_id,
    r.pool_number,
    r.region,
    r.computed_at,
    r.risk_score,
    r.recommendation,
    r.loss_count,
    r.last_loss_at,
    r.price_usd_per_hour,
    r.ondemand_price_usd_per_hour,
    r.volatility_ratio
FROM pool_risk_current AS r
WHERE r.client_id = %(client_id)s AND r.computed_at > %(since)s
ORDER BY r.risk_score DESC, r.pool_number ASC
LIMIT %(limit)s

-- list_reliability --
-- A client's days with one pool, newest first; prices in USD per hour. Index:
-- pool_reliability_metrics_pk.
SELECT
    m.period_start,
    m.period_end,
    m.loss_count,
    m.rebalance_count,
    m.capacity_error_count,
    m.point_count,
    m.average_price_usd_per_hour,
    m.lowest_price_usd_per_hour,
    m.highest_price_usd_per_hour,
    m.volatility_ratio,
    m.computed_at
FROM pool_reliability_metrics AS m
WHERE m.client_id = %(client_id)s AND m.pool_id = %(pool_id)s
ORDER BY m.period_start DESC
LIMIT %(limit)s
