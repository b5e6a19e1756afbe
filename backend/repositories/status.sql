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
-- One page of agents, by client and name. The page is chosen before anything is joined: left to
-- itself the server joins all agents and sorts them. Index: agents_logical_uq.
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
    SELECT id
    FROM agents
    WHERE status <> 'deleted'
    ORDER BY client_id ASC, logical_agent_id ASC
    LIMIT %(limit)s OFFSET %(offset)s
) AS page
INNER JOIN agent_overview AS v ON v.agent_id = page.id
ORDER BY v.client_id ASC, v.logical_agent_id ASC

-- list_instances --
-- One page of living instances, chosen before anything is joined. Index: instances_client_idx.
SELECT
    i.instance_id,
    c.name AS client_name,
    a.logical_agent_id,
    i.role,
    i.mode,
    i.instance_type,
    i.az,
    i.cpu_percent,
    i.memory_percent,
    i.last_seen_at
FROM (
    SELECT
        agent_id,
        instance_id
    FROM instances
    WHERE role <> 'terminated'
    ORDER BY client_id ASC, instance_id ASC, agent_id ASC
    LIMIT %(limit)s OFFSET %(offset)s
) AS page
INNER JOIN instances AS i ON i.agent_id = page.agent_id AND i.instance_id = page.instance_id
INNER JOIN agents AS a ON a.id = i.agent_id
INNER JOIN clients AS c ON c.id = i.client_id
ORDER BY i.client_id ASC, i.instance_id ASC, i.agent_id ASC

-- list_pools --
-- Pools with a price since a given instant, in USD per hour. Index: pool_prices_pk.
SELECT
    client_name,
    pool_id,
    region,
    price_usd_per_hour,
    observed_at
FROM active_spot_pools
WHERE observed_at >= %(since)s
ORDER BY client_id ASC, pool_number ASC
LIMIT %(limit)s

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

-- list_ended_commands --
-- What ended last, chosen before anything is joined. Index: commands_ended_idx.
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
FROM (
    SELECT id
    FROM commands
    WHERE ended_at IS NOT NULL
    ORDER BY ended_at DESC, id DESC
    LIMIT %(limit)s
) AS page
INNER JOIN commands AS m ON m.id = page.id
INNER JOIN agents AS a ON a.id = m.agent_id
INNER JOIN clients AS c ON c.id = m.client_id
ORDER BY m.ended_at DESC, m.id DESC

-- list_switches --
-- The youngest switches, chosen before anything is joined. Index: switches_requested_idx.
SELECT
    v.switch_id,
    v.client_name,
    v.logical_agent_id,
    v.cause,
    v.status,
    v.failed_step,
    v.reason,
    v.old_pool_id,
    v.old_mode,
    v.new_pool_id,
    v.new_mode,
    v.savings_impact_usd_per_hour,
    v.requested_at,
    v.ended_at
FROM (
    SELECT id
    FROM switches
    ORDER BY requested_at DESC, id DESC
    LIMIT %(limit)s
) AS page
INNER JOIN recent_switches AS v ON v.switch_id = page.id
ORDER BY v.requested_at DESC, v.switch_id DESC

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
