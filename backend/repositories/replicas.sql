-- find_replica --
-- One replica of one agent of one client. Index: replica_instances_pk.
SELECT
    r.id,
    r.client_id,
    r.agent_id,
    r.kind,
    r.status,
    r.event_id,
    r.command_id,
    r.parent_instance_id,
    r.instance_id,
    r.instance_type,
    r.region,
    r.az,
    r.mode,
    r.pool_name,
    r.pools,
    r.protocol,
    r.holder_instance_id,
    r.held_until,
    r.sync_status,
    r.sync_latency_ms,
    r.sync_progress_percent,
    r.price_usd_per_hour,
    r.tags,
    r.created_by,
    r.failure_reason,
    r.created_at,
    r.launched_at,
    r.ready_at,
    r.promoted_at,
    r.ended_at,
    (
        SELECT SUM(l.cost_usd)
        FROM replica_cost_log AS l
        WHERE l.replica_id = r.id
    ) AS cost_usd
FROM replica_instances AS r
WHERE
    r.id = %(replica_id)s
    AND r.agent_id = %(agent_id)s
    AND r.client_id = %(client_id)s

-- list_replicas --
-- An agent's replicas, newest first; of one status, or the live ones, or all. client_id NULL serves
-- operators. Index: replica_instances_agent_idx.
SELECT
    r.id,
    r.client_id,
    r.agent_id,
    r.kind,
    r.status,
    r.event_id,
    r.command_id,
    r.parent_instance_id,
    r.instance_id,
    r.instance_type,
    r.region,
    r.az,
    r.mode,
    r.pool_name,
    r.pools,
    r.protocol,
    r.holder_instance_id,
    r.held_until,
    r.sync_status,
    r.sync_latency_ms,
    r.sync_progress_percent,
    r.price_usd_per_hour,
    r.tags,
    r.created_by,
    r.failure_reason,
    r.created_at,
    r.launched_at,
    r.ready_at,
    r.promoted_at,
    r.ended_at,
    (
        SELECT SUM(l.cost_usd)
        FROM replica_cost_log AS l
        WHERE l.replica_id = r.id
    ) AS cost_usd
FROM replica_instances AS r
WHERE
    r.agent_id = %(agent_id)s
    AND (%(client_id)s IS NULL OR r.client_id = %(client_id)s)
    AND (
        r.status = %(status)s
        OR (%(status)s IS NULL AND (%(include_ended)s = 1 OR r.live_slot IS NOT NULL))
    )
ORDER BY r.created_at DESC, r.id ASC
LIMIT 200

-- list_client_replicas --
-- A client's live replicas with the primaries that they stand by for, newest first. Index:
-- replica_instances_client_idx.
SELECT
    r.id,
    r.client_id,
    r.agent_id,
    r.kind,
    r.status,
    r.event_id,
    r.command_id,
    r.parent_instance_id,
    r.instance_id,
    r.instance_type,
    r.region,
    r.az,
    r.mode,
    r.pool_name,
    r.pools,
    r.protocol,
    r.holder_instance_id,
    r.held_until,
    r.sync_status,
    r.sync_latency_ms,
    r.sync_progress_percent,
    r.price_usd_per_hour,
    r.tags,
    r.created_by,
    r.failure_reason,
    r.created_at,
    r.launched_at,
    r.ready_at,
    r.promoted_at,
    r.ended_at,
    (
        SELECT SUM(l.cost_usd)
        FROM replica_cost_log AS l
        WHERE l.replica_id = r.id
    ) AS cost_usd,
    a.logical_agent_id,
    p.instance_id AS primary_instance_id,
    p.instance_type AS primary_instance_type,
    p.region AS primary_region,
    p.az AS primary_az,
    p.mode AS primary_mode
FROM replica_instances AS r
INNER JOIN agents AS a ON a.id = r.agent_id
LEFT JOIN instances AS p ON p.agent_id = a.id AND p.instance_id = a.primary_instance_id
WHERE r.client_id = %(client_id)s AND r.live_slot IS NOT NULL
ORDER BY r.created_at DESC, r.id ASC
LIMIT 1000

-- list_orders --
-- What may explain an instance that registers: the agent's live replicas, the one that it was, and
-- the one that its launch tag names. Indexes: replica_instances_live_uq,
-- replica_instances_instance_uq, replica_instances_pk.
SELECT
    r.id,
    r.status,
    r.protocol,
    r.instance_id,
    r.instance_type,
    r.az,
    r.pools,
    r.held_until
FROM replica_instances AS r
WHERE
    r.agent_id = %(agent_id)s
    AND (
        r.live_slot = %(agent_id)s
        OR r.instance_id = %(instance_id)s
        OR r.id = %(replica_id)s
    )
ORDER BY r.created_at ASC, r.id ASC
LIMIT 20

-- find_replica_of_instance --
-- The replica that an instance is or was. Index: replica_instances_instance_uq.
SELECT
    r.id,
    r.status,
    r.protocol,
    r.instance_id
FROM replica_instances AS r
WHERE
    r.agent_id = %(agent_id)s
    AND r.instance_id = %(instance_id)s

-- list_open_instances --
-- Instances that are on the books as replicas, registered or not, and since when. Index:
-- replica_instances_agent_idx.
SELECT
    r.instance_id,
    r.launched_at
