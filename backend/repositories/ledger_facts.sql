-- list_agents --
-- Agents that may have cost something in [since, until), in portions by id. Index: agents_pk.
SELECT a.id
FROM agents AS a
WHERE
    a.id > %(after)s
    AND a.created_at < %(until)s
    AND (a.deleted_at IS NULL OR a.deleted_at > %(since)s)
ORDER BY a.id ASC
LIMIT %(limit)s

-- find_first_agent --
-- When the oldest agent was made.
SELECT MIN(a.created_at) AS created_at
FROM agents AS a

-- list_stays --
-- Instances of some agents that EC2 may have run in [since, until), those that never registered
-- included. Where nobody said when one was launched, what it costs counts from when it was first
-- heard. agent_heard_at: when any instance of the agent was heard last; has_inventory: its primary is
-- an agent of ours, which tells what has vanished. The order of the joins is given: the ids that are
-- asked for come first. Indexes: agents_pk, instances_pk, instances_primary_uq,
-- replica_instances_instance_uq, replica_instances_agent_idx.
SELECT
    s.agent_id,
    s.client_id,
    s.primary_instance_id,
    s.instance_id,
    s.role_changed_at,
    s.mode,
    s.instance_type,
    s.region,
    s.az,
    s.is_replica,
    s.is_launch_known,
    s.began_at,
    s.last_seen_at,
    s.ended_at,
    (
        SELECT MAX(n.last_seen_at)
        FROM instances AS n FORCE INDEX (PRIMARY)
        WHERE n.agent_id = s.agent_id
    ) AS agent_heard_at,
    COALESCE(p.protocol >= 5, 0) AS has_inventory
FROM (
    SELECT
        a.id AS agent_id,
        a.client_id,
        a.primary_instance_id,
        i.instance_id,
        i.role_changed_at,
        i.mode,
        i.instance_type,
        i.region,
        i.az,
        r.id IS NOT NULL AS is_replica,
        COALESCE(i.launched_at, r.launched_at) IS NOT NULL AS is_launch_known,
        COALESCE(i.launched_at, r.launched_at, i.first_seen_at, i.role_changed_at) AS began_at,
        i.last_seen_at,
        CASE
            WHEN i.terminated_at IS NOT NULL THEN i.terminated_at
            WHEN i.role = 'terminated' THEN i.role_changed_at
            ELSE a.deleted_at
        END AS ended_at
    FROM JSON_TABLE(
        %(agents)s, '$[*]' COLUMNS (agent_id VARCHAR(36) CHARACTER SET utf8mb4 PATH '$')
    ) AS j
    STRAIGHT_JOIN agents AS a ON a.id = j.agent_id COLLATE utf8mb4_bin
    STRAIGHT_JOIN instances AS i FORCE INDEX (PRIMARY) ON i.agent_id = a.id
    LEFT JOIN replica_instances AS r
        ON r.agent_id = i.agent_id AND r.instance_id = i.instance_id
    UNION ALL
    SELECT
        a.id AS agent_id,
        a.client_id,
        a.primary_instance_id,
        r.instance_id,
        r.created_at AS role_changed_at,
        r.mode,
        r.instance_type,
        r.region,
        COALESCE(r.az, 'unknown') AS az,
        1 AS is_replica,
        r.launched_at IS NOT NULL AS is_launch_known,
        COALESCE(r.launched_at, r.created_at) AS began_at,
        NULL AS last_seen_at,
        COALESCE(r.ended_at, a.deleted_at) AS ended_at
    FROM JSON_TABLE(
        %(agents)s, '$[*]' COLUMNS (agent_id VARCHAR(36) CHARACTER SET utf8mb4 PATH '$')
    ) AS j
    STRAIGHT_JOIN agents AS a ON a.id = j.agent_id COLLATE utf8mb4_bin
    STRAIGHT_JOIN replica_instances AS r FORCE INDEX (replica_instances_agent_idx)
        ON r.agent_id = a.id
    LEFT JOIN instances AS i ON i.agent_id = r.agent_id AND i.instance_id = r.instance_id
    WHERE r.instance_id IS NOT NULL AND i.instance_id IS NULL
) AS s
LEFT JOIN instances AS p FORCE INDEX (instances_primary_uq) ON p.primary_slot = s.agent_id
WHERE
    s.began_at < %(until)s
    AND (s.ended_at IS NULL OR s.ended_at > %(since)s)
ORDER BY s.agent_id ASC, s.instance_id ASC
LIMIT 100000

-- list_takeovers --
-- Replacements of these agents' primaries since an instant: at the moment of a promotion, whatever
-- became of its traffic, else when the traffic moved. One may be told twice. Indexes:
-- switches_agent_idx, replica_instances_agent_idx, switches_new_instance_idx.
SELECT
    t.agent_id,
    t.old_instance_id,
    t.new_instance_id,
    t.moved_at
