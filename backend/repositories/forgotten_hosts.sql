-- list_forgotten_hosts --
-- Hosts that were replaced and still are in the books as running, while nobody is told to end them:
-- the order to was never given, failed, or was lost with whoever had it. Those of replicas are
-- elsewhere (list_unretired). is_noticed: EC2 was to end it, and it lives. Indexes:
-- instances_place_idx, spot_interruption_events_notice_uq, commands_queue_idx.
SELECT
    i.client_id,
    i.agent_id,
    i.instance_id,
    a.logical_agent_id,
    a.status AS agent_status,
    f.auto_terminate_enabled,
    i.role,
    i.role_changed_at,
    i.last_seen_at,
    p.instance_id AS primary_id,
    p.protocol,
    EXISTS (
        SELECT 1
        FROM spot_interruption_events AS e
        WHERE
            e.agent_id = i.agent_id
            AND e.instance_id = i.instance_id
            AND e.signal_type = 'termination-notice'
            AND e.is_drill = 0
    ) AS is_noticed,
    (
        SELECT COUNT(*)
        FROM commands AS d
        WHERE
            d.agent_id = i.agent_id
            AND d.command_type = 'retire_instance'
            AND d.created_at >= i.role_changed_at
            AND JSON_UNQUOTE(JSON_EXTRACT(d.payload, '$.instance_id')) = i.instance_id
    ) AS attempts
FROM instances AS i
INNER JOIN agents AS a ON a.id = i.agent_id
INNER JOIN agent_configs AS f ON f.agent_id = i.agent_id
LEFT JOIN instances AS p ON p.primary_slot = i.agent_id
WHERE
    (i.role = 'superseded' OR (i.role = 'candidate' AND i.role_reason = 'switch_failed'))
    AND i.terminated_at IS NULL
    AND i.role_changed_at >= %(since)s
    AND i.role_changed_at < %(replaced_before)s - INTERVAL f.terminate_wait_seconds SECOND
    AND NOT EXISTS (
        SELECT 1
        FROM replica_instances AS r
        WHERE
            r.agent_id = i.agent_id
            AND r.instance_id = i.instance_id
            AND r.status IN ('terminating', 'failed')
    )
    AND NOT EXISTS (
        SELECT 1
        FROM commands AS c
        WHERE
            c.agent_id = i.agent_id
            AND c.command_type = 'retire_instance'
            AND (c.status IN ('pending', 'leased') OR c.created_at > %(asked_since)s)
            AND JSON_UNQUOTE(JSON_EXTRACT(c.payload, '$.instance_id')) = i.instance_id
    )
ORDER BY i.role_changed_at ASC, i.agent_id ASC, i.instance_id ASC
LIMIT 500
