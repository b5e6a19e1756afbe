-- tell_news --
-- The next sync of every instance of these agents looks again. Locks their rows. Index:
-- instances_pk.
UPDATE instances AS i
INNER JOIN JSON_TABLE(
    %(orders)s, '$[*]' COLUMNS (agent_id VARCHAR(36) CHARACTER SET utf8mb4 PATH '$.agent_id')
) AS w ON w.agent_id COLLATE utf8mb4_bin = i.agent_id
SET i.news_count = i.news_count + 1

-- insert_switches --
-- Open the switches of agents that are as they were when they were judged: same epoch, engines may
-- move them, no switch open, and no command with this key yet. Indexes: agents_pk, switches_open_uq.
INSERT INTO switches (
    id, client_id, agent_id, command_id, cause, status, reason,
    old_instance_id, old_instance_type, old_az, old_mode, old_pool_id,
    new_instance_type, new_az, new_mode, new_pool_id, requested_at
)
SELECT
    w.switch_id,
    a.client_id,
    a.id,
    w.command_id,
    'engine',
    'requested',
    w.reason,
    i.instance_id,
    i.instance_type,
    i.az,
    i.mode,
    w.old_pool_id,
    i.instance_type,
    w.new_az,
    w.new_mode,
    w.new_pool_id,
    %(now)s
FROM JSON_TABLE(
    %(orders)s, '$[*]' COLUMNS (
        agent_id VARCHAR(36) CHARACTER SET utf8mb4 PATH '$.agent_id',
        switch_id VARCHAR(36) CHARACTER SET utf8mb4 PATH '$.switch_id',
        command_id VARCHAR(36) CHARACTER SET utf8mb4 PATH '$.command_id',
        idempotency_key VARCHAR(128) CHARACTER SET utf8mb4 PATH '$.idempotency_key',
        epoch INT PATH '$.epoch',
        instance_id VARCHAR(64) CHARACTER SET utf8mb4 PATH '$.instance_id',
        reason VARCHAR(255) CHARACTER SET utf8mb4 PATH '$.reason',
        old_pool_id VARCHAR(128) CHARACTER SET utf8mb4 PATH '$.old_pool_id',
        new_az VARCHAR(48) CHARACTER SET utf8mb4 PATH '$.new_az',
        new_mode VARCHAR(16) CHARACTER SET utf8mb4 PATH '$.new_mode',
        new_pool_id VARCHAR(128) CHARACTER SET utf8mb4 PATH '$.new_pool_id'
    )
) AS w
INNER JOIN agents AS a ON a.id = w.agent_id COLLATE utf8mb4_bin
INNER JOIN agent_configs AS f ON f.agent_id = a.id
INNER JOIN instances AS i ON i.agent_id = a.id AND i.instance_id = a.primary_instance_id
WHERE
    a.epoch = w.epoch
    AND a.status = 'online'
    AND i.instance_id = w.instance_id COLLATE utf8mb4_bin
    AND f.enabled = 1
    AND f.auto_switch_enabled = 1
    AND NOT EXISTS (
        SELECT 1
        FROM switches AS s
        WHERE s.open_slot = a.id
    )
    AND NOT EXISTS (
        SELECT 1
        FROM commands AS c
        WHERE c.agent_id = a.id AND c.idempotency_key = w.idempotency_key COLLATE utf8mb4_bin
    )

-- insert_commands --
-- The commands of the switches that were opened just now. Index: switches_command_uq.
INSERT INTO commands (
    id, client_id, agent_id, command_type, instance_id, target_mode, target_pool_id, payload,
    priority, terminate_wait_seconds, reason, created_by, idempotency_key, status, expires_at,
    created_at
)
SELECT
    s.command_id,
    s.client_id,
    s.agent_id,
    'switch',
    s.old_instance_id,
    s.new_mode,
    s.new_pool_id,
    w.payload,
    w.priority,
    w.terminate_wait_seconds,
    s.reason,
    w.created_by,
    w.idempotency_key,
    'pending',
    %(expires_at)s,
    %(now)s
FROM JSON_TABLE(
    %(orders)s, '$[*]' COLUMNS (
        command_id VARCHAR(36) CHARACTER SET utf8mb4 PATH '$.command_id',
        payload JSON PATH '$.payload',
        priority INT PATH '$.priority',
        terminate_wait_seconds INT PATH '$.terminate_wait_seconds',
        created_by VARCHAR(100) CHARACTER SET utf8mb4 PATH '$.created_by',
        idempotency_key VARCHAR(128) CHARACTER SET utf8mb4 PATH '$.idempotency_key'
    )
) AS w
INNER JOIN switches AS s ON s.command_id = w.command_id COLLATE utf8mb4_bin

-- list_ordered --
-- Which of some agents have a command with their key: ordered just now, or by an earlier run of the
-- same pass. Index: commands_idempotency_uq.
SELECT
    c.agent_id,
    c.id AS command_id
FROM JSON_TABLE(
    %(orders)s, '$[*]' COLUMNS (
        agent_id VARCHAR(36) CHARACTER SET utf8mb4 PATH '$.agent_id',
        idempotency_key VARCHAR(128) CHARACTER SET utf8mb4 PATH '$.idempotency_key'
    )
) AS w
INNER JOIN commands AS c
    ON
        c.agent_id = w.agent_id COLLATE utf8mb4_bin
        AND c.idempotency_key = w.idempotency_key COLLATE utf8mb4_bin
ORDER BY c.agent_id ASC
LIMIT 10000

-- insert_events --
-- What was ordered, for the history of each agent.
INSERT INTO system_events (
    event_type, severity, client_id, agent_id, instance_id, message, details, created_at
)
SELECT
    'engine_switch_requested',
    'info',
    s.client_id,
    s.agent_id,
    s.old_instance_id,
    w.message,
    JSON_OBJECT('target', COALESCE(s.new_pool_id, s.new_mode), 'command_id', s.command_id),
    %(now)s
FROM JSON_TABLE(
    %(orders)s, '$[*]' COLUMNS (
        command_id VARCHAR(36) CHARACTER SET utf8mb4 PATH '$.command_id',
        message VARCHAR(500) CHARACTER SET utf8mb4 PATH '$.message'
    )
) AS w
INNER JOIN switches AS s ON s.command_id = w.command_id COLLATE utf8mb4_bin
