-- find_client --
-- A client by its id, to see that a database is the right one.
SELECT c.id
FROM clients AS c
WHERE c.id = %(client_id)s

-- list_agents --
-- Every agent with its primary. Read whole: a drill's database holds one fleet.
SELECT
    a.id AS agent_id,
    a.logical_agent_id,
    a.primary_instance_id,
    a.epoch
FROM agents AS a
WHERE
    a.client_id = %(client_id)s
    AND a.status <> 'deleted'
ORDER BY a.logical_agent_id ASC, a.id ASC
LIMIT 10000

-- list_instances --
-- Every instance with its role, oldest first.
SELECT
    i.agent_id,
    i.instance_id,
    i.role,
    i.first_seen_at,
    i.prices_at
FROM instances AS i
WHERE i.client_id = %(client_id)s
ORDER BY i.first_seen_at ASC, i.instance_id ASC
LIMIT 100000

-- list_commands --
-- Every command with its outcome, oldest first. Index: commands_client_idx.
SELECT
    c.id AS command_id,
    c.agent_id,
    c.command_type,
    c.status,
    c.outcome_code,
    c.message,
    JSON_UNQUOTE(JSON_EXTRACT(c.payload, '$.not_before')) AS not_before
FROM commands AS c
WHERE c.client_id = %(client_id)s
ORDER BY c.created_at ASC, c.id ASC
LIMIT 100000

-- list_switches --
-- Every switch with its instants, oldest first. Index: switches_client_idx.
SELECT
    s.id AS switch_id,
    s.agent_id,
    s.command_id,
    s.cause,
    s.status,
    s.requested_at,
    s.failed_step,
    s.reason,
    s.old_instance_id,
    s.new_instance_id,
    s.initiated_at,
    s.launched_at,
    s.ready_at,
    s.cut_over_at,
    s.reported_at,
    s.ended_at
FROM switches AS s
WHERE s.client_id = %(client_id)s
ORDER BY s.requested_at ASC, s.id ASC
LIMIT 100000

-- shorten_terminate_wait --
-- Lets old instances go soon after a switch, in seconds; agents notice by the version, and
-- their next sync looks because of the count.
UPDATE agent_configs AS c
INNER JOIN agents AS a ON a.id = c.agent_id
LEFT JOIN instances AS i ON i.agent_id = a.id
SET
    c.terminate_wait_seconds = %(seconds)s,
    c.version = c.version + 1,
    c.updated_at = %(now)s,
    i.news_count = i.news_count + 1
WHERE a.client_id = %(client_id)s
