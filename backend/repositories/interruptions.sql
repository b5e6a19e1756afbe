-- record_interruption --
-- Write a signal down and read all that the decision rests on.
CALL record_interruption(
    %(now)s,
    %(client_id)s,
    %(agent_id)s,
    %(instance_id)s,
    %(event_id)s,
    %(signal_type)s,
    %(notice_key)s,
    %(own_key)s,
    %(join_since)s,
    %(noticed_at)s,
    %(deadline_at)s,
    %(is_drill)s,
    %(cools_until)s,
    %(back_off_since)s,
    %(message)s
)

-- note_decision --
-- What is done about an open event, and why. Index: spot_interruption_events_pk.
UPDATE spot_interruption_events
SET
    status = %(status)s,
    action = %(action)s,
    reason = %(reason)s,
    replica_id = COALESCE(%(replica_id)s, replica_id),
    ended_at = %(ended_at)s
WHERE
    id = %(event_id)s
    AND status IN ('detected', 'responding', 'launched')

-- note_finding --
-- What was found when somebody looked at the silent instance. Index: spot_interruption_events_pk.
UPDATE spot_interruption_events
SET finding = %(finding)s
WHERE id = %(event_id)s

-- choose_replica --
-- The replica that is on its way takes over as soon as it lives. Index: replica_instances_pk.
UPDATE replica_instances
SET
    status = 'promoting',
    event_id = %(event_id)s
WHERE
    id = %(replica_id)s
    AND agent_id = %(agent_id)s
    AND status IN ('launching', 'syncing', 'promoting')
    AND doomed_at IS NULL

-- find_launches --
-- Replicas that were ordered lately: the first one after each notice does not count, nor, for the
-- client, the first that an agent's user wished to have at all times. Indexes:
-- replica_instances_agent_idx, replica_instances_client_idx, agents_logical_uq.
SELECT
    (
        SELECT
            COUNT(*) - COUNT(
                DISTINCT CASE WHEN r.kind = 'automatic-termination' THEN r.event_id END
            )
        FROM replica_instances AS r
        WHERE r.agent_id = %(agent_id)s AND r.created_at > %(since)s
    ) AS of_agent,
    (
        SELECT
            COUNT(*) - COUNT(
                DISTINCT CASE WHEN r.kind = 'automatic-termination' THEN r.event_id END
            ) - COUNT(DISTINCT CASE WHEN r.kind = 'manual' THEN r.agent_id END)
        FROM replica_instances AS r
        WHERE r.client_id = %(client_id)s AND r.created_at > %(since)s
    ) AS of_client,
    (
        SELECT COUNT(*)
        FROM agents AS a
        WHERE a.client_id = %(client_id)s AND a.deleted_at IS NULL
    ) AS fleet_size

-- find_asked --
-- The command by which an instance was asked to look at a silent one. Index: commands_client_idx.
SELECT
    c.id,
    c.agent_id,
    c.command_type,
    c.lease_instance_id
FROM commands AS c
WHERE
    c.client_id = %(client_id)s
    AND c.created_at > %(since)s
    AND c.command_type IN ('verify_primary', 'rescue')
    AND c.status = 'leased'
    AND c.lease_instance_id = %(instance_id)s
    AND JSON_UNQUOTE(JSON_EXTRACT(c.payload, '$.event_id')) = %(event_id)s
ORDER BY c.created_at DESC, c.id ASC
LIMIT 1

-- find_event --
-- One event of one agent. Index: spot_interruption_events_pk.
SELECT
    e.id,
    e.instance_id,
    e.signal_type,
    e.notice_key,
    e.status,
    e.epoch,
    e.is_drill,
    e.noticed_at,
    e.received_at,
    e.replica_id,
    e.new_instance_id
FROM spot_interruption_events AS e
WHERE
    e.id = %(event_id)s
    AND e.agent_id = %(agent_id)s
    AND e.client_id = %(client_id)s

-- record_termination --
-- The end of an instance, as its host told it.
INSERT INTO termination_events (
    client_id, agent_id, instance_id, reason, details, event_id, reported_at
)
VALUES (
    %(client_id)s, %(agent_id)s, %(instance_id)s, %(reason)s, %(details)s,
    (
        SELECT e.id
        FROM spot_interruption_events AS e
        WHERE e.agent_id = %(agent_id)s AND e.instance_id = %(instance_id)s
        ORDER BY e.received_at DESC, e.id ASC
        LIMIT 1
    ),
    %(now)s
)

-- has_recent_termination --
-- Whether this end was told already. Index: termination_events_agent_idx.
SELECT COUNT(*) AS event_count
FROM termination_events AS t
WHERE
    t.agent_id = %(agent_id)s
    AND t.reported_at > %(since)s
    AND COALESCE(t.instance_id, '') = COALESCE(%(instance_id)s, '')
