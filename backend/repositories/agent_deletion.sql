-- mark_deleted --
-- The agent is no longer ours to steer. Index: agents_pk.
UPDATE agents
SET
    status = 'deleted',
    deleted_at = %(now)s,
    updated_at = %(now)s
WHERE
    id = %(agent_id)s
    AND status <> 'deleted'

-- unsettle_instances --
-- The next heartbeat of an installed agent takes the slow path, which tells it that it is deleted.
-- A sync of ours looks again and hears it there; it must not be unknown, or it would register, and
-- that brings the agent back to life. Index: instances_pk.
UPDATE instances
SET
    is_steady = IF(protocol >= 5, 1, 0),
    news_count = news_count + 1
WHERE agent_id = %(agent_id)s

-- fail_waiting_switch --
-- The open switch whose order nobody has taken yet will not happen. Indexes: switches_open_uq,
-- commands_pk.
UPDATE switches AS s
LEFT JOIN commands AS c ON c.id = s.command_id
SET
    s.status = 'failed',
    s.failed_step = 'agent_deleted',
    s.ended_at = %(now)s
WHERE
    s.open_slot = %(agent_id)s
    AND (c.id IS NULL OR c.status = 'pending')

-- cancel_pending --
-- Orders that nobody has taken yet are void. Index: commands_queue_idx.
UPDATE commands
SET
    status = 'cancelled',
    outcome_code = 'agent_deleted',
    message = 'The agent was deleted',
    ended_at = %(now)s
WHERE
    agent_id = %(agent_id)s
    AND status = 'pending'
