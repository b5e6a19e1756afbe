-- list_agents --
-- A client's agents with the state of their primary, online ones first. Index: agents_logical_uq.
SELECT
    a.id,
    a.logical_agent_id,
    a.status,
    i.mode,
    i.instance_type,
    i.az,
    i.last_seen_at
FROM agents AS a
LEFT JOIN instances AS i ON i.agent_id = a.id AND i.instance_id = a.primary_instance_id
WHERE
    a.client_id = %(client_id)s
    AND a.status <> 'deleted'
ORDER BY a.status = 'online' DESC, a.logical_agent_id ASC, a.id ASC
LIMIT %(limit)s OFFSET %(offset)s

-- list_reports --
-- The newest price reports of some agents, at most five each, and how many came since an instant.
-- Index: pricing_reports_pk.
SELECT
    n.agent_id,
    n.observed_at,
    n.ondemand_price_usd_per_hour,
    n.spot_price_usd_per_hour,
    n.fresh_count
FROM (
    SELECT
        r.agent_id,
        r.observed_at,
        r.ondemand_price_usd_per_hour,
        r.spot_price_usd_per_hour,
        SUM(r.observed_at > %(fresh_since)s) OVER (PARTITION BY r.agent_id) AS fresh_count,
        ROW_NUMBER() OVER (PARTITION BY r.agent_id ORDER BY r.observed_at DESC) AS place
    FROM JSON_TABLE(
        %(agents)s, '$[*]' COLUMNS (agent_id VARCHAR(36) CHARACTER SET utf8mb4 PATH '$')
    ) AS w
    INNER JOIN pricing_reports AS r
        ON r.agent_id = w.agent_id COLLATE utf8mb4_bin AND r.observed_at > %(since)s
) AS n
WHERE n.place <= 5
ORDER BY n.agent_id ASC, n.observed_at DESC
LIMIT 1000

-- list_events --
-- The newest events of some agents, at most five each. Index: system_events_agent_idx.
SELECT
    n.agent_id,
    n.event_type,
    n.severity,
    n.message,
    n.created_at
FROM (
    SELECT
        e.agent_id,
        e.event_type,
        e.severity,
        e.message,
        e.created_at,
        ROW_NUMBER() OVER (
            PARTITION BY e.agent_id ORDER BY e.created_at DESC, e.id DESC
        ) AS place
    FROM JSON_TABLE(
        %(agents)s, '$[*]' COLUMNS (agent_id VARCHAR(36) CHARACTER SET utf8mb4 PATH '$')
    ) AS w
    INNER JOIN system_events AS e
        ON e.agent_id = w.agent_id COLLATE utf8mb4_bin AND e.created_at > %(since)s
) AS n
WHERE n.place <= 5
ORDER BY n.agent_id ASC, n.created_at DESC
LIMIT 1000
