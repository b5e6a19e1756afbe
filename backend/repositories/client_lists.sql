-- list_clients --
-- A page of clients with what they own, the newest client first. client_id NULL lists all of them.
-- Deleted agents and their instances do not count. Indexes: clients_pk, agents_logical_uq,
-- instances_client_idx.
SELECT
    c.id,
    c.name,
    c.email,
    c.status,
    c.created_at,
    COALESCE(g.agents_total, 0) AS agents_total,
    COALESCE(g.agents_online, 0) AS agents_online,
    COALESCE(n.instances, 0) AS instances,
    COALESCE(n.spot_instances, 0) AS spot_instances,
    n.last_seen_at
FROM (
    SELECT id
    FROM clients
    WHERE %(client_id)s IS NULL OR id = %(client_id)s
    ORDER BY created_at DESC, id DESC
    LIMIT %(limit)s OFFSET %(offset)s
) AS page
INNER JOIN clients AS c ON c.id = page.id
LEFT JOIN (
    SELECT
        a.client_id,
        COUNT(*) AS agents_total,
        SUM(a.status = 'online') AS agents_online
    FROM agents AS a
    WHERE
        a.status <> 'deleted'
        AND (%(client_id)s IS NULL OR a.client_id = %(client_id)s)
    GROUP BY a.client_id
) AS g ON g.client_id = c.id
LEFT JOIN (
    SELECT
        i.client_id,
        COUNT(*) AS instances,
        SUM(i.mode = 'spot') AS spot_instances,
        MAX(i.last_seen_at) AS last_seen_at
    FROM instances AS i
    INNER JOIN agents AS a ON a.id = i.agent_id
    WHERE
        i.role <> 'terminated'
        AND a.status <> 'deleted'
        AND (%(client_id)s IS NULL OR i.client_id = %(client_id)s)
    GROUP BY i.client_id
) AS n ON n.client_id = c.id
ORDER BY c.created_at DESC, c.id DESC

-- count_clients --
-- How many clients there are, and how many of them may call. Index: clients_pk.
SELECT
    COUNT(*) AS total,
    COALESCE(SUM(status = 'active'), 0) AS active
FROM clients

-- count_switches --
-- Completed switches in all, by whom they were wanted, and since an instant. client_id NULL counts
-- every tenant's. Index: switches_outcome_idx.
SELECT
    COUNT(*) AS total,
    COALESCE(SUM(s.cause = 'manual'), 0) AS manual,
    COALESCE(SUM(s.cause = 'engine'), 0) AS model,
    COALESCE(SUM(s.ended_at >= %(since)s), 0) AS recent
FROM switches AS s
WHERE
    s.status = 'completed'
    AND (%(client_id)s IS NULL OR s.client_id = %(client_id)s)

-- count_fleet --
-- Agents and fresh pools of all tenants. Indexes: agents_status_idx, pool_prices_pk.
SELECT
    (SELECT COUNT(*) FROM agents WHERE status = 'online') AS agents_online,
    (SELECT COUNT(*) FROM agents WHERE status <> 'deleted') AS agents_total,
    (
        SELECT COUNT(DISTINCT pool_id)
        FROM pool_prices
        WHERE observed_at >= %(prices_since)s
    ) AS pools_covered

-- list_client_changes --
-- When clients came, went, were suspended and resumed since an instant, newest first. Index:
-- audit_logs_subject_idx.
SELECT
    l.action,
    l.created_at,
    l.subject_id,
    l.id
FROM audit_logs AS l
WHERE
    l.subject_type = 'client'
    AND l.created_at >= %(since)s
    AND l.action IN ('client_created', 'client_deleted', 'client_suspended', 'client_resumed')
ORDER BY l.created_at DESC, l.id DESC
LIMIT 20000
