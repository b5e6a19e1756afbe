-- find_agent --
-- One agent of one client, deleted ones included. Index: agents_pk.
SELECT
    a.id,
    a.client_id,
    a.logical_agent_id,
    a.status,
    a.primary_instance_id,
    a.epoch,
    a.identity_conflict_at,
    a.offline_announced_at,
    a.deleted_at,
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
    AND a.client_id = %(client_id)s

-- find_agent_of_any_client --
-- For operators, who act for every tenant. Index: agents_pk.
SELECT
    a.id,
    a.client_id
FROM agents AS a
WHERE a.id = %(agent_id)s

-- find_agent_by_logical_id --
-- What registration starts from. Index: agents_logical_uq.
SELECT
    a.id,
    a.epoch,
    a.status,
    a.primary_instance_id,
    a.identity_conflict_at,
    a.deleted_at,
    (
        SELECT COUNT(*)
        FROM instances AS i
        WHERE i.agent_id = a.id
    ) AS instance_count
FROM agents AS a
WHERE
    a.client_id = %(client_id)s
    AND a.logical_agent_id = %(logical_agent_id)s

-- find_agent_config --
-- The settings of one agent and whether it is deleted. Index: agents_pk, agent_configs_pk.
SELECT
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
    f.min_pool_duration_hours,
    i.role
FROM agents AS a
INNER JOIN agent_configs AS f ON f.agent_id = a.id
LEFT JOIN instances AS i ON i.agent_id = a.id AND i.instance_id = %(instance_id)s
WHERE
    a.id = %(agent_id)s
    AND a.client_id = %(client_id)s

-- mark_online --
-- The primary was heard again. Index: agents_pk.
UPDATE agents
SET
    status = 'online',
    offline_announced_at = NULL,
    updated_at = %(now)s
WHERE
    id = %(agent_id)s
    AND primary_instance_id = %(instance_id)s
    AND status <> 'deleted'

-- mark_offline --
-- The primary itself said goodbye. Index: agents_pk.
UPDATE agents
SET
    status = 'offline',
    updated_at = %(now)s
WHERE
    id = %(agent_id)s
    AND primary_instance_id = %(instance_id)s
    AND status = 'online'

-- announce_offline --
-- Somebody said goodbye for the agent without saying who; it counts if the primary stays silent.
UPDATE agents
SET
    offline_announced_at = %(now)s,
    updated_at = %(now)s
WHERE
    id = %(agent_id)s
    AND client_id = %(client_id)s
    AND status = 'online'

-- mark_cleaned_up --
-- When the agent last tidied its snapshots and images. Index: agents_pk.
UPDATE agents
SET
    last_cleanup_at = GREATEST(COALESCE(last_cleanup_at, %(executed_at)s), %(executed_at)s)
WHERE
    id = %(agent_id)s
    AND client_id = %(client_id)s

-- list_agents --
-- A page of agents in logical order. client_id NULL lists every tenant's (operators).
-- Index: agents_logical_uq.
SELECT
    a.id,
    a.client_id,
    a.logical_agent_id,
    a.status,
    a.epoch,
    a.primary_instance_id,
    a.last_switch_at,
    a.created_at,
    f.enabled,
    f.auto_switch_enabled,
    f.auto_terminate_enabled,
    f.manual_replica_enabled,
    f.terminate_wait_seconds,
    f.replica_count,
    i.hostname,
    i.instance_type,
    i.region,
    i.az,
    i.mode,
    i.private_ip,
    i.public_ip,
    i.agent_version,
    i.protocol,
    i.spot_price_usd_per_hour,
    i.ondemand_price_usd_per_hour,
    i.last_seen_at,
    (
        SELECT s.status
        FROM switches AS s
        WHERE s.open_slot = a.id
    ) AS open_switch_status
FROM agents AS a
INNER JOIN agent_configs AS f ON f.agent_id = a.id
LEFT JOIN instances AS i ON i.agent_id = a.id AND i.instance_id = a.primary_instance_id
WHERE
    (%(client_id)s IS NULL OR a.client_id = %(client_id)s)
    AND (%(agent_id)s IS NULL OR a.id = %(agent_id)s)
    AND (%(include_deleted)s = 1 OR a.status <> 'deleted')
    AND (
        %(after_logical_id)s IS NULL
        OR a.logical_agent_id > %(after_logical_id)s
        OR (a.logical_agent_id = %(after_logical_id)s AND a.id > %(after_id)s)
    )
ORDER BY a.logical_agent_id ASC, a.id ASC
LIMIT %(limit)s

-- count_agents --
-- How many agents list_agents would list in all.
SELECT COUNT(*) AS agent_count
FROM agents AS a
WHERE
    (%(client_id)s IS NULL OR a.client_id = %(client_id)s)
    AND (%(include_deleted)s = 1 OR a.status <> 'deleted')