FROM (
    SELECT
        s.agent_id,
        s.old_instance_id,
        s.new_instance_id,
        CASE
            WHEN s.reason = 'promotion' THEN COALESCE(s.ready_at, s.cut_over_at)
            ELSE COALESCE(s.cut_over_at, s.ready_at, s.ended_at)
        END AS moved_at
    FROM JSON_TABLE(
        %(agents)s, '$[*]' COLUMNS (agent_id VARCHAR(36) CHARACTER SET utf8mb4 PATH '$')
    ) AS j
    STRAIGHT_JOIN switches AS s ON s.agent_id = j.agent_id COLLATE utf8mb4_bin
    WHERE
        s.new_instance_id IS NOT NULL
        AND s.requested_at > %(since)s - INTERVAL 2 DAY
        AND (
            s.status = 'completed'
            OR s.cut_over_at IS NOT NULL
            OR s.reason IN ('promotion', 'adopted')
        )
    UNION ALL
    SELECT
        r.agent_id,
        s.old_instance_id,
        r.instance_id AS new_instance_id,
        r.promoted_at AS moved_at
    FROM JSON_TABLE(
        %(agents)s, '$[*]' COLUMNS (agent_id VARCHAR(36) CHARACTER SET utf8mb4 PATH '$')
    ) AS j
    STRAIGHT_JOIN replica_instances AS r FORCE INDEX (replica_instances_agent_idx)
        ON r.agent_id = j.agent_id COLLATE utf8mb4_bin
    INNER JOIN switches AS s
        ON s.agent_id = r.agent_id AND s.new_instance_id = r.instance_id
    WHERE r.promoted_at > %(since)s
) AS t
WHERE t.moved_at > %(since)s
ORDER BY t.agent_id ASC, t.moved_at ASC, t.new_instance_id ASC
LIMIT 100000

-- list_ends --
-- What EC2 announced about instances of these agents, and which were found gone. Index:
-- spot_interruption_events_notice_uq.
SELECT
    e.agent_id,
    e.instance_id,
    e.signal_type,
    MIN(e.noticed_at) AS noticed_at,
    MIN(e.deadline_at) AS deadline_at
FROM JSON_TABLE(
    %(agents)s, '$[*]' COLUMNS (agent_id VARCHAR(36) CHARACTER SET utf8mb4 PATH '$')
) AS j
STRAIGHT_JOIN spot_interruption_events AS e ON e.agent_id = j.agent_id COLLATE utf8mb4_bin
WHERE
    e.is_drill = 0
    AND (
        (e.signal_type = 'termination-notice' AND COALESCE(e.finding, 'unknown') <> 'running')
        OR (e.signal_type = 'loss' AND e.finding IN ('stopped', 'terminated', 'missing'))
    )
GROUP BY e.agent_id, e.instance_id, e.signal_type
ORDER BY e.agent_id ASC, e.instance_id ASC, e.signal_type ASC
LIMIT 100000

-- find_pools --
-- The pool behind a client's own words for it. Indexes: pool_prices_pk, spot_pools_pk.
SELECT
    j.place,
    MAX(v.pool_id) AS pool_id
FROM JSON_TABLE(
    %(pools)s, '$[*]' COLUMNS (
        place INT PATH '$.n',
        client_id VARCHAR(36) CHARACTER SET utf8mb4 PATH '$.c',
        region VARCHAR(32) CHARACTER SET utf8mb4 PATH '$.r',
        instance_type VARCHAR(64) CHARACTER SET utf8mb4 PATH '$.t',
        az VARCHAR(48) CHARACTER SET utf8mb4 PATH '$.z'
    )
) AS j
INNER JOIN pool_prices AS v
    ON v.client_id = j.client_id COLLATE utf8mb4_bin AND v.az = j.az COLLATE utf8mb4_bin
INNER JOIN spot_pools AS w
    ON
        w.id = v.pool_id
        AND w.region = j.region COLLATE utf8mb4_bin
        AND w.instance_type = j.instance_type COLLATE utf8mb4_bin
GROUP BY j.place
ORDER BY j.place ASC
LIMIT 100000

-- list_spot_points --
-- Prices of pools as a client sees them: its own clean points, where it has none what others agree
-- on, else what was filled in. rank_no orders them where they speak of one instant. Indexes:
-- pricing_snapshots_clean_pk, pricing_snapshots_interpolated_pk.
SELECT
    p.place,
    p.bucket_at,
    p.price_usd_per_hour,
    p.is_estimated
