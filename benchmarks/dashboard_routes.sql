-- insert_clean_points --
-- Clean prices of these five-minute buckets before now: what every client knows of every pool.
INSERT INTO pricing_snapshots_clean (
    pool_id, bucket_at, scope, day_on, client_id, price_usd_per_hour, source, sample_count,
    report_count, spread_usd_per_hour, is_discrepant, updated_at
)
SELECT
    p.pool_id,
    TIMESTAMPADD(MINUTE, -5 * b.step, %(bucket_at)s),
    p.client_id,
    DATE(TIMESTAMPADD(MINUTE, -5 * b.step, %(bucket_at)s)),
    p.client_id,
    p.price_usd_per_hour + 0.0001 * (b.step MOD 7),
    'primary',
    1,
    1,
    0,
    0,
    %(now)s
FROM JSON_TABLE(%(steps)s, '$[*]' COLUMNS (step INT PATH '$')) AS b
CROSS JOIN pool_prices AS p

-- insert_raw_points --
-- The reports that those points were made from.
INSERT INTO spot_price_snapshots (
    client_id, pool_id, bucket_at, reporter_slot, price_usd_per_hour, observed_at, received_at,
    agent_id, instance_id, source
)
SELECT
    p.client_id,
    p.pool_id,
    TIMESTAMPADD(MINUTE, -5 * b.step, %(bucket_at)s),
    'primary',
    p.price_usd_per_hour + 0.0001 * (b.step MOD 7),
    TIMESTAMPADD(MINUTE, -5 * b.step, %(bucket_at)s),
    TIMESTAMPADD(MINUTE, -5 * b.step, %(bucket_at)s),
    'agent-0',
    'i-0',
    'primary'
FROM JSON_TABLE(%(steps)s, '$[*]' COLUMNS (step INT PATH '$')) AS b
CROSS JOIN pool_prices AS p

-- insert_ondemand_points --
-- What on demand costs, in the hours of those buckets.
INSERT INTO ondemand_price_snapshots (
    client_id, region, instance_type, bucket_at, price_usd_per_hour, source, observed_at, agent_id
)
SELECT DISTINCT
    p.client_id,
    s.region,
    s.instance_type,
    TIMESTAMPADD(MINUTE, -5 * b.step, %(bucket_at)s),
    0.2,
    'agent',
    TIMESTAMPADD(MINUTE, -5 * b.step, %(bucket_at)s),
    'agent-0'
FROM JSON_TABLE(%(steps)s, '$[*]' COLUMNS (step INT PATH '$')) AS b
CROSS JOIN pool_prices AS p
INNER JOIN spot_pools AS s ON s.id = p.pool_id
WHERE b.step > 0 AND b.step MOD 12 = 0

-- insert_switches --
-- Completed switches of every agent, a few hours apart.
INSERT INTO switches (
    id, client_id, agent_id, cause, status, old_instance_id, old_instance_type, old_az, old_mode,
    old_pool_id, new_instance_id, new_instance_type, new_az, new_mode, new_pool_id,
    ondemand_price_usd_per_hour, old_spot_price_usd_per_hour, new_spot_price_usd_per_hour,
    savings_impact_usd_per_hour, requested_at, initiated_at, reported_at, ended_at
)
SELECT
    UUID(),
    a.client_id,
    a.id,
    IF(n.step MOD 3 = 0, 'manual', 'engine'),
    'completed',
    CONCAT(a.primary_instance_id, '-', n.step + 1),
    'm5.1xlarge',
    'us-east-1a',
    'spot',
    'm5.1xlarge.us-east-1a',
    IF(n.step = 0, a.primary_instance_id, CONCAT(a.primary_instance_id, '-', n.step)),
    'm5.1xlarge',
    'us-east-1b',
    'spot',
    'm5.1xlarge.us-east-1b',
    0.2,
    0.1,
    0.08,
    0.02,
    TIMESTAMPADD(HOUR, -7 * n.step - 1, %(now)s),
    TIMESTAMPADD(HOUR, -7 * n.step - 1, %(now)s),
    TIMESTAMPADD(HOUR, -7 * n.step - 1, %(now)s),
    TIMESTAMPADD(HOUR, -7 * n.step - 1, %(now)s)
