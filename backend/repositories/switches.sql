-- insert_switch --
-- A replacement of the primary is asked for. Only one may be open per agent: switches_open_uq.
INSERT INTO switches (
    id, client_id, agent_id, command_id, cause, status, reason,
    old_instance_id, old_instance_type, old_az, old_mode, old_pool_id,
    new_instance_type, new_az, new_mode, new_pool_id, requested_at
)
VALUES (
    %(id)s, %(client_id)s, %(agent_id)s, %(command_id)s, %(cause)s, 'requested', %(reason)s,
    %(old_instance_id)s, %(old_instance_type)s, %(old_az)s, %(old_mode)s, %(old_pool_id)s,
    %(new_instance_type)s, %(new_az)s, %(new_mode)s, %(new_pool_id)s, %(now)s
)

-- find_open_switch --
-- The one open switch of an agent, and who holds its command. Index: switches_open_uq.
SELECT
    s.id,
    s.command_id,
    s.status,
    s.cause,
    s.old_instance_id,
    s.new_instance_id,
    s.new_instance_type,
    s.new_az,
    s.new_mode,
    s.new_pool_id,
    c.lease_protocol,
    c.status AS command_status
FROM switches AS s
LEFT JOIN commands AS c ON c.id = s.command_id
WHERE s.open_slot = %(agent_id)s

-- find_reported_switch --
-- The row that a report belongs to, best match first: this very report, then the command it
-- names unless that was reported with another new instance, then the newest row that knows the
-- same new instance.
SELECT
    s.id,
    s.command_id,
    s.status,
    s.cause,
    s.report_key,
    s.old_instance_id,
    s.new_instance_id
FROM switches AS s
WHERE
    s.agent_id = %(agent_id)s
    AND (
        s.report_key = %(report_key)s
        OR (
            s.command_id = %(command_id)s
            AND (s.report_key IS NULL OR s.new_instance_id = %(new_instance_id)s)
        )
        OR (s.new_instance_id = %(new_instance_id)s AND s.report_key IS NULL)
    )
ORDER BY
    s.report_key = %(report_key)s DESC,
    s.command_id = %(command_id)s DESC,
    s.requested_at DESC,
    s.id ASC
LIMIT 1

-- record_switch --
-- Write down a reported switch if the agent's epoch is still the expected one.
CALL record_switch(
    %(now)s,
    %(client_id)s,
    %(agent_id)s,
    %(expected_epoch)s,
    %(moves_primary)s,
    %(switch_id)s,
    %(report_key)s,
    %(cause)s,
    %(old_instance_id)s,
    %(old_instance_type)s,
    %(old_az)s,
    %(old_mode)s,
    %(old_pool_id)s,
    %(new_instance_id)s,
    %(new_instance_type)s,
    %(new_region)s,
    %(new_az)s,
    %(new_ami_id)s,
    %(new_mode)s,
    %(new_pool_id)s,
    %(new_is_steady)s,
    %(ondemand_price)s,
    %(old_spot_price)s,
    %(new_spot_price)s,
    %(savings_impact)s,
    %(image_id)s,
    %(snapshot_id)s,
    %(initiated_at)s,
    %(image_created_at)s,
    %(launched_at)s,
    %(ready_at)s,
    %(cut_over_at)s,
    %(old_terminated_at)s,
    %(message)s,
    %(retire_command_id)s,
    %(retire_payload)s,
    %(retire_expires_at)s
)

-- fail_switch_of_command --
-- The command behind an open switch has ended without success. Where it was to verify a promotion
-- the primary has moved all the same. Index: switches_command_uq.
UPDATE switches AS s
INNER JOIN commands AS c ON c.id = s.command_id
SET
    s.status = IF(c.command_type = 'promote', 'completed', 'failed'),
    s.failed_step = IF(c.command_type = 'promote', NULL, %(failed_step)s),
    s.reason = IF(c.command_type = 'promote', 'cut_over_unverified', %(reason)s),
    s.ended_at = %(now)s
WHERE
    s.command_id = %(command_id)s
    AND s.status NOT IN ('completed', 'failed')

-- find_switch_of_command --
-- The switch that a command is to make. Index: switches_command_uq.
SELECT
    s.id,
    s.status,
    s.new_instance_id
FROM switches AS s
WHERE
    s.command_id = %(command_id)s
    AND s.agent_id = %(agent_id)s
    AND s.client_id = %(client_id)s

-- advance_switch --
-- The executor has come further. Compare-and-set on the status. Index: switches_pk.
UPDATE switches
SET
    status = %(status)s,
    new_instance_id = COALESCE(%(new_instance_id)s, new_instance_id),
    new_pool_id = COALESCE(%(new_pool_id)s, new_pool_id),
    new_az = COALESCE(%(new_az)s, new_az),
    initiated_at = COALESCE(initiated_at, %(now)s),
    launched_at = IF(%(new_instance_id)s IS NULL, launched_at, COALESCE(launched_at, %(now)s)),
    ready_at = IF(%(status)s = 'ready', COALESCE(ready_at, %(now)s), ready_at),
    cut_over_at = IF(%(status)s = 'cut_over', COALESCE(cut_over_at, %(now)s), cut_over_at)
WHERE
    id = %(switch_id)s
    AND status = %(expected_status)s

-- mark_old_terminated --
-- The replaced instance is gone. Index: switches_agent_idx.
UPDATE switches
SET old_terminated_at = COALESCE(old_terminated_at, %(terminated_at)s)
WHERE
    agent_id = %(agent_id)s
    AND old_instance_id = %(instance_id)s
    AND status = 'completed'
