-- Apply a registration that domain.fencing has decided, if the agent's epoch is still the one it
-- was decided on.
-- kind: sealed
-- caller: repositories.registrations.apply_registration
-- locks: agents, instances, switches, commands
-- result: applied = 1, or 0 when what it was decided on has changed (read again, decide again)
CREATE PROCEDURE register_agent(
    p_now DATETIME(3),
    p_client_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_agent_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_logical_agent_id VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_expected_epoch INT,
    p_expected_instances INT,
    p_creates_agent TINYINT,
    p_revives_agent TINYINT,
    p_takes_primary TINYINT,
    p_raises_conflict TINYINT,
    p_switch_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_completes_switch TINYINT,
    p_new_switch_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_role VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_role_reason VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_instance_id VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_protocol SMALLINT,
    p_is_steady TINYINT,
    p_mode VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_instance_type VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_region VARCHAR(32) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_az VARCHAR(48) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_az_id VARCHAR(32) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_account_id VARCHAR(32) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_ami_id VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_hostname VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_private_ip VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_public_ip VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_agent_version VARCHAR(32) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_event_type VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_severity VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_message VARCHAR(500) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_notifies TINYINT
)
SQL SECURITY INVOKER
register_agent: BEGIN
    DECLARE v_epoch INT DEFAULT NULL;
    DECLARE v_old_primary VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL;
    DECLARE v_conflict_at DATETIME(3) DEFAULT NULL;
    DECLARE EXIT HANDLER FOR SQLEXCEPTION
    BEGIN
        ROLLBACK;
        RESIGNAL;
    END;

    START TRANSACTION;

    IF p_creates_agent = 1 THEN
        INSERT IGNORE INTO agents (
            id, client_id, logical_agent_id, status, epoch, created_at, updated_at
        )
        VALUES (p_agent_id, p_client_id, p_logical_agent_id, 'offline', 0, p_now, p_now);
        IF ROW_COUNT() = 1 THEN
            INSERT INTO agent_configs (agent_id, updated_at)
            VALUES (p_agent_id, p_now);
        END IF;
    END IF;

    SELECT a.epoch, a.primary_instance_id, a.identity_conflict_at
    INTO v_epoch, v_old_primary, v_conflict_at
    FROM agents AS a
    WHERE a.id = p_agent_id AND a.client_id = p_client_id
    FOR UPDATE;

    IF v_epoch IS NULL OR v_epoch <> p_expected_epoch THEN
        ROLLBACK;
        SELECT 0 AS applied;
        LEAVE register_agent;
    END IF;

    -- Two strangers at once, or two likely successors of one order, do not move the epoch, yet each
    -- was judged as if it were alone.
    IF
        (p_raises_conflict = 1 AND v_conflict_at IS NOT NULL)
        OR (
            p_role = 'candidate'
            AND p_raises_conflict = 0
            AND v_conflict_at IS NULL
            AND p_expected_instances <> (
                SELECT COUNT(*)
                FROM instances AS i
                WHERE i.agent_id = p_agent_id
            )
        )
        OR (
            p_switch_id IS NOT NULL
            AND NOT EXISTS (
                SELECT 1
                FROM switches AS s
                WHERE
                    s.id = p_switch_id
                    AND s.open_slot = p_agent_id
                    AND COALESCE(s.new_instance_id, p_instance_id) = p_instance_id
            )
        )
    THEN
        ROLLBACK;
        SELECT 0 AS applied;
        LEAVE register_agent;
    END IF;

    -- What a sync answers changes now: see sync_agent.
    UPDATE instances
    SET news_count = news_count + 1
    WHERE agent_id = p_agent_id;

    IF p_takes_primary = 1 THEN
        UPDATE instances
        SET
            role = IF(terminated_at IS NULL, 'superseded', 'terminated'),
            role_reason = p_role_reason,
            role_changed_at = p_now
        WHERE agent_id = p_agent_id AND role = 'primary' AND instance_id <> p_instance_id;

        -- A take-over that no order explains is a replacement too, and is written down as one.
        IF p_new_switch_id IS NOT NULL AND v_old_primary IS NOT NULL THEN
            INSERT INTO switches (
                id, client_id, agent_id, cause, status, reason,
                old_instance_id, old_instance_type, old_az, old_mode,
                new_instance_id, new_instance_type, new_az, new_mode,
                requested_at, cut_over_at, ended_at
            )
            SELECT
                p_new_switch_id, p_client_id, p_agent_id, 'loss', 'completed', p_role_reason,
                i.instance_id, i.instance_type, i.az, i.mode,
                p_instance_id, p_instance_type, p_az, p_mode,
                p_now, p_now, p_now
            FROM instances AS i
            WHERE i.agent_id = p_agent_id AND i.instance_id = v_old_primary;
        END IF;
    END IF;

    UPDATE agents
    SET
        status = IF(p_role = 'primary', 'online', status),
        epoch = epoch + p_takes_primary,
        primary_instance_id = IF(p_takes_primary = 1, p_instance_id, primary_instance_id),
        offline_announced_at = IF(p_role = 'primary', NULL, offline_announced_at),
        identity_conflict_at = IF(
            p_raises_conflict = 1, COALESCE(identity_conflict_at, p_now), identity_conflict_at
        ),
        last_switch_at = IF(
            p_takes_primary = 1 AND v_old_primary IS NOT NULL, p_now, last_switch_at
        ),
        updated_at = p_now
    WHERE id = p_agent_id;

    IF p_revives_agent = 1 THEN
        UPDATE agents
        SET
            deleted_at = NULL,
            identity_conflict_at = NULL,
            status = 'online'
        WHERE id = p_agent_id;
        -- A fresh life starts from the defaults.
        DELETE FROM agent_configs
        WHERE agent_id = p_agent_id;
        INSERT INTO agent_configs (agent_id, updated_at)
        VALUES (p_agent_id, p_now);
    END IF;

    INSERT INTO instances (
        agent_id, instance_id, client_id, role, role_reason, protocol, is_steady, mode,
        instance_type, region, az, az_id, account_id, ami_id, hostname, private_ip, public_ip,
        agent_version, first_seen_at, last_seen_at, role_changed_at
    )
    VALUES (
        p_agent_id, p_instance_id, p_client_id, p_role, p_role_reason, p_protocol, p_is_steady,
        p_mode, p_instance_type, p_region, p_az, p_az_id, p_account_id, p_ami_id, p_hostname,
        p_private_ip, p_public_ip, p_agent_version, p_now, p_now, p_now
    )
    ON DUPLICATE KEY UPDATE
        role_changed_at = IF(role = VALUES(role), role_changed_at, VALUES(role_changed_at)),
        role = VALUES(role),
        role_reason = VALUES(role_reason),
        protocol = VALUES(protocol),
        is_steady = VALUES(is_steady),
        mode = IF(VALUES(mode) = 'unknown', mode, VALUES(mode)),
        instance_type = IF(
            VALUES(instance_type) = 'unknown', instance_type, VALUES(instance_type)
        ),
        region = VALUES(region),
        az = IF(VALUES(az) = 'unknown', az, VALUES(az)),
        az_id = COALESCE(VALUES(az_id), az_id),
        account_id = COALESCE(VALUES(account_id), account_id),
        ami_id = COALESCE(VALUES(ami_id), ami_id),
        hostname = COALESCE(VALUES(hostname), hostname),
        private_ip = COALESCE(VALUES(private_ip), private_ip),
        public_ip = COALESCE(VALUES(public_ip), public_ip),
        agent_version = COALESCE(VALUES(agent_version), agent_version),
        first_seen_at = COALESCE(first_seen_at, VALUES(first_seen_at)),
        last_seen_at = VALUES(last_seen_at),
        terminated_at = IF(VALUES(role) = 'terminated', terminated_at, NULL);

    IF p_switch_id IS NOT NULL THEN
        UPDATE switches
        SET
            new_instance_id = COALESCE(new_instance_id, p_instance_id),
            new_instance_type = COALESCE(new_instance_type, p_instance_type),
            new_az = COALESCE(new_az, p_az),
            new_mode = COALESCE(new_mode, p_mode),
            status = CASE
                WHEN p_completes_switch = 1 THEN 'completed'
                WHEN status IN ('requested', 'launching') THEN 'running'
                ELSE status
            END,
            reason = IF(p_completes_switch = 1, p_role_reason, reason),
            cut_over_at = IF(p_completes_switch = 1, COALESCE(cut_over_at, p_now), cut_over_at),
            ended_at = IF(p_completes_switch = 1, p_now, ended_at)
        WHERE
            id = p_switch_id
            AND agent_id = p_agent_id
            AND status NOT IN ('completed', 'failed');
        IF p_completes_switch = 1 THEN
            UPDATE commands AS c
            INNER JOIN switches AS s ON s.command_id = c.id
            SET
                c.status = 'completed',
                c.outcome_code = 'successor_registered',
                c.message = 'The successor registered; the switch was never reported',
                c.ended_at = p_now
            WHERE s.id = p_switch_id AND c.status = 'leased';
        END IF;
    END IF;

    INSERT INTO system_events (
        event_type, severity, client_id, agent_id, instance_id, message, created_at
    )
    VALUES (p_event_type, p_severity, p_client_id, p_agent_id, p_instance_id, p_message, p_now);
    IF p_notifies = 1 THEN
        INSERT INTO notifications (
            client_id, agent_id, notification_type, severity, message, created_at
        )
        VALUES (p_client_id, p_agent_id, p_event_type, p_severity, p_message, p_now);
    END IF;

    COMMIT;
    SELECT 1 AS applied;
END
