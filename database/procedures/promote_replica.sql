-- Make a replica, or the running successor of an open switch, the primary of its agent: one
-- transaction, all or nothing.
-- kind: sealed
-- caller: repositories.promotions.promote_replica
-- locks: agents, instances, switches, replica_instances, commands, spot_interruption_events
-- result: applied = 1, or 0 when what it was judged on has changed (read again, decide again): the
-- agent's epoch, the replica's status, instance or doom, the successor's switch.
-- Exactly one of p_replica_id and p_adopted_switch_id is given. p_promote_command_id NULL: the new
-- primary is an installed agent, which cannot be told anything; the switch is complete at once.
-- p_retire_command_id NULL: nobody of ours ends the old instance; p_undo_command_id: the new primary
-- ends the successor of the preempted switch.
CREATE PROCEDURE promote_replica(
    p_now DATETIME(3),
    p_client_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_agent_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_expected_epoch INT,
    p_replica_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_expected_status VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_adopted_switch_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_new_instance_id VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_switch_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_cause VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_event_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_requested_at DATETIME(3),
    p_promote_command_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_promote_payload LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_promote_expires_at DATETIME(3),
    p_retire_command_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_retire_payload LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_retire_expires_at DATETIME(3),
    p_undo_command_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_undo_payload LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_severity VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_message VARCHAR(500) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin
)
SQL SECURITY INVOKER
promote_replica: BEGIN
    DECLARE v_epoch INT DEFAULT NULL;
    DECLARE v_old_primary VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL;
    DECLARE v_found INT DEFAULT 0;
    DECLARE v_waiting INT DEFAULT 0;
    DECLARE v_open_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL;
    DECLARE v_open_command VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL;
    DECLARE EXIT HANDLER FOR SQLEXCEPTION
    BEGIN
        ROLLBACK;
        RESIGNAL;
    END;

    START TRANSACTION;

    SELECT
        a.epoch,
        a.primary_instance_id
    INTO v_epoch, v_old_primary
    FROM agents AS a
    WHERE a.id = p_agent_id AND a.client_id = p_client_id AND a.status <> 'deleted'
    FOR UPDATE;

    IF v_epoch IS NULL OR v_epoch <> p_expected_epoch THEN
        ROLLBACK;
        SELECT 0 AS applied;
        LEAVE promote_replica;
    END IF;

    -- Everybody who changes these holds the agent's row, so a plain look is a true one.
    IF p_replica_id IS NOT NULL THEN
        SELECT COUNT(*)
        INTO v_found
        FROM replica_instances AS r
        WHERE
            r.id = p_replica_id
            AND r.agent_id = p_agent_id
            AND r.status = p_expected_status
            AND r.instance_id = p_new_instance_id
            AND r.doomed_at IS NULL;
    ELSE
        SELECT COUNT(*)
        INTO v_found
        FROM switches AS s
        INNER JOIN instances AS i
            ON i.agent_id = s.agent_id AND i.instance_id = s.new_instance_id
        WHERE
            s.open_slot = p_agent_id
            AND s.id = p_adopted_switch_id
            AND s.new_instance_id = p_new_instance_id
            AND i.role = 'successor'
            AND i.terminated_at IS NULL;
    END IF;
    IF v_found <> 1 THEN
        ROLLBACK;
        SELECT 0 AS applied;
        LEAVE promote_replica;
    END IF;

    SELECT
        s.id,
        s.command_id
    INTO v_open_id, v_open_command
    FROM switches AS s
    WHERE s.open_slot = p_agent_id;

    UPDATE agents
    SET
        status = 'online',
        epoch = epoch + 1,
        primary_instance_id = p_new_instance_id,
        offline_announced_at = NULL,
        last_switch_at = p_now,
        last_failover_at = p_now,
        updated_at = p_now
    WHERE id = p_agent_id;

    -- What a sync answers changes now: see sync_agent. An unfinished planned switch is undone: its
    -- successor waits as a candidate until the new primary has ended it.
    UPDATE instances
    SET
        role_reason = CASE
            WHEN role = 'primary' THEN 'promotion'
            WHEN role = 'successor' AND instance_id <> p_new_instance_id THEN 'switch_failed'
            ELSE role_reason
        END,
        role_changed_at = IF(
            role = 'primary' OR (role = 'successor' AND instance_id <> p_new_instance_id),
            p_now, role_changed_at
        ),
        role = CASE
            WHEN role = 'primary' THEN IF(terminated_at IS NULL, 'superseded', 'terminated')
            WHEN role = 'successor' AND instance_id <> p_new_instance_id THEN 'candidate'
            ELSE role
        END,
        news_count = news_count + 1
    WHERE agent_id = p_agent_id;

    IF p_replica_id IS NOT NULL THEN
        INSERT INTO instances (
            agent_id, instance_id, client_id, role, role_reason, protocol, is_steady, mode,
            instance_type, region, az, launched_at, role_changed_at
        )
        SELECT
            r.agent_id, r.instance_id, r.client_id, 'primary', 'promotion', r.protocol, 0, r.mode,
            r.instance_type, r.region, COALESCE(r.az, 'unknown'), r.launched_at, p_now
        FROM replica_instances AS r
        WHERE r.id = p_replica_id
        ON DUPLICATE KEY UPDATE
            instances.role = 'primary',
            instances.role_reason = 'promotion',
            instances.role_changed_at = p_now,
            instances.terminated_at = NULL,
            instances.launched_at = COALESCE(instances.launched_at, VALUES(launched_at));
    ELSE
        UPDATE instances
        SET
            role = 'primary',
            role_reason = 'promotion',
            role_changed_at = p_now
        WHERE agent_id = p_agent_id AND instance_id = p_new_instance_id;
    END IF;

    -- The open row may be the promotion of the primary that is replaced now: that move did happen,
    -- only nobody has seen its traffic.
    IF v_open_id IS NOT NULL THEN
        UPDATE switches
        SET
            status = IF(new_instance_id = v_old_primary, 'completed', 'failed'),
            failed_step = IF(new_instance_id = v_old_primary, failed_step, 'preempted'),
            reason = IF(new_instance_id = v_old_primary, 'cut_over_unverified', 'preempted'),
            ended_at = p_now
        WHERE open_slot = p_agent_id AND id <> COALESCE(p_adopted_switch_id, '');
    END IF;

    IF p_adopted_switch_id IS NOT NULL THEN
        UPDATE switches
        SET
            status = IF(p_promote_command_id IS NULL, 'completed', 'ready'),
            reason = 'adopted',
            command_id = p_promote_command_id,
            ready_at = COALESCE(ready_at, p_now),
            cut_over_at = IF(p_promote_command_id IS NULL, p_now, cut_over_at),
            ended_at = IF(p_promote_command_id IS NULL, p_now, ended_at)
        WHERE id = p_adopted_switch_id;
    ELSE
        INSERT INTO switches (
            id, client_id, agent_id, command_id, cause, status, reason,
            old_instance_id, old_instance_type, old_az, old_mode, old_pool_id,
            new_instance_id, new_instance_type, new_az, new_mode, new_pool_id,
            requested_at, initiated_at, launched_at, ready_at, cut_over_at, ended_at
        )
        SELECT
            p_switch_id, p_client_id, p_agent_id, p_promote_command_id, p_cause,
            IF(p_promote_command_id IS NULL, 'completed', 'ready'), 'promotion',
            v_old_primary, o.instance_type, o.az, o.mode,
            IF(o.mode = 'spot', CONCAT(o.instance_type, '.', o.az), NULL),
            n.instance_id, n.instance_type, n.az, n.mode,
            IF(n.mode = 'spot', CONCAT(n.instance_type, '.', n.az), NULL),
            p_requested_at, p_now, n.launched_at, p_now,
            IF(p_promote_command_id IS NULL, p_now, NULL),
            IF(p_promote_command_id IS NULL, p_now, NULL)
        FROM instances AS n
        LEFT JOIN instances AS o
            ON o.agent_id = n.agent_id AND o.instance_id = v_old_primary
        WHERE n.agent_id = p_agent_id AND n.instance_id = p_new_instance_id;
    END IF;

    UPDATE replica_instances
    SET
        status = 'promoted',
        promoted_at = p_now,
        ready_at = COALESCE(ready_at, p_now),
        event_id = COALESCE(event_id, p_event_id)
    WHERE id = p_replica_id;

    -- The replica lives, so the order to launch it was carried out, whoever did not live to say so.
    UPDATE commands AS c
    INNER JOIN replica_instances AS r ON r.command_id = c.id
    SET
        c.status = 'completed',
        c.outcome_code = 'replica_promoted',
        c.message = 'The replica took over',
        c.ended_at = p_now
    WHERE r.id = p_replica_id AND c.status IN ('pending', 'leased');

    -- Orders that nobody will carry out any more: a replica that the old primary had yet to launch,
    -- the command of the preempted switch, whatever else waited for the old primary. Only what it
    -- had to end is ended by its heir.
    SELECT COUNT(*)
    INTO v_waiting
    FROM commands AS c
    WHERE c.agent_id = p_agent_id AND c.status IN ('pending', 'leased');
    IF v_waiting > 0 THEN
        UPDATE replica_instances AS r
        INNER JOIN commands AS c ON c.id = r.command_id
        SET
            r.status = 'failed',
            r.failure_reason = 'The instance that was to launch it was replaced',
            r.ended_at = p_now
        WHERE
            r.live_slot = p_agent_id
            AND r.instance_id IS NULL
            AND c.status = 'pending'
            AND c.instance_id = v_old_primary;
        UPDATE commands
        SET instance_id = p_new_instance_id
        WHERE
            agent_id = p_agent_id
            AND p_promote_command_id IS NOT NULL
            AND status = 'pending'
            AND command_type = 'retire_instance'
            AND instance_id = v_old_primary;
        UPDATE commands
        SET
            status = 'cancelled',
            outcome_code = 'preempted',
            message = 'The primary was replaced',
            ended_at = p_now
        WHERE
            agent_id = p_agent_id
            AND status IN ('pending', 'leased')
            AND (
                id = v_open_command
                OR (
                    status = 'pending'
                    AND (instance_id = v_old_primary OR command_type = 'verify_primary')
                )
            );
    END IF;

    IF p_promote_command_id IS NOT NULL THEN
        INSERT INTO commands (
            id, client_id, agent_id, command_type, instance_id, payload, priority, created_by,
            idempotency_key, status, expires_at, created_at
        )
        VALUES (
            p_promote_command_id, p_client_id, p_agent_id, 'promote', p_new_instance_id,
            p_promote_payload, 100, 'system', CONCAT('promote:', p_switch_id), 'pending',
            p_promote_expires_at, p_now
        );
    END IF;

    IF p_undo_command_id IS NOT NULL THEN
        INSERT INTO commands (
            id, client_id, agent_id, command_type, instance_id, payload, priority, created_by,
            idempotency_key, status, expires_at, created_at
        )
        VALUES (
            p_undo_command_id, p_client_id, p_agent_id, 'retire_instance', p_new_instance_id,
            p_undo_payload, 50, 'system', CONCAT('undo:', p_switch_id), 'pending',
            p_retire_expires_at, p_now
        );
    END IF;

    IF p_retire_command_id IS NOT NULL THEN
        INSERT INTO commands (
            id, client_id, agent_id, command_type, instance_id, payload, priority, created_by,
            idempotency_key, status, expires_at, created_at
        )
        VALUES (
            p_retire_command_id, p_client_id, p_agent_id, 'retire_instance', p_new_instance_id,
            p_retire_payload, 50, 'system', CONCAT('retire:', p_switch_id), 'pending',
            p_retire_expires_at, p_now
        );
    END IF;

    -- Whatever was open about the old primary is answered by this.
    UPDATE spot_interruption_events
    SET
        status = 'failed_over',
        action = 'hand_over',
        replica_id = COALESCE(p_replica_id, replica_id),
        switch_id = p_switch_id,
        new_instance_id = p_new_instance_id,
        committed_at = p_now,
        ended_at = p_now
    WHERE
        open_slot = p_agent_id
        AND (id = p_event_id OR instance_id = v_old_primary)
        AND is_drill = 0;

    INSERT INTO system_events (
        event_type, severity, client_id, agent_id, instance_id, message, details, created_at
    )
    VALUES (
        'primary_promoted', p_severity, p_client_id, p_agent_id, p_new_instance_id, p_message,
        JSON_OBJECT(
            'old_instance_id', v_old_primary,
            'new_instance_id', p_new_instance_id,
            'epoch', p_expected_epoch + 1,
            'switch_id', p_switch_id,
            'replica_id', p_replica_id,
            'event_id', p_event_id,
            'cause', p_cause
        ),
        p_now
    );
    INSERT INTO notifications (
        client_id, agent_id, notification_type, severity, message, created_at
    )
    VALUES (p_client_id, p_agent_id, 'primary_promoted', p_severity, p_message, p_now);

    COMMIT;
    SELECT 1 AS applied;
END
