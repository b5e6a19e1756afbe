-- Each agent with its client, its settings and its primary instance, for lists that people read.
-- Read by: backend/repositories/status.sql, backend/repositories/agent_lists.sql.
CREATE VIEW agent_overview AS
SELECT
    a.id AS agent_id,
    a.client_id,
    c.name AS client_name,
    a.logical_agent_id,
    a.status,
    a.epoch,
    a.primary_instance_id,
    a.identity_conflict_at,
    a.created_at,
    g.enabled,
    i.role,
    i.mode,
    i.region,
    i.instance_type,
    i.az,
    CONCAT(i.instance_type, '.', i.az) AS pool_id,
    i.agent_version,
    i.spot_price_usd_per_hour,
    i.ondemand_price_usd_per_hour,
    i.last_seen_at
FROM agents AS a
INNER JOIN clients AS c ON c.id = a.client_id
LEFT JOIN agent_configs AS g ON g.agent_id = a.id
LEFT JOIN instances AS i ON i.agent_id = a.id AND i.instance_id = a.primary_instance_id
WHERE a.status <> 'deleted'
