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

-- insert_shared_pools --
-- Pools 1 to count, which clients know by AZ id.
INSERT INTO spot_pools (id, region, zone, instance_type, created_at)
SELECT
    n.number,
    'us-east-1',
    CONCAT('use1-az', n.number MOD 6),
    CONCAT('m5.', n.number, 'xlarge'),
    %(now)s
FROM JSON_TABLE(%(pools)s, '$[*]' COLUMNS (number INT PATH '$')) AS n

-- insert_own_pools --
-- As many for each client alone: what agents report that know no AZ ids.
INSERT INTO spot_pools (client_id, region, zone, instance_type, created_at)
SELECT
    c.id,
    'us-east-1',
    CONCAT('us-east-1', CHAR(97 + n.number MOD 6)),
    CONCAT('m5.', n.number, 'xlarge'),
    %(now)s
FROM JSON_TABLE(%(pools)s, '$[*]' COLUMNS (number INT PATH '$')) AS n
CROSS JOIN clients AS c

-- insert_knowledge --
-- Every client has heard of its pools.
INSERT INTO pool_prices (client_id, pool_id, az, price_usd_per_hour, observed_at, reported_at)
SELECT
    c.id,
    p.id,
    CONCAT('us-east-1', CHAR(97 + p.id MOD 6)),
    0.1,
    %(now)s,
    %(now)s
FROM clients AS c
INNER JOIN spot_pools AS p ON p.owner IN ('', c.id)

-- insert_reports --
-- For one bucket: reports of every pool by every client, numbered, a minute apart. Number 3 differs
-- by more than 0.5 % from the others in one bucket of fifty.
INSERT INTO spot_price_snapshots (
    client_id, pool_id, bucket_at, reporter_slot, price_usd_per_hour, observed_at, received_at,
    agent_id, instance_id, source
)
SELECT
    v.client_id,
    v.pool_id,
    %(bucket_at)s,
    n.number,
    0.1 + v.pool_id / 1000 + IF(n.number = 3 AND (v.pool_id + %(step)s) MOD 50 = 0, 0.01, 0),
    TIMESTAMPADD(MINUTE, n.number, %(bucket_at)s),
    TIMESTAMPADD(SECOND, 60 * n.number + v.pool_id MOD 60, %(bucket_at)s),
    'agent',
    CONCAT('i-', n.number),
    IF(n.number = 0, 'primary', 'other')
FROM JSON_TABLE(%(numbers)s, '$[*]' COLUMNS (number INT PATH '$')) AS n
CROSS JOIN pool_prices AS v

-- insert_points --
-- For one bucket: a clean point of every pool for every client.
INSERT INTO pricing_snapshots_clean (
    pool_id, bucket_at, scope, day_on, client_id, price_usd_per_hour, source, sample_count,
    report_count, spread_usd_per_hour, is_discrepant, updated_at
)
SELECT
    v.pool_id,
    %(bucket_at)s,
    v.client_id,
    DATE(%(bucket_at)s),
    v.client_id,
    0.1 + %(step)s / 1000,
    'primary',
    1,
    1,
    0,
    0,
    %(now)s
FROM pool_prices AS v

-- count_points --
-- Clean points, agreements among them.
SELECT COUNT(*) AS row_count
FROM pricing_snapshots_clean

-- count_fills --
-- Points that fill gaps.
SELECT COUNT(*) AS row_count
FROM pricing_snapshots_interpolated

-- insert_pending --
-- One more report of every fifth shared pool with its five neighbours by each client, for each
-- number: as many reports of six prices as five times the numbers, times the clients.
INSERT INTO pending_price_reports (
    client_id, agent_id, instance_id, own_source, observed_at, bucket_at, received_at, shared_slot,
    own_slot, region, instance_type, ondemand_price_usd_per_hour, ondemand_source, entries
)
SELECT
    c.id,
    CONCAT('agent-', n.number),
    CONCAT('i-', n.number),
    'primary',
    %(now)s,
    %(bucket_at)s,
    %(now)s,
    CAST(n.number MOD 5 AS CHAR),
    CONCAT('i-', n.number, '@', p.id),
    'us-east-1',
    p.instance_type,
    0.2,
    'agent',
    CONCAT(
        '[{"p":', p.id, ',"z":"us-east-1a","c":0.1,"o":1},',
        '{"p":', p.id MOD 25 + 1, ',"z":"us-east-1b","c":0.1,"o":0},',
        '{"p":', (p.id + 1) MOD 25 + 1, ',"z":"us-east-1c","c":0.1,"o":0},',
        '{"p":', (p.id + 2) MOD 25 + 1, ',"z":"us-east-1d","c":0.1,"o":0},',
        '{"p":', (p.id + 3) MOD 25 + 1, ',"z":"us-east-1e","c":0.1,"o":0},',
        '{"p":', (p.id + 4) MOD 25 + 1, ',"z":"us-east-1f","c":0.1,"o":0}]'
    )
FROM JSON_TABLE(%(numbers)s, '$[*]' COLUMNS (number INT PATH '$')) AS n
CROSS JOIN clients AS c
INNER JOIN spot_pools AS p ON p.client_id IS NULL AND p.id MOD 5 = 0