FROM JSON_TABLE(%(steps)s, '$[*]' COLUMNS (step INT PATH '$')) AS n
CROSS JOIN agents AS a

-- insert_events --
-- What happened to every agent.
INSERT INTO system_events (
    event_type, severity, client_id, agent_id, instance_id, message, created_at
)
SELECT
    'switch_completed',
    'info',
    a.client_id,
    a.id,
    a.primary_instance_id,
    'Switched to a cheaper pool',
    TIMESTAMPADD(MINUTE, -11 * n.step, %(now)s)
FROM JSON_TABLE(%(steps)s, '$[*]' COLUMNS (step INT PATH '$')) AS n
CROSS JOIN agents AS a

-- insert_notifications --
-- What people were told of every agent.
INSERT INTO notifications (
    client_id, agent_id, notification_type, severity, message, created_at
)
SELECT
    a.client_id,
    a.id,
    'switch_completed',
    'info',
    'Switched to a cheaper pool',
    TIMESTAMPADD(MINUTE, -11 * n.step, %(now)s)
FROM JSON_TABLE(%(steps)s, '$[*]' COLUMNS (step INT PATH '$')) AS n
CROSS JOIN agents AS a

-- insert_reports --
-- That every agent reported prices lately.
INSERT INTO pricing_reports (
    agent_id, instance_id, observed_at, client_id, received_at, ondemand_price_usd_per_hour,
    spot_price_usd_per_hour, accepted_count, refused_count
)
SELECT
    a.id,
    a.primary_instance_id,
    TIMESTAMPADD(MINUTE, -5 * n.step, %(now)s),
    a.client_id,
    TIMESTAMPADD(MINUTE, -5 * n.step, %(now)s),
    0.2,
    0.08,
    6,
    0
FROM JSON_TABLE(%(steps)s, '$[*]' COLUMNS (step INT PATH '$')) AS n
CROSS JOIN agents AS a

-- insert_health --
-- The vitals of every agent.
INSERT INTO agent_health_metrics (
    agent_id, bucket_at, client_id, instance_id, silent_seconds, cpu_percent, memory_percent,
    disk_percent
)
SELECT
    a.id,
    TIMESTAMPADD(MINUTE, -5 * n.step, %(bucket_at)s),
    a.client_id,
    a.primary_instance_id,
    10,
    12.5,
    40,
    55
FROM JSON_TABLE(%(steps)s, '$[*]' COLUMNS (step INT PATH '$')) AS n
CROSS JOIN agents AS a

-- insert_audit --
-- What operators did.
INSERT INTO audit_logs (
    actor_type, actor_name, action, client_id, subject_type, subject_id, created_at
)
SELECT
    'operator',
    'ann',
    'agent_config_changed',
    a.client_id,
    'agent',
    a.id,
    TIMESTAMPADD(MINUTE, -11 * n.step, %(now)s)
FROM JSON_TABLE(%(steps)s, '$[*]' COLUMNS (step INT PATH '$')) AS n
CROSS JOIN agents AS a

-- find_agent --
-- One agent with settings and primary: what a loop over agents would ask for each of them.
SELECT
    a.id,
    a.logical_agent_id,
    a.status,
    f.enabled,
    i.instance_type,
    i.az,
    i.mode,
    i.last_seen_at
FROM agents AS a
INNER JOIN agent_configs AS f ON f.agent_id = a.id
LEFT JOIN instances AS i ON i.agent_id = a.id AND i.instance_id = a.primary_instance_id
WHERE a.id = %(agent_id)s

-- count_rows --
-- How much there is.
SELECT
    (SELECT COUNT(*) FROM agents) AS agents,
    (SELECT COUNT(*) FROM pricing_snapshots_clean)
    + (SELECT COUNT(*) FROM spot_price_snapshots) AS prices
