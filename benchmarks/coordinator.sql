-- insert_clients --
-- Clients 0 to count - 1.
INSERT INTO clients (id, name, status, created_at, updated_at)
SELECT
    CONCAT('client-', n.number),
    CONCAT('client ', n.number),
    'active',
    %(now)s,
    %(now)s
FROM JSON_TABLE(%(numbers)s, '$[*]' COLUMNS (number INT PATH '$')) AS n

-- insert_pools --
-- Three pools of one type for each client.
INSERT INTO spot_pools (client_id, region, zone, instance_type, created_at)
SELECT
    c.id,
    'us-east-1',
    CONCAT('us-east-1', CHAR(97 + n.number)),
    'm5.large',
    %(now)s
FROM JSON_TABLE('[0, 1, 2]', '$[*]' COLUMNS (number INT PATH '$')) AS n
CROSS JOIN clients AS c

-- insert_knowledge --
-- Every client has heard of its pools just now.
INSERT INTO pool_prices (client_id, pool_id, az, price_usd_per_hour, observed_at, reported_at)
SELECT
    p.client_id,
    p.id,
    p.zone,
    0.03,
    %(now)s,
    %(now)s
FROM spot_pools AS p

-- insert_agents --
-- Agents, dealt out to the clients in turn.
INSERT INTO agents (
    id, client_id, logical_agent_id, status, primary_instance_id, epoch, created_at, updated_at
)
SELECT
    CONCAT('agent-', LPAD(n.number, 6, '0')),
    CONCAT('client-', n.number MOD %(clients)s),
    CONCAT('server-', n.number),
    'online',
    CONCAT('i-p', n.number),
    1,
    %(now)s,
    %(now)s
FROM JSON_TABLE(%(numbers)s, '$[*]' COLUMNS (number INT PATH '$')) AS n

-- insert_configs --
-- All of them in manual mode: a standby at all times.
INSERT INTO agent_configs (agent_id, auto_switch_enabled, manual_replica_enabled, updated_at)
SELECT
    a.id,
    0,
    1,
    %(now)s
FROM agents AS a

-- insert_primaries --
-- Their primaries, heard just now.
INSERT INTO instances (
    agent_id, instance_id, client_id, role, role_reason, protocol, is_steady, mode, instance_type,
    region, az, ondemand_price_usd_per_hour, last_seen_at, role_changed_at
)
SELECT
    a.id, a.primary_instance_id, a.client_id, 'primary', 'first', 5, 1, 'spot', 'm5.large',
    'us-east-1', CONCAT('us-east-1', CHAR(97 + RIGHT(a.id, 3) MOD 3)), 0.096, %(now)s, %(now)s
FROM agents AS a

-- insert_standbys --
-- A ready standby for every agent, in the next zone.
INSERT INTO replica_instances (
    id, client_id, agent_id, kind, status, standby_slot, instance_id, instance_type, region, az,
    mode, pool_name, pools, protocol, created_by, created_at, launched_at, ready_at
)
SELECT
    CONCAT('replica-', a.id), a.client_id, a.id, 'manual', 'ready', 1, CONCAT('i-r', a.id),
    'm5.large', 'us-east-1', 'us-east-1b', 'spot', 'm5.large.us-east-1b',
    '["m5.large.us-east-1b"]', 5, 'benchmark', %(ordered_at)s, %(ordered_at)s, %(ordered_at)s
FROM agents AS a

-- insert_standby_instances --
-- What runs for the standbys, heard just now.
INSERT INTO instances (
    agent_id, instance_id, client_id, role, role_reason, protocol, is_steady, mode, instance_type,
    region, az, last_seen_at, role_changed_at
)
SELECT
    r.agent_id, r.instance_id, r.client_id, 'replica', 'order', 5, 1, 'spot', 'm5.large',
    'us-east-1', 'us-east-1b', %(now)s, %(now)s
FROM replica_instances AS r

-- silence_standbys --
-- A tenth of the standbys fell silent, of every client as many.
UPDATE instances
SET last_seen_at = %(heard_at)s
WHERE
    role = 'replica'
    AND CAST(RIGHT(agent_id, 6) AS UNSIGNED) DIV 20 MOD 10 = 7

-- end_manual_mode --
-- Nobody wants a standby any more.
UPDATE agent_configs
SET manual_replica_enabled = 0

-- arm_watch --
-- The watcher has been running for long: silence counts.
INSERT INTO settings (name, value, updated_at)
VALUES
    ('fallback.armed_at', %(at)s, %(now)s),
    ('fallback.watched_at', %(at)s, %(now)s)
