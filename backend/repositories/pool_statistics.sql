-- list_pools --
-- Pools as each client last saw them, with their newest risk; prices in USD per hour. The page is
-- chosen before the risk is looked up. Indexes: pool_prices_pk, pool_risk_analysis_pk.
SELECT
    page.client_id,
    page.client_name,
    page.pool_number,
    page.pool_id,
    page.region,
    page.az,
    page.instance_type,
    page.price_usd_per_hour,
    page.observed_at,
    r.ondemand_price_usd_per_hour,
    r.risk_score,
    r.recommendation,
    r.loss_count,
    r.last_loss_at,
    r.volatility_ratio,
    r.computed_at
FROM (
    SELECT
        v.client_id,
        v.client_name,
        v.pool_number,
        v.pool_id,
        v.region,
        v.az,
        v.instance_type,
        v.price_usd_per_hour,
        v.observed_at
    FROM active_spot_pools AS v
    WHERE
        v.observed_at >= %(since)s
        AND (%(client_id)s IS NULL OR v.client_id = %(client_id)s)
        AND (%(region)s IS NULL OR v.region = %(region)s)
        AND (%(instance_type)s IS NULL OR v.instance_type = %(instance_type)s)
    ORDER BY v.price_usd_per_hour ASC, v.client_id ASC, v.pool_number ASC
    LIMIT %(limit)s OFFSET %(offset)s
) AS page
LEFT JOIN pool_risk_current AS r
    ON r.client_id = page.client_id AND r.pool_number = page.pool_number
ORDER BY page.price_usd_per_hour ASC, page.client_id ASC, page.pool_number ASC

-- count_pools --
-- How many pools list_pools would list in all, and what they cost. Index: pool_prices_pk.
SELECT
    COUNT(*) AS pool_count,
    COUNT(DISTINCT v.region) AS region_count,
    COUNT(DISTINCT v.instance_type) AS type_count,
    MIN(v.price_usd_per_hour) AS lowest_price,
    MAX(v.price_usd_per_hour) AS highest_price,
    AVG(v.price_usd_per_hour) AS average_price
FROM active_spot_pools AS v
WHERE
    v.observed_at >= %(since)s
    AND (%(client_id)s IS NULL OR v.client_id = %(client_id)s)
    AND (%(region)s IS NULL OR v.region = %(region)s)
    AND (%(instance_type)s IS NULL OR v.instance_type = %(instance_type)s)
