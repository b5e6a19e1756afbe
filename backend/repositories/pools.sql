-- insert_pools --
-- Make sure that pools exist; known ones are left alone. Index: spot_pools_natural_uq.
INSERT IGNORE INTO spot_pools (client_id, region, zone, instance_type, created_at)
SELECT
    NULLIF(p.owner, ''),
    p.region,
    p.zone,
    p.instance_type,
    %(now)s
FROM JSON_TABLE(
    %(pools)s, '$[*]' COLUMNS (
        owner VARCHAR(36) CHARACTER SET utf8mb4 PATH '$.owner',
        region VARCHAR(32) CHARACTER SET utf8mb4 PATH '$.region',
        zone VARCHAR(48) CHARACTER SET utf8mb4 PATH '$.zone',
        instance_type VARCHAR(64) CHARACTER SET utf8mb4 PATH '$.type'
    )
) AS p

-- find_pools --
-- The ids of pools by their natural keys. Index: spot_pools_natural_uq.
SELECT
    s.id,
    s.owner,
    s.region,
    s.zone,
    s.instance_type
FROM JSON_TABLE(
    %(pools)s, '$[*]' COLUMNS (
        owner VARCHAR(36) CHARACTER SET utf8mb4 PATH '$.owner',
        region VARCHAR(32) CHARACTER SET utf8mb4 PATH '$.region',
        zone VARCHAR(48) CHARACTER SET utf8mb4 PATH '$.zone',
        instance_type VARCHAR(64) CHARACTER SET utf8mb4 PATH '$.type'
    )
) AS p
INNER JOIN spot_pools AS s
    ON
        s.owner = p.owner COLLATE utf8mb4_bin
        AND s.region = p.region COLLATE utf8mb4_bin
        AND s.zone = p.zone COLLATE utf8mb4_bin
        AND s.instance_type = p.instance_type COLLATE utf8mb4_bin
ORDER BY s.id ASC
LIMIT 1000

-- list_fresh_prices --
-- What a client last saw of the pools of one instance type in one region, cheapest first; prices
-- in USD per hour. Index: pool_prices_pk.
SELECT
    s.instance_type,
    p.az,
    p.price_usd_per_hour,
    p.observed_at
FROM pool_prices AS p
INNER JOIN spot_pools AS s ON s.id = p.pool_id
WHERE
    p.client_id = %(client_id)s
    AND s.region = %(region)s
    AND s.instance_type = %(instance_type)s
    AND p.observed_at >= %(since)s
ORDER BY p.price_usd_per_hour ASC, p.az ASC
LIMIT 50
