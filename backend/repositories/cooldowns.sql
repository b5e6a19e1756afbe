-- record_trouble --
-- Something went wrong with a pool; a repeat of the same trouble is the same row. Index:
-- pool_cooldowns_source_uq.
INSERT INTO pool_cooldowns (client_id, pool_id, reason, source_key, occurred_at, ends_at)
VALUES (
    %(client_id)s, %(pool_id)s, %(reason)s, %(source_key)s, %(occurred_at)s, %(ends_at)s
)
ON DUPLICATE KEY UPDATE ends_at = GREATEST(pool_cooldowns.ends_at, VALUES(ends_at))

-- list_cooling_pools --
-- Pools that rest for a client: after its own trouble, and after an interruption that two other
-- clients met. Index: pool_cooldowns_ends_idx.
SELECT
    c.pool_id,
    COALESCE(
        MAX(CASE WHEN c.client_id = %(client_id)s THEN c.ends_at END), MAX(c.ends_at)
    ) AS ends_at
FROM pool_cooldowns AS c
WHERE c.ends_at > %(now)s AND c.occurred_at <= %(now)s
GROUP BY c.pool_id
HAVING
    SUM(c.client_id = %(client_id)s) > 0
    OR COUNT(DISTINCT CASE WHEN c.reason = 'interruption' THEN c.client_id END) >= 2
ORDER BY c.pool_id ASC
LIMIT 10000

-- find_pool --
-- The pool that a client means by type and zone, the one it heard of last. Index: pool_prices_pk.
SELECT v.pool_id
FROM pool_prices AS v
INNER JOIN spot_pools AS p ON p.id = v.pool_id
WHERE
    v.client_id = %(client_id)s
    AND v.az = %(az)s
    AND p.instance_type = %(instance_type)s
ORDER BY v.reported_at DESC, v.pool_id ASC
LIMIT 1
