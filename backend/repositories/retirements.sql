-- find_retirement_facts --
-- What the judgement on ending an instance needs, in one look. Index: agents_pk, instances_pk.
SELECT
    a.status,
    a.epoch,
    a.primary_instance_id,
    f.auto_terminate_enabled,
    t.role AS target_role,
    t.role_reason AS target_role_reason,
    w.role AS asker_role
FROM agents AS a
INNER JOIN agent_configs AS f ON f.agent_id = a.id
LEFT JOIN instances AS t ON t.agent_id = a.id AND t.instance_id = %(target_id)s
LEFT JOIN instances AS w ON w.agent_id = a.id AND w.instance_id = %(asker_id)s
WHERE
    a.id = %(agent_id)s
    AND a.client_id = %(client_id)s

-- mark_terminated --
-- The instance is gone; a primary is never closed this way. Index: instances_pk.
UPDATE instances
SET
    role = 'terminated',
    role_reason = %(reason)s,
    role_changed_at = %(now)s,
    terminated_at = COALESCE(terminated_at, %(terminated_at)s),
    news_count = news_count + 1
WHERE
    agent_id = %(agent_id)s
    AND instance_id = %(instance_id)s
    AND client_id = %(client_id)s
    AND role NOT IN ('primary', 'terminated')

-- list_open_instances --
-- What the books say is running for an agent. Index: instances_pk.
SELECT
    i.instance_id,
    i.role,
    i.role_changed_at,
    i.last_seen_at
FROM instances AS i
WHERE
    i.agent_id = %(agent_id)s
    AND i.client_id = %(client_id)s
    AND i.role <> 'terminated'
ORDER BY i.role_changed_at ASC, i.instance_id ASC
LIMIT 1000

-- has_recent_event --
-- Whether this was said of this instance lately. Index: system_events_agent_idx.
SELECT COUNT(*) AS event_count
FROM system_events AS e
WHERE
    e.agent_id = %(agent_id)s
    AND e.created_at > %(since)s
    AND e.event_type = %(event_type)s
    AND e.instance_id = %(instance_id)s
