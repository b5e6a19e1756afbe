-- The newest risk of each pool that a client knows, in the client's own words. risk_score is the
-- chance of losing an instance there within an hour. The reader says how old it may be.
-- Read by: backend/repositories/pool_reliability.sql,
-- backend/repositories/pool_statistics.sql.
CREATE VIEW pool_risk_current AS
SELECT
    r.client_id,
    r.pool_id AS pool_number,
    CONCAT(p.instance_type, '.', v.az) AS pool_id,
    p.region,
    v.az,
    p.zone,
    p.instance_type,
    r.computed_at,
    r.loss_count,
    r.decayed_loss_count,
    r.last_loss_at,
    r.decayed_capacity_error_count,
    r.price_usd_per_hour,
    r.ondemand_price_usd_per_hour,
    r.volatility_ratio,
    r.risk_score,
    r.recommendation
FROM pool_risk_analysis AS r
INNER JOIN pool_prices AS v ON v.client_id = r.client_id AND v.pool_id = r.pool_id
INNER JOIN spot_pools AS p ON p.id = r.pool_id
WHERE
    r.analysed_at = (
        SELECT MAX(n.analysed_at)
        FROM pool_risk_analysis AS n
        WHERE n.client_id = r.client_id AND n.pool_id = r.pool_id
    )
