-- list_instances --
-- A page of instances, the youngest first, chosen before anything else is joined. client_id NULL
-- lists every tenant's (operators). An instance is active until it has ended or its agent is
-- deleted. Indexes: instances_client_idx, agents_pk.
SELECT
    i.agent_id,
    i.instance_id,
    i.client_id,
    c.name AS client_name,
    a.logical_agent_id,
    a.status AS agent_status,
    i.role,
    i.role <> 'terminated' AND a.status <> 'deleted' AS is_active,
    i.mode,
    i.instance_type,
    i.region,
    i.az,
    i.spot_price_usd_per_hour,
    i.ondemand_price_usd_per_hour,
    i.launched_at,
    i.first_seen_at,
    i.last_seen_at,
    i.terminated_at,
    page.began_at,
    (
        SELECT MAX(COALESCE(s.cut_over_at, s.ended_at))
        FROM switches AS s FORCE INDEX (switches_new_instance_idx)
        WHERE
            s.agent_id = i.agent_id
            AND s.new_instance_id = i.instance_id
            AND s.status = 'completed'
    ) AS last_switch_at
FROM (
    SELECT
        n.agent_id,
        n.instance_id,
        COALESCE(n.launched_at, n.first_seen_at, n.role_changed_at) AS began_at
    FROM instances AS n
    INNER JOIN agents AS b ON b.id = n.agent_id
    INNER JOIN clients AS d ON d.id = n.client_id
    WHERE
        (%(client_id)s IS NULL OR n.client_id = %(client_id)s)
        AND (
            %(is_active)s IS NULL
            OR (n.role <> 'terminated' AND b.status <> 'deleted') = %(is_active)s
        )
        AND (%(mode)s IS NULL OR n.mode = %(mode)s)
        AND (%(region)s IS NULL OR n.region = %(region)s)
        AND (
            %(pattern)s IS NULL
            OR n.instance_id LIKE %(pattern)s ESCAPE '!'
            OR n.instance_type LIKE %(pattern)s ESCAPE '!'
            OR (
                %(search_names)s = 1
                AND (
                    LOWER(b.logical_agent_id) LIKE %(pattern)s ESCAPE '!'
                    OR LOWER(d.name) LIKE %(pattern)s ESCAPE '!'
                )
            )
        )
    ORDER BY began_at DESC, n.instance_id ASC, n.agent_id ASC
    LIMIT %(limit)s OFFSET %(offset)s
) AS page
INNER JOIN instances AS i ON i.agent_id = page.agent_id AND i.instance_id = page.instance_id
INNER JOIN agents AS a ON a.id = i.agent_id
INNER JOIN clients AS c ON c.id = i.client_id
ORDER BY page.began_at DESC, i.instance_id ASC, i.agent_id ASC

-- count_instances --
-- How many instances list_instances would list in all. Indexes: as there.
SELECT COUNT(*) AS instance_count
FROM instances AS n
INNER JOIN agents AS b ON b.id = n.agent_id
INNER JOIN clients AS d ON d.id = n.client_id
WHERE
    (%(client_id)s IS NULL OR n.client_id = %(client_id)s)
    AND (
        %(is_active)s IS NULL
        OR (n.role <> 'terminated' AND b.status <> 'deleted') = %(is_active)s
    )
    AND (%(mode)s IS NULL OR n.mode = %(mode)s)
    AND (%(region)s IS NULL OR n.region = %(region)s)
    AND (
        %(pattern)s IS NULL
        OR n.instance_id LIKE %(pattern)s ESCAPE '!'
        OR n.instance_type LIKE %(pattern)s ESCAPE '!'
        OR (
            %(search_names)s = 1
            AND (
                LOWER(b.logical_agent_id) LIKE %(pattern)s ESCAPE '!'
                OR LOWER(d.name) LIKE %(pattern)s ESCAPE '!'
            )
        )
    )

-- find_instance --
-- One instance of one agent with its prices. Index: instances_pk.
SELECT
    i.agent_id,
    i.instance_id,
    i.client_id,
    i.role,
    i.mode,
    i.instance_type,
    i.region,
    i.az,
    i.spot_price_usd_per_hour,
    i.ondemand_price_usd_per_hour,
    i.prices_at,
    i.launched_at,
    i.first_seen_at,
    i.last_seen_at,
    i.terminated_at
FROM instances AS i
WHERE
    i.agent_id = %(agent_id)s
    AND i.instance_id = %(instance_id)s

-- count_switches_to --
-- How often this instance became the primary by a switch, and when last. Index:
-- switches_new_instance_idx.
SELECT
    COUNT(*) AS total,
    COALESCE(SUM(s.ended_at >= %(since_week)s), 0) AS last_7_days,
    COALESCE(SUM(s.ended_at >= %(since_month)s), 0) AS last_30_days,
    MAX(COALESCE(s.cut_over_at, s.ended_at)) AS last_at
FROM switches AS s
WHERE
    s.agent_id = %(agent_id)s
    AND s.new_instance_id = %(instance_id)s
    AND s.status = 'completed'

-- list_events --
-- What happened to one instance, newest first. Index: system_events_agent_idx.
SELECT
    e.id,
    e.event_type,
    e.severity,
    e.message,
    e.created_at
FROM system_events AS e
WHERE
    e.agent_id = %(agent_id)s
    AND e.instance_id = %(instance_id)s
    AND e.client_id = %(client_id)s
ORDER BY e.created_at DESC, e.id DESC
LIMIT %(limit)s
