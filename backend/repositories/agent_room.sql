-- list_decisions --
-- The newest decisions of one agent with their reasons, newest first. Index:
-- decision_engine_log_pass_uq.
SELECT
    d.action,
    d.target_pool_id,
    d.risk_score,
    d.expected_savings_usd_per_hour,
    d.source,
    d.fallback_cause,
    d.engine_type,
    d.engine_version,
    d.guard_outcome,
    d.guard AS guard_reasons,
    JSON_EXTRACT(d.output_decision, '$.reasons') AS reasons,
    d.outcome,
    d.created_at
FROM decision_engine_log AS d
WHERE d.agent_id = %(agent_id)s
ORDER BY d.created_at DESC, d.id DESC
LIMIT %(limit)s

-- list_commands --
-- The newest commands of one agent, open ones first. Index: commands_queue_idx.
SELECT
    c.id,
    c.command_type,
    c.target_mode,
    c.target_pool_id,
    c.priority,
    c.status,
    c.reason,
    c.message,
    c.created_by,
    c.created_at,
    c.ended_at
FROM commands AS c
WHERE c.agent_id = %(agent_id)s
ORDER BY c.ended_at IS NULL DESC, c.created_at DESC, c.id DESC
LIMIT %(limit)s

-- list_switches --
-- The switches of one agent since an instant, the youngest first. Index: switches_agent_idx.
SELECT
    s.id,
    s.cause,
    s.status,
    s.failed_step,
    s.reason,
    s.old_instance_id,
    s.old_mode,
    s.old_pool_id,
    s.new_instance_id,
    s.new_mode,
    s.new_pool_id,
    s.savings_impact_usd_per_hour,
    s.requested_at,
    s.cut_over_at,
    s.ended_at
FROM switches AS s
WHERE
    s.agent_id = %(agent_id)s
    AND s.requested_at >= %(since)s
ORDER BY s.requested_at DESC, s.id DESC
LIMIT %(limit)s

-- list_interruptions --
-- The interruptions of one agent since an instant, drills among them, the youngest first. Index:
-- spot_interruption_events_notice_uq.
SELECT
    e.id,
    e.instance_id,
    e.signal_type,
    e.status,
    e.action,
    e.reason,
    e.is_drill,
    e.noticed_at,
    e.ended_at
FROM spot_interruption_events AS e
WHERE
    e.agent_id = %(agent_id)s
    AND e.noticed_at >= %(since)s
ORDER BY e.noticed_at DESC, e.id DESC
LIMIT %(limit)s

-- list_events --
-- The newest events of one agent. Index: system_events_agent_idx.
SELECT
    e.event_type,
    e.severity,
    e.message,
    e.created_at
FROM system_events AS e
WHERE e.agent_id = %(agent_id)s
ORDER BY e.created_at DESC, e.id DESC
LIMIT %(limit)s

-- list_instances --
-- The instances of one agent with their vitals, those that run first. Index: instances_pk.
SELECT
    i.instance_id,
    i.role,
    i.role_reason,
    i.mode,
    i.instance_type,
    i.az,
    i.cpu_percent,
    i.memory_percent,
    i.disk_percent,
    i.launched_at,
    i.first_seen_at,
    i.last_seen_at,
    i.role_changed_at,
    i.terminated_at
FROM instances AS i
WHERE i.agent_id = %(agent_id)s
ORDER BY i.terminated_at IS NULL DESC, i.role_changed_at DESC, i.instance_id ASC
LIMIT %(limit)s

-- find_owner --
-- The client of an agent, and since when its identity is in doubt. Index: agents_pk.
SELECT
    c.id AS client_id,
    c.name AS client_name,
    a.identity_conflict_at
FROM agents AS a
INNER JOIN clients AS c ON c.id = a.client_id
WHERE a.id = %(agent_id)s
