-- find_subject --
-- An agent with its primary and whatever may stop its emergency handling. Indexes: agents_pk,
-- instances_primary_uq, settings_pk.
SELECT
    a.id AS agent_id,
    a.client_id,
    a.logical_agent_id,
    a.epoch,
    a.freeze_level AS agent_freeze,
    k.freeze_level AS client_freeze,
    g.value AS global_freeze,
    f.enabled,
    p.instance_id AS primary_id,
    p.protocol,
    p.instance_type,
    p.region,
    p.az,
    p.mode,
    p.ondemand_price_usd_per_hour
FROM agents AS a
INNER JOIN clients AS k ON k.id = a.client_id
INNER JOIN agent_configs AS f ON f.agent_id = a.id
INNER JOIN instances AS p ON p.primary_slot = a.id
LEFT JOIN settings AS g ON g.name = %(setting)s
WHERE
    a.id = %(agent_id)s
    AND a.status <> 'deleted'

-- find_outcome --
-- What a rehearsal was decided to be. Index: spot_interruption_events_pk.
SELECT
    e.status,
    e.reason
FROM spot_interruption_events AS e
WHERE e.id = %(event_id)s

-- find_standby --
-- The replica that may take over this moment: it lives, and its own host is not interrupted. Index:
-- replica_instances_live_uq.
SELECT
    r.id AS replica_id,
    r.instance_id
FROM replica_instances AS r
INNER JOIN instances AS i ON i.agent_id = r.agent_id AND i.instance_id = r.instance_id
WHERE
    r.live_slot = %(agent_id)s
    AND r.status IN ('syncing', 'ready')
    AND r.doomed_at IS NULL
    AND i.role = 'replica'
    AND i.last_seen_at >= %(heard_since)s
ORDER BY r.status ASC, r.standby_slot ASC
LIMIT 1
