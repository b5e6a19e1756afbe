-- lock_config --
-- The settings of one agent, held until the transaction ends. client_id NULL finds every tenant's
-- (operators). Indexes: agents_pk, agent_configs_pk.
SELECT
    a.id,
    a.client_id,
    a.logical_agent_id,
    a.status,
    a.primary_instance_id,
    f.version,
    f.enabled,
    f.auto_switch_enabled,
    f.manual_replica_enabled,
    f.auto_terminate_enabled,
    f.terminate_wait_seconds,
    f.replica_enabled,
    f.replica_count,
    f.min_savings_percent,
    f.risk_threshold,
    f.max_switches_per_day,
    f.max_switches_per_week,
    f.min_pool_duration_hours
FROM agents AS a
INNER JOIN agent_configs AS f ON f.agent_id = a.id
WHERE
    a.id = %(agent_id)s
    AND (%(client_id)s IS NULL OR a.client_id = %(client_id)s)
FOR UPDATE

-- find_config --
-- The settings of one agent as they are. client_id NULL finds every tenant's (operators). Indexes:
-- agents_pk, agent_configs_pk.
SELECT
    a.id,
    a.client_id,
    a.status,
    f.version,
    f.enabled,
    f.auto_switch_enabled,
    f.manual_replica_enabled,
    f.auto_terminate_enabled,
    f.terminate_wait_seconds,
    f.replica_enabled,
    f.replica_count,
    f.min_savings_percent,
    f.risk_threshold,
    f.max_switches_per_day,
    f.max_switches_per_week,
    f.min_pool_duration_hours
FROM agents AS a
INNER JOIN agent_configs AS f ON f.agent_id = a.id
WHERE
    a.id = %(agent_id)s
    AND (%(client_id)s IS NULL OR a.client_id = %(client_id)s)

-- save_config --
-- Other settings for an agent, if nobody changed them since they were read. Index: agent_configs_pk.
UPDATE agent_configs
SET
    version = %(version)s,
    enabled = %(enabled)s,
    auto_switch_enabled = %(auto_switch_enabled)s,
    manual_replica_enabled = %(manual_replica_enabled)s,
    auto_terminate_enabled = %(auto_terminate_enabled)s,
    terminate_wait_seconds = %(terminate_wait_seconds)s,
    replica_enabled = %(replica_enabled)s,
    replica_count = %(replica_count)s,
    min_savings_percent = %(min_savings_percent)s,
    risk_threshold = %(risk_threshold)s,
    max_switches_per_day = %(max_switches_per_day)s,
    max_switches_per_week = %(max_switches_per_week)s,
    min_pool_duration_hours = %(min_pool_duration_hours)s,
    updated_at = %(now)s
WHERE
    agent_id = %(agent_id)s
    AND version = %(expected_version)s

-- insert_change --
-- Who changed what.
INSERT INTO agent_config_history (
    client_id, agent_id, version, actor_type, actor_name, changes, changed_at
)
VALUES (
    %(client_id)s, %(agent_id)s, %(version)s, %(actor_type)s, %(actor_name)s, %(changes)s, %(now)s
)

-- list_changes --
-- The changes of one agent's settings, newest first. Index: agent_config_history_agent_idx.
SELECT
    h.id,
    h.version,
    h.actor_type,
    h.actor_name,
    h.changes,
    h.changed_at
FROM agent_config_history AS h
WHERE h.agent_id = %(agent_id)s
ORDER BY h.id DESC
LIMIT %(limit)s OFFSET %(offset)s

-- count_changes --
-- How many changes list_changes would list in all. Index: agent_config_history_agent_idx.
SELECT COUNT(*) AS change_count
FROM agent_config_history AS h
WHERE h.agent_id = %(agent_id)s