FROM (
    SELECT
        j.place,
        c.bucket_at,
        c.price_usd_per_hour,
        0 AS is_estimated,
        IF(c.scope = '', 1, 2) AS rank_no
    FROM JSON_TABLE(
        %(pools)s, '$[*]' COLUMNS (
            place INT PATH '$.n',
            client_id VARCHAR(36) CHARACTER SET utf8mb4 PATH '$.c',
            pool_id BIGINT PATH '$.p'
        )
    ) AS j
    STRAIGHT_JOIN pricing_snapshots_clean AS c
        ON
            c.pool_id = j.pool_id
            AND c.bucket_at >= %(since)s
            AND c.bucket_at < %(until)s
            AND (
                c.scope = j.client_id COLLATE utf8mb4_bin
                OR (c.scope = '' AND c.is_discrepant = 0)
            )
    UNION ALL
    SELECT
        j.place,
        f.bucket_at,
        f.price_usd_per_hour,
        f.method = 'linear' AS is_estimated,
        0 AS rank_no
    FROM JSON_TABLE(
        %(pools)s, '$[*]' COLUMNS (
            place INT PATH '$.n',
            client_id VARCHAR(36) CHARACTER SET utf8mb4 PATH '$.c',
            pool_id BIGINT PATH '$.p'
        )
    ) AS j
    STRAIGHT_JOIN pricing_snapshots_interpolated AS f
        ON
            f.client_id = j.client_id COLLATE utf8mb4_bin
            AND f.pool_id = j.pool_id
            AND f.day_on >= DATE(%(since)s)
            AND f.day_on <= DATE(%(until)s)
            AND f.bucket_at >= %(since)s
            AND f.bucket_at < %(until)s
) AS p
ORDER BY p.place ASC, p.bucket_at ASC, p.rank_no ASC
LIMIT 1000000

-- list_ondemand_points --
-- Prices of types on-demand: the last one before an instant, and those in [since, until). Index:
-- ondemand_price_snapshots_pk.
SELECT
    j.place,
    o.bucket_at,
    o.price_usd_per_hour
FROM JSON_TABLE(
    %(types)s, '$[*]' COLUMNS (
        place INT PATH '$.n',
        client_id VARCHAR(36) CHARACTER SET utf8mb4 PATH '$.c',
        region VARCHAR(32) CHARACTER SET utf8mb4 PATH '$.r',
        instance_type VARCHAR(64) CHARACTER SET utf8mb4 PATH '$.t'
    )
) AS j
STRAIGHT_JOIN ondemand_price_snapshots AS o
    ON
        o.client_id = j.client_id COLLATE utf8mb4_bin
        AND o.region = j.region COLLATE utf8mb4_bin
        AND o.instance_type = j.instance_type COLLATE utf8mb4_bin
WHERE
    o.bucket_at < %(until)s
    AND o.bucket_at >= COALESCE(
        (
            SELECT MAX(b.bucket_at)
            FROM ondemand_price_snapshots AS b
            WHERE
                b.client_id = o.client_id
                AND b.region = o.region
                AND b.instance_type = o.instance_type
                AND b.bucket_at <= %(since)s
        ),
        %(since)s
    )
ORDER BY j.place ASC, o.bucket_at ASC
LIMIT 1000000

-- list_touched --
-- Agents whose past has changed since an instant, and from when on. Indexes: switches_requested_idx,
-- spot_interruption_events_received_idx; instances and replicas are read through.
SELECT
    t.agent_id,
    MIN(t.from_at) AS from_at
FROM (
    SELECT
        i.agent_id,
        LEAST(
            i.role_changed_at,
            COALESCE(i.terminated_at, i.role_changed_at),
            COALESCE(i.launched_at, i.first_seen_at, i.role_changed_at)
        ) AS from_at
    FROM instances AS i
    WHERE i.role_changed_at > %(changed_after)s
    UNION ALL
    SELECT
        s.agent_id,
        LEAST(
            s.ended_at,
            COALESCE(s.launched_at, s.ended_at),
            COALESCE(s.cut_over_at, s.ended_at),
            COALESCE(s.old_terminated_at, s.ended_at)
        ) AS from_at
    FROM switches AS s
    WHERE
        s.requested_at > %(oldest)s
        AND s.ended_at IS NOT NULL
        AND (s.ended_at > %(changed_after)s OR s.reported_at > %(changed_after)s)
    UNION ALL
    SELECT
        e.agent_id,
        e.noticed_at - INTERVAL 1 HOUR AS from_at
    FROM spot_interruption_events AS e
    WHERE e.received_at > %(oldest)s AND (
        e.received_at > %(changed_after)s
        OR e.ended_at > %(changed_after)s
        OR e.verified_at > %(changed_after)s
    )
    UNION ALL
    SELECT
        r.agent_id,
        LEAST(
            COALESCE(r.launched_at, r.created_at),
            COALESCE(r.ended_at, r.created_at)
        ) AS from_at
    FROM replica_instances AS r
    WHERE
        r.created_at > %(oldest)s
        AND (
            r.created_at > %(changed_after)s
            OR r.launched_at > %(changed_after)s
            OR r.ended_at > %(changed_after)s
        )
    UNION ALL
    SELECT
        a.id AS agent_id,
        a.deleted_at AS from_at
    FROM agents AS a
    WHERE a.deleted_at > %(changed_after)s
) AS t
GROUP BY t.agent_id
ORDER BY from_at ASC, t.agent_id ASC
LIMIT 20000
