-- lease_commands --
-- Who the caller is to this agent, then the commands that it may execute now.
CALL lease_commands(
    %(now)s,
    %(client_id)s,
    %(agent_id)s,
    %(instance_id)s,
    %(live_since)s,
    %(contested_priority)s,
    %(lease_seconds_classic)s,
    %(lease_seconds_native)s
)

-- complete_command --
-- End a command if it still has the status that was judged.
CALL complete_command(
    %(now)s,
    %(client_id)s,
    %(agent_id)s,
    %(command_id)s,
    %(expected_status)s,
    %(status)s,
    %(outcome_code)s,
    %(message)s,
    %(failed_step)s
)

-- insert_command --
-- A new instruction; its idempotency key is unique per agent.
INSERT INTO commands (
    id, client_id, agent_id, command_type, instance_id, target_mode, target_pool_id, payload,
    priority, terminate_wait_seconds, reason, created_by, idempotency_key, status, outcome_code,
    message, expires_at, created_at, ended_at
)
VALUES (
    %(id)s, %(client_id)s, %(agent_id)s, %(command_type)s, %(instance_id)s, %(target_mode)s,
    %(target_pool_id)s, %(payload)s, %(priority)s, %(terminate_wait_seconds)s, %(reason)s,
    %(created_by)s, %(idempotency_key)s, %(status)s, %(outcome_code)s, %(message)s,
    %(expires_at)s, %(now)s, %(ended_at)s
)

-- find_command --
-- One command of one agent of one client. Index: commands_pk.
SELECT
    c.id,
    c.command_type,
    c.status,
    c.outcome_code,
    c.message,
    c.lease_instance_id,
    c.target_mode,
    c.target_pool_id,
    c.created_at,
    c.ended_at
FROM commands AS c
WHERE
    c.id = %(command_id)s
    AND c.agent_id = %(agent_id)s
    AND c.client_id = %(client_id)s

-- find_command_by_key --
-- What an earlier request with the same idempotency key made. Index: commands_idempotency_uq.
SELECT
    c.id,
    c.command_type,
    c.status,
    c.target_mode,
    c.target_pool_id,
    c.terminate_wait_seconds
FROM commands AS c
WHERE
    c.agent_id = %(agent_id)s
    AND c.idempotency_key = %(idempotency_key)s

-- list_overdue_leases --
-- Leases that ran out while their holder could not journal them, or while the holder lost its
-- agent: nobody can tell whether the command was carried out. Index: commands_lease_idx.
SELECT
    c.id,
    c.client_id,
    c.agent_id,
    c.command_type,
    c.lease_instance_id,
    c.status
FROM commands AS c
LEFT JOIN instances AS i
    ON i.agent_id = c.agent_id AND i.instance_id = c.lease_instance_id
WHERE
    c.status = 'leased'
    AND c.lease_expires_at < %(now)s
    AND (c.lease_protocol < 5 OR i.role IS NULL OR i.role IN ('superseded', 'terminated'))
ORDER BY c.lease_expires_at ASC, c.id ASC
LIMIT %(limit)s

-- list_overdue_pending --
-- Commands that nobody fetched in time, and those made for an instance that lost its agent.
-- Index: commands_expiry_idx.
SELECT
    c.id,
    c.client_id,
    c.agent_id,
    c.command_type,
    c.lease_instance_id,
    c.status
FROM commands AS c
LEFT JOIN instances AS i
    ON i.agent_id = c.agent_id AND i.instance_id = c.instance_id
WHERE
    c.status = 'pending'
    AND (c.expires_at < %(now)s OR i.role IN ('superseded', 'terminated'))
ORDER BY c.expires_at ASC, c.id ASC
LIMIT %(limit)s

-- expire_command --
-- Nobody may fetch it any more. Index: commands_pk.
UPDATE commands
SET
    status = 'expired',
    outcome_code = 'expired',
    message = %(message)s,
    ended_at = %(now)s
WHERE
    id = %(command_id)s
    AND status = 'pending'
