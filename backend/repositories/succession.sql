-- list_vacant_agents --
-- Agents whose primary is gone or silent while another instance waits for its place, and those
-- whose switch an installed agent acknowledged although its report was lost.
-- Index: instances_pk, agents_pk.
SELECT
    a.id,
    a.client_id,
    a.logical_agent_id,
    a.epoch,
    a.status,
    a.identity_conflict_at
FROM agents AS a
LEFT JOIN instances AS p ON p.primary_slot = a.id
WHERE
    a.status <> 'deleted'
    AND EXISTS (
        SELECT 1
        FROM instances AS w
        WHERE
            w.agent_id = a.id
            AND w.role IN ('candidate', 'successor')
            AND w.last_seen_at >= %(silent_before)s
    )
    AND (
        p.agent_id IS NULL
        OR p.terminated_at IS NOT NULL
        OR (
            COALESCE(p.last_seen_at, p.role_changed_at) < %(silent_before)s
            AND p.role_changed_at < %(silent_before)s
        )
        OR EXISTS (
            SELECT 1
            FROM switches AS s
            INNER JOIN commands AS c ON c.id = s.command_id
            WHERE
                s.open_slot = a.id
                AND s.new_instance_id IS NOT NULL
                AND c.status = 'completed'
                AND c.lease_protocol < 5
        )
    )
ORDER BY a.id ASC
LIMIT %(limit)s

-- find_waiting_successor --
-- The instance that is bound to the agent's open switch. Index: switches_open_uq.
SELECT s.new_instance_id
FROM switches AS s
INNER JOIN instances AS i
    ON i.agent_id = s.agent_id AND i.instance_id = s.new_instance_id AND i.role = 'successor'
WHERE s.open_slot = %(agent_id)s

-- lock_agent --
-- The agent's epoch, held until the transaction ends. Index: agents_pk.
SELECT
    a.epoch,
    a.primary_instance_id
FROM agents AS a
WHERE a.id = %(agent_id)s
FOR UPDATE

-- retire_primary --
-- The silent primary loses its role. Index: instances_primary_uq.
UPDATE instances
SET
    role = IF(terminated_at IS NULL, 'superseded', 'terminated'),
    role_reason = %(reason)s,
    role_changed_at = %(now)s
WHERE primary_slot = %(agent_id)s

-- appoint_primary --
-- The waiting instance takes the place. Index: instances_pk.
UPDATE instances
SET
    role = 'primary',
    role_reason = %(reason)s,
    role_changed_at = %(now)s
WHERE
    agent_id = %(agent_id)s
    AND instance_id = %(instance_id)s
    AND role IN ('candidate', 'successor')

-- move_primary --
-- The agent follows its new primary. Index: agents_pk.
UPDATE agents
SET
    primary_instance_id = %(instance_id)s,
    epoch = epoch + 1,
    status = 'online',
    offline_announced_at = NULL,
    last_failover_at = %(now)s,
    updated_at = %(now)s
WHERE
    id = %(agent_id)s
    AND epoch = %(epoch)s

-- complete_open_switch --
-- A successor took over without a report. Index: switches_open_uq.
UPDATE switches
SET
    status = 'completed',
    reason = %(reason)s,
    cut_over_at = COALESCE(cut_over_at, %(now)s),
    ended_at = %(now)s
WHERE
    open_slot = %(agent_id)s
    AND new_instance_id = %(instance_id)s

-- complete_command_of_successor --
-- The order that launched the successor is carried out, though nobody said so.
UPDATE commands AS c
INNER JOIN switches AS s ON s.command_id = c.id
SET
    c.status = 'completed',
    c.outcome_code = 'successor_registered',
    c.message = 'The successor took over; the switch was never reported',
    c.ended_at = %(now)s
WHERE
    s.agent_id = %(agent_id)s
    AND s.new_instance_id = %(instance_id)s
    AND c.status = 'leased'

-- record_take_over --
-- A replacement of a primary that no order explains.
INSERT INTO switches (
    id, client_id, agent_id, cause, status, reason,
    old_instance_id, old_instance_type, old_az, old_mode,
    new_instance_id, new_instance_type, new_az, new_mode,
    requested_at, cut_over_at, ended_at
)
SELECT
    %(switch_id)s, n.client_id, n.agent_id, 'loss', 'completed', %(reason)s,
    o.instance_id, o.instance_type, o.az, o.mode,
    n.instance_id, n.instance_type, n.az, n.mode,
    %(now)s, %(now)s, %(now)s
FROM instances AS n
LEFT JOIN instances AS o
    ON o.agent_id = n.agent_id AND o.instance_id = %(old_instance_id)s
WHERE
    n.agent_id = %(agent_id)s
    AND n.instance_id = %(instance_id)s
