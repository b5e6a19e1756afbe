-- Write down a reported switch and, when domain.fencing says so, make the new instance primary.
-- kind: sealed
-- caller: repositories.switches.record_switch
-- locks: agents, instances, switches, commands
-- result: applied = 1, or 0 when what it was judged on has changed (read again, decide again)
-- Idempotent by report_key: a repeated report finds its own row.
CREATE PROCEDURE record_switch(
    p_now DATETIME(3),
    p_client_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_agent_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_expected_epoch INT,
    p_moves_primary TINYINT,
    p_switch_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_report_key VARCHAR(200) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_cause VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_old_instance_id VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_old_instance_type VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_old_az VARCHAR(48) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_old_mode VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_old_pool_id VARCHAR(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_new_instance_id VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_new_instance_type VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_new_region VARCHAR(32) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_new_az VARCHAR(48) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_new_ami_id VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_new_mode VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_new_pool_id VARCHAR(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_new_is_steady TINYINT,
    p_ondemand_price DECIMAL(12, 6),
    p_old_spot_price DECIMAL(12, 6),
    p_new_spot_price DECIMAL(12, 6),
    p_savings_impact DECIMAL(12, 6),
    p_image_id VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_snapshot_id VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_initiated_at DATETIME(3),
    p_image_created_at DATETIME(3),
    p_launched_at DATETIME(3),
    p_ready_at DATETIME(3),
    p_cut_over_at DATETIME(3),
    p_old_terminated_at DATETIME(3),
    p_message VARCHAR(500) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_retire_command_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_retire_payload LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_retire_expires_at DATETIME(3)
)
SQL SECURITY INVOKER
record_switch: BEGIN
    DECLARE v_epoch INT DEFAULT NULL;
    DECLARE EXIT HANDLER FOR SQLEXCEPTION
    BEGIN
        ROLLBACK;
        RESIGNAL;
    END;

    START TRANSACTION;

    SELECT a.epoch
    INTO v_epoch
    FROM agents AS a
    WHERE a.id = p_agent_id AND a.client_id = p_client_id
    FOR UPDATE;

    -- Somebody else moved the agent, or wrote this very report into another row, since it was judged.
    IF
        v_epoch IS NULL
        OR v_epoch <> p_expected_epoch
        OR EXISTS (
            SELECT 1
            FROM switches AS s
            WHERE s.agent_id = p_agent_id AND s.report_key = p_report_key AND s.id <> p_switch_id
        )
    THEN
        ROLLBACK;
        SELECT 0 AS applied;
        LEAVE record_switch;
    END IF;

    -- What a sync answers changes now: see sync_agent.
    UPDATE instances
    SET news_count = news_count + 1
    WHERE agent_id = p_agent_id;

    IF p_moves_primary = 1 THEN
        UPDATE instances
        SET
            role = 'superseded',
            role_reason = 'switch_reported',
            role_changed_at = p_now
        WHERE agent_id = p_agent_id AND role = 'primary';

        INSERT INTO instances (
            agent_id, instance_id, client_id, role, role_reason, is_steady, mode, instance_type,
            region, az, ami_id, launched_at, role_changed_at
        )
        VALUES (
            p_agent_id, p_new_instance_id, p_client_id, 'primary', 'switch_reported',
            p_new_is_steady, p_new_mode, p_new_instance_type, p_new_region, p_new_az, p_new_ami_id,
            p_launched_at, p_now
        )
        ON DUPLICATE KEY UPDATE
            role = 'primary',
            role_reason = 'switch_reported',
            role_changed_at = p_now,
            launched_at = COALESCE(launched_at, VALUES(launched_at));

        UPDATE agents
        SET
            primary_instance_id = p_new_instance_id,
            epoch = epoch + 1,
            last_switch_at = p_now,
            offline_announced_at = NULL,
            updated_at = p_now
        WHERE id = p_agent_id;
    END IF;

    IF p_old_terminated_at IS NOT NULL THEN
        UPDATE instances
        SET
            role = 'terminated',
            role_reason = 'switch_reported',
            role_changed_at = p_now,
            terminated_at = p_old_terminated_at
        WHERE
            agent_id = p_agent_id
            AND instance_id = p_old_instance_id
            AND role = 'superseded';
    END IF;

    INSERT INTO switches (
        id, client_id, agent_id, cause, status, report_key,
        old_instance_id, old_instance_type, old_az, old_mode, old_pool_id,
        new_instance_id, new_instance_type, new_az, new_mode, new_pool_id,
        ondemand_price_usd_per_hour, old_spot_price_usd_per_hour, new_spot_price_usd_per_hour,
        savings_impact_usd_per_hour, image_id, snapshot_id,
        requested_at, initiated_at, image_created_at, launched_at, ready_at, cut_over_at,
        old_terminated_at, reported_at, ended_at
    )
    VALUES (
        p_switch_id, p_client_id, p_agent_id, p_cause, 'completed', p_report_key,
        p_old_instance_id, p_old_instance_type, p_old_az, p_old_mode, p_old_pool_id,
        p_new_instance_id, p_new_instance_type, p_new_az, p_new_mode, p_new_pool_id,
        p_ondemand_price, p_old_spot_price, p_new_spot_price,
        p_savings_impact, p_image_id, p_snapshot_id,
        COALESCE(p_initiated_at, p_now), p_initiated_at, p_image_created_at, p_launched_at,
        p_ready_at, p_cut_over_at, p_old_terminated_at, p_now, p_now
    )
    ON DUPLICATE KEY UPDATE
        status = 'completed',
        failed_step = NULL,
        report_key = VALUES(report_key),
        old_instance_id = VALUES(old_instance_id),
        old_instance_type = VALUES(old_instance_type),
        old_az = VALUES(old_az),
        old_mode = VALUES(old_mode),
        old_pool_id = VALUES(old_pool_id),
        new_instance_id = VALUES(new_instance_id),
        new_instance_type = VALUES(new_instance_type),
        new_az = VALUES(new_az),
        new_mode = VALUES(new_mode),
        new_pool_id = VALUES(new_pool_id),
        ondemand_price_usd_per_hour = VALUES(ondemand_price_usd_per_hour),
        old_spot_price_usd_per_hour = VALUES(old_spot_price_usd_per_hour),
        new_spot_price_usd_per_hour = VALUES(new_spot_price_usd_per_hour),
        savings_impact_usd_per_hour = VALUES(savings_impact_usd_per_hour),
        image_id = VALUES(image_id),
        snapshot_id = VALUES(snapshot_id),
        initiated_at = VALUES(initiated_at),
        image_created_at = VALUES(image_created_at),
        launched_at = VALUES(launched_at),
        ready_at = VALUES(ready_at),
        cut_over_at = VALUES(cut_over_at),
        old_terminated_at = COALESCE(VALUES(old_terminated_at), old_terminated_at),
        reported_at = COALESCE(reported_at, VALUES(reported_at)),
        ended_at = COALESCE(ended_at, VALUES(ended_at));

    -- The report proves that the command was carried out, whether or not the host lives to say so.
    UPDATE commands AS c
    INNER JOIN switches AS s ON s.command_id = c.id
    SET
        c.status = 'completed',
        c.outcome_code = 'reported',
        c.message = 'Switch reported',
        c.ended_at = p_now
    WHERE
        s.id = p_switch_id
        AND s.agent_id = p_agent_id
        AND (
            c.status = 'leased'
            OR (c.status = 'failed' AND c.outcome_code = 'outcome_unknown')
        );

    -- The successor retires its predecessor: a host that ends itself cannot tell how it went.
    IF p_retire_command_id IS NOT NULL THEN
        INSERT INTO commands (
            id, client_id, agent_id, command_type, instance_id, payload, priority, created_by,
            idempotency_key, status, expires_at, created_at
        )
        VALUES (
            p_retire_command_id, p_client_id, p_agent_id, 'retire_instance', p_new_instance_id,
            p_retire_payload, 50, 'system', CONCAT('retire:', p_switch_id), 'pending',
            p_retire_expires_at, p_now
        )
        ON DUPLICATE KEY UPDATE commands.id = commands.id;
    END IF;

    INSERT INTO system_events (
        event_type, severity, client_id, agent_id, instance_id, message, created_at
    )
    VALUES (
        IF(p_moves_primary = 1, 'switch_completed', 'switch_reported_late'), 'info',
        p_client_id, p_agent_id, p_new_instance_id, p_message, p_now
    );
    IF p_moves_primary = 1 THEN
        INSERT INTO notifications (
            client_id, agent_id, notification_type, severity, message, created_at
        )
        VALUES (p_client_id, p_agent_id, 'switch_completed', 'info', p_message, p_now);
    END IF;

    COMMIT;
    SELECT 1 AS applied;
END
