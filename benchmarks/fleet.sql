-- insert_client --
-- The one tenant of the fleet.
INSERT INTO clients (id, name, status, created_at, updated_at)
VALUES (%(client_id)s, 'benchmark', 'active', %(now)s, %(now)s)

-- insert_token --
-- The token that every agent of the fleet shows.
INSERT INTO client_tokens (id, client_id, name, scope, token_hash, token_hint, created_at)
VALUES (
    %(client_id)s, %(client_id)s, 'agents', 'agent', UNHEX(%(token_hash)s), %(hint)s, %(now)s
)

-- insert_agents --
-- Agents 0 to size - 1; the load scripts compute the same ids.
INSERT INTO agents (
    id, client_id, logical_agent_id, status, primary_instance_id, epoch, created_at, updated_at
)
SELECT
    CONCAT('00000000-0000-4000-8000-', LPAD(HEX(d1.n + 100 * d2.n), 12, '0')),
    %(client_id)s,
    CONCAT('web-', d1.n + 100 * d2.n),
    'online',
    CONCAT('i-', LPAD(HEX(d1.n + 100 * d2.n), 17, '0')),
    1,
    %(now)s,
    %(now)s
FROM
    JSON_TABLE(%(hundred)s, '$[*]' COLUMNS (n INT PATH '$')) AS d1,
    JSON_TABLE(%(hundreds)s, '$[*]' COLUMNS (n INT PATH '$')) AS d2

-- insert_configs --
-- Default settings for every agent.
INSERT INTO agent_configs (agent_id, updated_at)
SELECT
    a.id,
    %(now)s
FROM agents AS a

-- insert_instances --
-- A primary for every agent: protocol 5 where the number is even, else 4.
INSERT INTO instances (
    agent_id, instance_id, client_id, role, role_reason, protocol, is_steady, mode, instance_type,
    region, az, first_seen_at, last_seen_at, role_changed_at
)
SELECT
    a.id,
    a.primary_instance_id,
    a.client_id,
    'primary',
    'benchmark',
    IF(CONV(RIGHT(a.id, 12), 16, 10) MOD 2 = 0, 5, 4),
    1,
    'spot',
    'm5.large',
    'us-east-1',
    'us-east-1a',
    %(now)s,
    %(now)s,
    %(now)s
FROM agents AS a

-- insert_ceiling --
-- The ceiling's own table: a row per agent, an integer key, no further index.
INSERT INTO benchmark_ceiling (id, touched_at)
SELECT
    d1.n + 100 * d2.n,
    %(now)s
FROM
    JSON_TABLE(%(hundred)s, '$[*]' COLUMNS (n INT PATH '$')) AS d1,
    JSON_TABLE(%(hundreds)s, '$[*]' COLUMNS (n INT PATH '$')) AS d2

-- create_ceiling --
-- See insert_ceiling.
CREATE TABLE benchmark_ceiling (
    id INT NOT NULL,
    touched_at DATETIME(3) NOT NULL,
    CONSTRAINT benchmark_ceiling_pk PRIMARY KEY (id)
) ENGINE = InnoDB

-- rest --
-- Everybody was heard just now: silent agents take another road, which is not measured here.
UPDATE instances
SET last_seen_at = %(now)s, is_steady = 1

-- count_moved --
-- How many instances were heard since an instant.
SELECT COUNT(*) AS moved
FROM instances
WHERE last_seen_at > %(since)s

-- count_reports --
-- How many price reports are kept.
SELECT COUNT(*) AS kept
FROM pricing_reports
