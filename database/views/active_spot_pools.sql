-- What each client last saw of each pool, with the pool in the client's own words. The reader says
-- how old a price may be and still count.
-- Read by: backend/repositories/status.sql, backend/repositories/pool_statistics.sql.
CREATE VIEW active_spot_pools AS
SELECT
    v.client_id,
    c.name AS client_name,
    v.pool_id AS pool_number,
    CONCAT(p.instance_type, '.', v.az) AS pool_id,
    p.region,
    v.az,
    p.zone,
    p.instance_type,
    v.price_usd_per_hour,
    v.observed_at
FROM pool_prices AS v
INNER JOIN spot_pools AS p ON p.id = v.pool_id
INNER JOIN clients AS c ON c.id = v.client_id
