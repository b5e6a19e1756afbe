-- expire_rebalances --
-- Rebalance signals that no notice followed. Index: spot_interruption_events_status_idx.
UPDATE spot_interruption_events
SET
    status = 'stood_down',
    reason = 'no_notice',
    ended_at = %(now)s
WHERE
    status IN ('detected', 'responding', 'launched')
    AND signal_type = 'rebalance-recommendation'
    AND received_at <= %(received_before)s

-- list_overdue --
-- Open notices whose deadline is long over, with what is known of the host and the replacement.
-- Index: spot_interruption_events_status_idx.
SELECT
    e.id AS event_id,
    e.client_id,
    e.agent_id,
    e.instance_id,
    e.signal_type,
    e.subject_role,
    e.is_drill,
    e.received_at,
    e.deadline_at,
    a.logical_agent_id,
    a.primary_instance_id,
    i.last_seen_at,
    i.terminated_at,
    r.status AS replica_status,
    r.failure_reason
FROM spot_interruption_events AS e
INNER JOIN agents AS a ON a.id = e.agent_id
LEFT JOIN instances AS i ON i.agent_id = e.agent_id AND i.instance_id = e.instance_id
LEFT JOIN replica_instances AS r ON r.id = e.replica_id
WHERE
    e.status IN ('detected', 'responding', 'launched')
    AND e.signal_type IN ('termination-notice', 'loss')
    AND e.received_at < %(received_before)s
    AND COALESCE(e.deadline_at, e.received_at) < %(deadline_before)s
ORDER BY e.received_at ASC, e.id ASC
LIMIT 1000

-- close_events --
-- Events that come to their end; those that ended meanwhile stay as they are. Index:
-- spot_interruption_events_pk.
UPDATE spot_interruption_events AS e
INNER JOIN JSON_TABLE(
    %(endings)s, '$[*]' COLUMNS (
        event_id VARCHAR(36) CHARACTER SET utf8mb4 PATH '$.event_id',
        status VARCHAR(16) CHARACTER SET utf8mb4 PATH '$.status',
        reason VARCHAR(64) CHARACTER SET utf8mb4 PATH '$.reason'
    )
) AS j ON j.event_id COLLATE utf8mb4_bin = e.id
SET
    e.status = j.status,
    e.reason = j.reason,
    e.ended_at = %(now)s
WHERE e.status IN ('detected', 'responding', 'launched')
