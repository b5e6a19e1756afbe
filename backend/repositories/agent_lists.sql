-- list_agents --
-- A page of agents with settings and primary, those heard last first; by_status puts the online
-- ones before the offline and the deleted ones. client_id NULL lists every tenant's (operators).
-- The page is chosen before anything else is joined, and the one index is named because old
-- statistics make the server read every instance for each agent: three seconds for 500 agents.
-- Indexes: agents_logical_uq, instances_pk.
SELECT
    a.id,
    a.client_id,
    c.name AS client_name,
    a.logical_agent_id,
    a.status,
    a.epoch,
    a.primary_instance_id,
    a.last_switch_at,
    a.created_at,
    a.updated_at,
    a.deleted_at,
    f.version,
    f.enabled,
    f.auto_switch_enabled,
    f.auto_terminate_enabled,
    f.manual_replica_enabled,
    f.terminate_wait_seconds,
    f.replica_count,
    i.hostname,
    i.instance_type,
    i.region,
    i.az,
    i.mode,
    i.private_ip,
    i.public_ip,
    i.agent_version,
    i.protocol,
    i.spot_price_usd_per_hour,
    i.ondemand_price_usd_per_hour,
    i.cpu_percent,
    i.memory_percent,
    i.disk_percent,
    i.launched_at,
    i.first_seen_at,
    i.last_seen_at,
    i.terminated_at,
    (
        SELECT s.status
        FROM switches AS s
        WHERE s.open_slot = a.id
    ) AS open_switch_status,
    (
        SELECT COUNT(*)
        FROM instances AS n FORCE INDEX (PRIMARY)
        WHERE n.agent_id = a.id AND n.role <> 'terminated'
    ) AS instance_count
FROM (
    SELECT
        b.id,
        p.last_seen_at,
        IF(%(by_status)s = 1, FIELD(b.status, 'online', 'offline', 'deleted'), 0) AS status_order
    FROM agents AS b
    LEFT JOIN instances AS p ON p.agent_id = b.id AND p.instance_id = b.primary_instance_id
    WHERE
        (%(client_id)s IS NULL OR b.client_id = %(client_id)s)
        AND (%(include_deleted)s = 1 OR b.status <> 'deleted')
        AND (%(status)s IS NULL OR b.status = %(status)s)
    ORDER BY status_order ASC, p.last_seen_at DESC, b.id ASC
    LIMIT %(limit)s OFFSET %(offset)s
) AS page
INNER JOIN agents AS a ON a.id = page.id
INNER JOIN clients AS c ON c.id = a.client_id
INNER JOIN agent_configs AS f ON f.agent_id = a.id
LEFT JOIN instances AS i ON i.agent_id = a.id AND i.instance_id = a.primary_instance_id
ORDER BY page.status_order ASC, page.last_seen_at DESC, a.id ASC

-- count_agents --
-- How many agents list_agents would list in all. Index: agents_logical_uq.
SELECT COUNT(*) AS agent_count
FROM agents AS b
WHERE
    (%(client_id)s IS NULL OR b.client_id = %(client_id)s)
    AND (%(include_deleted)s = 1 OR b.status <> 'deleted')
    AND (%(status)s IS NULL OR b.status = %(status)s)

-- count_health --
-- How many agents are in which state of health; silent ones are online but unheard since
-- silent_before. Index: agents_status_idx.
SELECT
    COUNT(*) AS total,
    SUM(v.status = 'online') AS online,
    SUM(v.status = 'offline') AS offline,
    SUM(v.enabled = 0) AS disabled,
    SUM(v.identity_conflict_at IS NOT NULL) AS conflicted,
    SUM(v.status = 'online' AND v.last_seen_at < %(silent_before)s) AS silent
FROM agent_overview AS v
WHERE (%(client_id)s IS NULL OR v.client_id = %(client_id)s)

-- count_switches --
-- What became of an agent's switches, and why they were made. Index: switches_agent_idx.
SELECT
    s.status,
    s.cause,
    COUNT(*) AS switch_count,
    MAX(s.ended_at) AS last_ended_at
FROM switches AS s
WHERE s.agent_id = %(agent_id)s
GROUP BY s.status, s.cause
ORDER BY s.status ASC, s.cause ASC
LIMIT 100

-- summarise_health --
-- An agent's vitals over a span; a row stands for five minutes. Index: agent_health_metrics_pk.
SELECT
    COUNT(*) AS sample_count,
    SUM(h.silent_seconds > %(silent_seconds)s) AS silent_count,
    AVG(h.cpu_percent) AS cpu_percent,
    AVG(h.memory_percent) AS memory_percent,
    AVG(h.disk_percent) AS disk_percent
FROM agent_health_metrics AS h
WHERE
    h.agent_id = %(agent_id)s
    AND h.bucket_at >= %(since)s

-- count_price_reports --
-- How many price reports an agent's instances sent since an instant. Index: pricing_reports_pk.
SELECT
    COUNT(*) AS report_count,
    MAX(r.received_at) AS last_received_at
FROM pricing_reports AS r
WHERE
    r.agent_id = %(agent_id)s
    AND r.observed_at >= %(since)s
