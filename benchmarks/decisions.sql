-- insert_clients --
-- Clients 0 to count - 1.
INSERT INTO clients (id, name, status, created_at, updated_at)
SELECT
    CONCAT('client-', n.number),
    CONCAT('client ', n.number),
    'active',
    %(now)s,
    %(now)s
FROM JSON_TABLE(%(clients)s, '$[*]' COLUMNS (number INT PATH '$')) AS n

-- insert_pools --
-- Six zones of each of these sizes, which clients know by AZ id.
INSERT INTO spot_pools (region, zone, instance_type, created_at)
SELECT
    'us-east-1',
    CONCAT('use1-az', z.number + 1),
    CONCAT('m5.', n.number, 'xlarge'),
    %(now)s
FROM JSON_TABLE(%(sizes)s, '$[*]' COLUMNS (number INT PATH '$')) AS n
CROSS JOIN JSON_TABLE('[0, 1, 2, 3, 4, 5]', '$[*]' COLUMNS (number INT PATH '$')) AS z

-- insert_prices --
-- Every client knows every pool: some at half of the on-demand price of 0.2 USD/h, some near it.
INSERT INTO pool_prices (client_id, pool_id, az, price_usd_per_hour, observed_at, reported_at)
SELECT
    c.id,
    p.id,
    CONCAT('us-east-1', CHAR(96 + RIGHT(p.zone, 1))),
    0.05 + 0.028 * RIGHT(p.zone, 1),
    %(now)s,
    %(now)s
FROM clients AS c
CROSS JOIN spot_pools AS p

-- insert_ondemand --
-- What on-demand costs, for every client and type.
INSERT INTO ondemand_price_snapshots (
    client_id, region, instance_type, bucket_at, price_usd_per_hour, source, observed_at, agent_id
)
SELECT DISTINCT
    c.id,
    p.region,
    p.instance_type,
    %(now)s,
    0.2,
    'agent',
    %(now)s,
    'agent'
FROM clients AS c
CROSS JOIN spot_pools AS p

-- insert_agents --
-- Agents of these numbers, spread over the clients.
INSERT INTO agents (
    id, client_id, logical_agent_id, status, primary_instance_id, epoch, created_at, updated_at
)
SELECT
    CONCAT('agent-', n.number),
    CONCAT('client-', n.number MOD %(client_count)s),
    CONCAT('server-', n.number),
    'online',
    CONCAT('i-', n.number),
    1,
    %(now)s,
    %(now)s
FROM JSON_TABLE(%(numbers)s, '$[*]' COLUMNS (number INT PATH '$')) AS n

-- insert_configs --
-- Settings as a new agent has them.
INSERT INTO agent_configs (agent_id, updated_at)
SELECT
    a.id,
    %(now)s
FROM agents AS a

-- insert_instances --
-- Their primaries: one in twenty on on-demand, the others spread over six zones.
INSERT INTO instances (
    agent_id, instance_id, client_id, role, role_reason, protocol, is_steady, mode, instance_type,
    region, az, launched_at, last_seen_at, role_changed_at
)
SELECT
    a.id,
    a.primary_instance_id,
    a.client_id,
    'primary',
    'first',
    5,
    1,
    IF(n.number MOD 20 = 0, 'ondemand', 'spot'),
    CONCAT('m5.', 1 + n.number MOD %(size_count)s, 'xlarge'),
    'us-east-1',
    CONCAT('us-east-1', CHAR(97 + n.number DIV 7 MOD 6)),
    TIMESTAMPADD(DAY, -2, %(now)s),
    %(now)s,
    TIMESTAMPADD(DAY, -2, %(now)s)
FROM JSON_TABLE(%(numbers)s, '$[*]' COLUMNS (number INT PATH '$')) AS n
INNER JOIN agents AS a ON a.id = CONCAT('agent-', n.number)

-- count_rows --
-- What passes left behind.
SELECT
    (SELECT COUNT(*) FROM decision_engine_log) AS decision_count,
    (SELECT COUNT(*) FROM risk_scores) AS score_count,
    (SELECT COUNT(*) FROM commands) AS command_count

-- touch_prices --
-- The market goes on: the same prices, seen again.
UPDATE pool_prices
SET
    observed_at = %(now)s,
    reported_at = %(now)s
