-- promote_replica --
-- Make a replica or a running successor the primary, if all is still as it was judged.
CALL promote_replica(
    %(now)s,
    %(client_id)s,
    %(agent_id)s,
    %(expected_epoch)s,
    %(replica_id)s,
    %(expected_status)s,
    %(adopted_switch_id)s,
    %(new_instance_id)s,
    %(switch_id)s,
    %(cause)s,
    %(event_id)s,
    %(requested_at)s,
    %(promote_command_id)s,
    %(promote_payload)s,
    %(promote_expires_at)s,
    %(retire_command_id)s,
    %(retire_payload)s,
    %(retire_expires_at)s,
    %(undo_command_id)s,
    %(undo_payload)s,
    %(severity)s,
    %(message)s
)

-- find_promotion_facts --
-- What a promotion is judged on, in one look: the agent, its primary, the replica, the open switch
-- and the event. Indexes: agents_pk, instances_pk, replica_instances_pk, switches_open_uq,
-- spot_interruption_events_pk.
SELECT
    a.logical_agent_id,
    a.epoch,
    a.primary_instance_id,
    f.auto_terminate_enabled,
    f.terminate_wait_seconds,
    r.id AS replica_id,
    r.status AS replica_status,
    r.instance_id AS replica_instance_id,
    r.doomed_at,
    COALESCE(n.protocol, r.protocol) AS new_protocol,
    s.id AS open_switch_id,
    s.new_instance_id AS successor_id,
    e.id AS event_id,
    e.received_at,
    e.deadline_at
FROM agents AS a
INNER JOIN agent_configs AS f ON f.agent_id = a.id
LEFT JOIN replica_instances AS r ON r.id = %(replica_id)s AND r.agent_id = a.id
LEFT JOIN instances AS n ON n.agent_id = a.id AND n.instance_id = r.instance_id
LEFT JOIN switches AS s ON s.open_slot = a.id
LEFT JOIN spot_interruption_events AS e ON e.id = %(event_id)s AND e.agent_id = a.id
WHERE
    a.id = %(agent_id)s
    AND a.client_id = %(client_id)s
    AND a.status <> 'deleted'

-- find_switch_to --
-- The switch that made an instance primary, the last one. Index: switches_new_instance_idx.
SELECT s.id
FROM switches AS s
WHERE
    s.agent_id = %(agent_id)s
    AND s.new_instance_id = %(instance_id)s
    AND s.status <> 'failed'
ORDER BY s.requested_at DESC, s.id ASC
LIMIT 1
