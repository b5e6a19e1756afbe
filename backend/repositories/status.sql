-- count_fleet --
-- The numbers at the top of the page. Indexes: agents_status_idx, commands_lease_idx,
-- switches_open_uq.
SELECT
    (SELECT COUNT(*) FROM clients) AS clients,
    (SELECT COUNT(*) FROM agents WHERE status = 'online') AS agents_online,
    (SELECT COUNT(*) FROM agents WHERE status = 'offline') AS agents_offline,
    (
        SELECT COUNT(*)
        FROM instances
        WHERE role <> 'terminated'
    ) AS instances,
    (SELECT COUNT(*) FROM commands WHERE status IN ('pending', 'leased')) AS open_commands,
    (SELECT COUNT(*) FROM switches WHERE open_slot IS NOT NULL) AS open_switches

-- list_agents --
-- One page of agents that pass the filters, by name unless another order is asked for; 'status' puts
-- the offline first, 'seen' the longest silent, 'price' the dearest. The page is chosen before
-- anything is joined: left to itself the server joins all agents and sorts them. Indexes:
-- agents_logical_uq, instances_pk.
SELECT
    v.agent_id,
    v.client_name,
    v.logical_agent_id,
    v.status,
    v.epoch,
    v.enabled,
    v.primary_instance_id,
    v.identity_conflict_at,
    v.mode,
    v.pool_id,
    v.region,
    v.spot_price_usd_per_hour,
    v.ondemand_price_usd_per_hour,
    v.agent_version,
    v.last_seen_at
FROM (
    SELECT
        a.id,
        CASE %(sort)s
            WHEN 'status' THEN a.status <> 'offline'
            WHEN 'seen' THEN COALESCE(TO_SECONDS(p.last_seen_at), 0)
            WHEN 'price' THEN -COALESCE(
                IF(p.mode = 'spot', p.spot_price_usd_per_hour, p.ondemand_price_usd_per_hour), 0
            )
            ELSE 0
        END AS place
    FROM agents AS a
    INNER JOIN clients AS c ON c.id = a.client_id
    LEFT JOIN instances AS p ON p.agent_id = a.id AND p.instance_id = a.primary_instance_id
    WHERE
        a.status <> 'deleted'
        AND (%(status)s IS NULL OR a.status = %(status)s)
        AND (
            %(pattern)s IS NULL
            OR LOWER(a.logical_agent_id) LIKE %(pattern)s ESCAPE '!'
            OR LOWER(c.name) LIKE %(pattern)s ESCAPE '!'
            OR a.primary_instance_id LIKE %(pattern)s ESCAPE '!'
        )
    ORDER BY place ASC, a.client_id ASC, a.logical_agent_id ASC
    LIMIT %(limit)s OFFSET %(offset)s
) AS page
INNER JOIN agent_overview AS v ON v.agent_id = page.id
ORDER BY page.place ASC, v.client_id ASC, v.logical_agent_id ASC

-- list_open_commands --
-- What is waiting or handed out. Index: commands_lease_idx.
SELECT
    m.id,
    c.name AS client_name,
    a.logical_agent_id,
    m.command_type,
    m.target_mode,
    m.target_pool_id,
    m.priority,
    m.status,
    m.message,
    m.created_at,
    m.ended_at
FROM commands AS m
INNER JOIN agents AS a ON a.id = m.agent_id
INNER JOIN clients AS c ON c.id = m.client_id
WHERE m.status IN ('pending', 'leased')
ORDER BY m.priority DESC, m.created_at ASC, m.id ASC
LIMIT %(limit)s

-- list_jobs --
-- The last run of every job. Index: job_runs_pk.
SELECT
    r.job,
    r.status,
    r.node,
    r.attempt,
    r.started_at,
    r.finished_at,
    r.row_count,
    r.error
FROM job_runs AS r
INNER JOIN (
    SELECT
        job,
        MAX(slot) AS slot
    FROM job_runs
    GROUP BY job
) AS newest ON newest.job = r.job AND newest.slot = r.slot
ORDER BY r.job ASC
LIMIT %(limit)s

-- list_notifications --
-- What somebody should see, newest first. Index: notifications_created_idx.
SELECT
    n.severity,
    n.message,
    n.created_at,
    c.name AS client_name
FROM notifications AS n
LEFT JOIN clients AS c ON c.id = n.client_id
ORDER BY n.created_at DESC, n.id DESC
LIMIT %(limit)s
