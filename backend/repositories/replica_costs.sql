-- log_costs --
-- What replicas cost within some UTC hours, once more for hours that are in the books: seconds from
-- launch to promotion or end; the hour's mean price, of the client's own clean points or else of what
-- others agree on; on-demand the newest price by then. A price that is not known for that hour is
-- the one at the launch, or the pool's last, and the row is estimated; no price at all is no cost.
-- Indexes: replica_instances_pk, pricing_snapshots_clean_pk, pool_prices_pk,
-- ondemand_price_snapshots_pk.
INSERT INTO replica_cost_log (
    replica_id, hour_at, client_id, agent_id, instance_id, seconds, price_usd_per_hour, cost_usd,
    is_estimated, updated_at
)
SELECT
    p.replica_id,
    p.hour_at,
    p.client_id,
    p.agent_id,
    p.instance_id,
    p.seconds,
    COALESCE(p.known_price, p.assumed_price),
    ROUND(COALESCE(p.known_price, p.assumed_price) * p.seconds / 3600, 8),
    p.known_price IS NULL,
    %(now)s
FROM (
    SELECT
        s.replica_id,
        s.hour_at,
        s.client_id,
        s.agent_id,
        s.instance_id,
        s.seconds,
        CASE
            WHEN s.mode = 'ondemand' THEN (
                SELECT o.price_usd_per_hour
                FROM ondemand_price_snapshots AS o
                WHERE
                    o.client_id = s.client_id
                    AND o.region = s.region
                    AND o.instance_type = s.instance_type
                    AND o.bucket_at < s.hour_at + INTERVAL 1 HOUR
                ORDER BY o.bucket_at DESC
                LIMIT 1
            )
            ELSE COALESCE(
                (
                    SELECT AVG(c.price_usd_per_hour)
                    FROM pricing_snapshots_clean AS c
                    WHERE
                        c.pool_id = s.pool_id
                        AND c.scope = s.client_id
                        AND c.bucket_at >= s.hour_at
                        AND c.bucket_at < s.hour_at + INTERVAL 1 HOUR
                ),
                (
                    SELECT AVG(c.price_usd_per_hour)
                    FROM pricing_snapshots_clean AS c
                    WHERE
                        c.pool_id = s.pool_id
                        AND c.scope = ''
                        AND c.is_discrepant = 0
                        AND c.bucket_at >= s.hour_at
                        AND c.bucket_at < s.hour_at + INTERVAL 1 HOUR
                )
            )
        END AS known_price,
        COALESCE(
            s.price_usd_per_hour,
            (
                SELECT v.price_usd_per_hour
                FROM pool_prices AS v
                WHERE v.client_id = s.client_id AND v.pool_id = s.pool_id AND s.mode = 'spot'
            )
        ) AS assumed_price
    FROM (
        SELECT
            r.id AS replica_id,
            h.hour_at,
            r.client_id,
            r.agent_id,
            r.instance_id,
            r.mode,
            r.region,
            r.instance_type,
            r.price_usd_per_hour,
            LEAST(
                3600,
                TIMESTAMPDIFF(
                    SECOND,
                    GREATEST(r.launched_at, h.hour_at),
                    LEAST(
                        COALESCE(r.promoted_at, r.ended_at, %(now)s), h.hour_at + INTERVAL 1 HOUR
                    )
                )
            ) AS seconds,
            (
                SELECT v.pool_id
                FROM pool_prices AS v
                INNER JOIN spot_pools AS w ON w.id = v.pool_id
                WHERE
                    v.client_id = r.client_id
                    AND v.az = r.az
                    AND w.region = r.region
                    AND w.instance_type = r.instance_type
                ORDER BY v.reported_at DESC, v.pool_id ASC
                LIMIT 1
            ) AS pool_id
        FROM replica_instances AS r
        INNER JOIN (
            SELECT CAST(j.hour_text AS DATETIME(3)) AS hour_at
            FROM JSON_TABLE(
                %(hours)s, '$[*]' COLUMNS (
                    hour_text VARCHAR(23) CHARACTER SET utf8mb4 PATH '$'
                )
            ) AS j
        ) AS h
            ON
                r.launched_at < h.hour_at + INTERVAL 1 HOUR
                AND COALESCE(r.promoted_at, r.ended_at, %(now)s) > h.hour_at
        WHERE
            r.instance_id IS NOT NULL
            AND r.launched_at < %(now)s
    ) AS s
    WHERE s.seconds > 0
) AS p
ON DUPLICATE KEY UPDATE
    updated_at = VALUES(updated_at),
    instance_id = VALUES(instance_id),
    seconds = VALUES(seconds),
    price_usd_per_hour = VALUES(price_usd_per_hour),
    cost_usd = VALUES(cost_usd),
    is_estimated = VALUES(is_estimated)

-- list_estimated_hours --
-- Hours whose price was not known for every replica, oldest first. Index: replica_cost_log_pk.
SELECT DISTINCT l.hour_at
FROM replica_cost_log AS l
WHERE l.is_estimated = 1 AND l.hour_at >= %(since)s
ORDER BY l.hour_at ASC
LIMIT 1000
