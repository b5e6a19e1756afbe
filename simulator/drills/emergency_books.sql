-- list_events --
-- Every signal with its outcome, oldest first. Index: spot_interruption_events_client_idx.
SELECT
    e.id AS event_id,
    e.agent_id,
    e.instance_id,
    e.signal_type,
    e.status,
    e.subject_role,
    e.reason,
    e.new_instance_id,
    e.received_at,
    e.committed_at,
    e.verified_at,
    e.ended_at
FROM spot_interruption_events AS e
WHERE e.client_id = %(client_id)s
ORDER BY e.received_at ASC, e.id ASC
LIMIT 100000

-- list_replicas --
-- Every standby instance, oldest first. Index: replica_instances_client_idx.
SELECT
    r.id AS replica_id,
    r.agent_id,
    r.kind,
    r.status,
    r.event_id,
    r.instance_id,
    r.failure_reason
FROM replica_instances AS r
WHERE r.client_id = %(client_id)s
ORDER BY r.created_at ASC, r.id ASC
LIMIT 100000

-- list_notifications --
-- What people were told, oldest first. Index: notifications_client_idx.
SELECT
    n.agent_id,
    n.notification_type,
    n.severity,
    n.message,
    n.created_at
FROM notifications AS n
WHERE
    n.client_id = %(client_id)s
    OR n.client_id IS NULL
ORDER BY n.created_at ASC, n.id ASC
LIMIT 100000

-- count_replicas --
-- How many agents have a standby instance in this state. Index: replica_instances_client_idx.
SELECT COUNT(DISTINCT r.agent_id) AS agents
FROM replica_instances AS r
WHERE
    r.client_id = %(client_id)s
    AND r.status = %(status)s

-- count_open_events --
-- How many signals are not answered for good. Index: spot_interruption_events_client_idx.
SELECT COUNT(*) AS events
FROM spot_interruption_events AS e
WHERE
    e.client_id = %(client_id)s
    AND e.status IN ('detected', 'responding', 'launched')

-- count_priced --
-- How many primaries have reported prices. Index: instances_client_idx.
SELECT COUNT(*) AS instances
FROM instances AS i
WHERE
    i.client_id = %(client_id)s
    AND i.role = 'primary'
    AND i.prices_at IS NOT NULL

-- set_manual_mode --
-- Switches the standing standby on or off, for every agent or one of them, and makes their next
-- sync look.
UPDATE agent_configs AS c
INNER JOIN agents AS a ON a.id = c.agent_id
LEFT JOIN instances AS i ON i.agent_id = a.id
SET
    c.auto_switch_enabled = 0,
    c.manual_replica_enabled = %(is_on)s,
    c.version = c.version + 1,
    c.updated_at = %(now)s,
    i.news_count = i.news_count + 1
WHERE
    a.client_id = %(client_id)s
    AND (%(agent_id)s IS NULL OR a.id = %(agent_id)s)

-- age_launches --
-- Lets the launches that are done lie so far back that no budget counts them any more. Index:
-- replica_instances_client_idx.
UPDATE replica_instances
SET created_at = %(then)s
WHERE
    client_id = %(client_id)s
    AND created_at > %(then)s
    AND status NOT IN ('launching', 'promoting')
