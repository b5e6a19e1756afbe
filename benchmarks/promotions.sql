-- make_native --
-- Every primary of the fleet runs an agent of ours.
UPDATE instances
SET protocol = 5, last_seen_at = %(now)s

-- insert_replica_instances --
-- Beside every primary an instance in another zone, heard just now.
INSERT INTO instances (
    agent_id, instance_id, client_id, role, role_reason, protocol, is_steady, mode, instance_type,
    region, az, first_seen_at, last_seen_at, role_changed_at
)
SELECT
    a.id,
    CONCAT('r-', RIGHT(a.primary_instance_id, 17)),
    a.client_id,
    'replica',
    'benchmark',
    5,
    1,
    'spot',
    'm5.large',
    'us-east-1',
    'us-east-1b',
    %(now)s,
    %(now)s,
    %(now)s
FROM agents AS a

-- insert_replicas --
-- The rows of those replicas: ready.
INSERT INTO replica_instances (
    id, client_id, agent_id, kind, status, standby_slot, parent_instance_id, instance_id,
    instance_type, region, az, mode, pool_name, pools, protocol, created_by, created_at,
    launched_at, ready_at
)
SELECT
    CONCAT('00000000-0000-4000-a000-', RIGHT(a.id, 12)),
    a.client_id,
    a.id,
    'manual',
    'ready',
    1,
    a.primary_instance_id,
    CONCAT('r-', RIGHT(a.primary_instance_id, 17)),
    'm5.large',
    'us-east-1',
    'us-east-1b',
    'spot',
    'm5.large.us-east-1b',
    '[]',
    5,
    'benchmark',
    %(now)s,
    %(now)s,
    %(now)s
FROM agents AS a

-- count_promoted --
-- Agents that were promoted exactly once, to their own replica.
SELECT COUNT(*) AS promoted
FROM agents AS a
INNER JOIN replica_instances AS r
    ON r.agent_id = a.id AND r.instance_id = a.primary_instance_id AND r.status = 'promoted'
INNER JOIN spot_interruption_events AS e ON e.agent_id = a.id AND e.status = 'failed_over'
WHERE a.epoch = 2