FROM replica_instances AS r
WHERE
    r.agent_id = %(agent_id)s
    AND r.client_id = %(client_id)s
    AND r.instance_id IS NOT NULL
    AND r.status IN ('launching', 'syncing', 'ready', 'promoting', 'terminating')
ORDER BY r.created_at DESC, r.id ASC
LIMIT 1000

-- find_door --
-- Whether an anonymous caller can only be the agent's primary: its protocol, and which instances of
-- the agent were heard lately. Index: agents_pk, instances_pk.
SELECT
    a.status,
    a.primary_instance_id,
    f.enabled,
    p.protocol,
    (
        SELECT COUNT(*)
        FROM instances AS i
        WHERE
            i.agent_id = a.id
            AND i.last_seen_at > %(live_since)s
            AND i.instance_id <> p.instance_id
    ) AS rival_count
FROM agents AS a
INNER JOIN agent_configs AS f ON f.agent_id = a.id
INNER JOIN instances AS p ON p.agent_id = a.id AND p.instance_id = a.primary_instance_id
WHERE
    a.id = %(agent_id)s
    AND a.client_id = %(client_id)s

-- hand_out --
-- Orders that wait for an installed agent are now in the hands of one instance, for the only time:
-- it has no memory of what it launched. Index: replica_instances_live_uq.
UPDATE replica_instances
SET
    holder_instance_id = %(instance_id)s,
    held_until = %(held_until)s,
    pool_name = JSON_UNQUOTE(JSON_EXTRACT(pools, '$[0]')),
    az = SUBSTRING_INDEX(JSON_UNQUOTE(JSON_EXTRACT(pools, '$[0]')), '.', -1)
WHERE
    live_slot = %(agent_id)s
    AND client_id = %(client_id)s
    AND status IN ('launching', 'promoting')
    AND protocol < 5
    AND instance_id IS NULL
    AND held_until IS NULL
    AND mode = 'spot'
    AND JSON_LENGTH(pools) > 0

-- list_held --
-- What was handed out at one instant. Index: replica_instances_live_uq.
SELECT
    r.id,
    r.client_id,
    r.agent_id,
    r.kind,
    r.status,
    r.event_id,
    r.command_id,
    r.parent_instance_id,
    r.instance_id,
    r.instance_type,
    r.region,
    r.az,
    r.mode,
    r.pool_name,
    r.pools,
    r.protocol,
    r.holder_instance_id,
    r.held_until,
    r.sync_status,
    r.sync_latency_ms,
    r.sync_progress_percent,
    r.price_usd_per_hour,
    r.tags,
    r.created_by,
    r.failure_reason,
    r.created_at,
    r.launched_at,
    r.ready_at,
    r.promoted_at,
    r.ended_at,
    (
        SELECT SUM(l.cost_usd)
        FROM replica_cost_log AS l
        WHERE l.replica_id = r.id
    ) AS cost_usd
FROM replica_instances AS r
WHERE
    r.live_slot = %(agent_id)s
    AND r.holder_instance_id = %(instance_id)s
    AND r.held_until = %(held_until)s
ORDER BY r.standby_slot ASC, r.id ASC
LIMIT 2

-- advance_replica --
-- Write down what was said about a replica, if it is still as it was judged.
CALL advance_replica(
    %(now)s,
    %(client_id)s,
    %(agent_id)s,
    %(replica_id)s,
    %(expected_status)s,
    %(status)s,
    %(instance_id)s,
    %(mode)s,
    %(pool_name)s,
    %(az)s,
    %(launched_at)s,
    %(confirmed_running_at)s,
    %(failure_reason)s,
    %(sync_status)s,
    %(sync_latency_ms)s,
    %(sync_progress_percent)s,
    %(last_sync_at)s
)

-- set_price --
-- What a replica costs an hour, once it is known where it runs. Index: replica_instances_pk.
UPDATE replica_instances
SET price_usd_per_hour = %(price)s
WHERE
    id = %(replica_id)s
    AND agent_id = %(agent_id)s

-- cancel_launch --
-- Nobody has fetched the order to launch it: nobody will. Index: commands_pk.
UPDATE commands
SET
    status = 'cancelled',
    outcome_code = 'replica_ended',
    message = %(message)s,
    ended_at = %(now)s
WHERE
    id = %(command_id)s
    AND agent_id = %(agent_id)s
    AND status = 'pending'

-- find_chosen --
-- A replica that may have been chosen to take over, and the signal that it was chosen for: the newest
-- event that names it, an open one first. Indexes: replica_instances_pk,
-- spot_interruption_events_notice_uq.
SELECT
    r.status,
    r.instance_id,
    e.id AS event_id,
    e.status AS event_status,
    e.signal_type,
    e.epoch AS event_epoch,
    e.deadline_at
FROM replica_instances AS r
LEFT JOIN spot_interruption_events AS e
    ON
        e.id = COALESCE(
            (
                SELECT v.id
                FROM spot_interruption_events AS v
                WHERE v.agent_id = r.agent_id AND v.replica_id = r.id
                ORDER BY v.ended_at IS NULL DESC, v.received_at DESC, v.id ASC
                LIMIT 1
            ),
            r.event_id
        )
WHERE
    r.id = %(replica_id)s
    AND r.agent_id = %(agent_id)s
    AND r.client_id = %(client_id)s
