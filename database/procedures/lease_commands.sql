-- Hand the caller its commands: what it holds already (agents that journal them), else the most
-- urgent pending one. Says first the agent's status; NULL means no such agent.
-- kind: sealed
-- caller: repositories.commands.lease_commands, sync_agent
-- locks: switches, commands
-- An anonymous caller (p_instance_id NULL, an installed agent) speaks for the primary. While
-- several instances of the agent were heard since p_live_since it gets priority
-- p_contested_priority and above only: nobody can tell which of them is asking.
CREATE PROCEDURE lease_commands(
    p_now DATETIME(3),
    p_client_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_agent_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_instance_id VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_live_since DATETIME(3),
    p_contested_priority INT,
    p_lease_seconds_classic INT,
    p_lease_seconds_native INT
)
SQL SECURITY INVOKER
lease_commands: BEGIN
    DECLARE v_agent_status VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL;
    DECLARE v_instance_id VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL;
    DECLARE v_role VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL;
    DECLARE v_command_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL;
    DECLARE v_protocol SMALLINT DEFAULT NULL;
    DECLARE v_enabled TINYINT DEFAULT NULL;
    DECLARE v_waiting INT DEFAULT 0;
    DECLARE v_lowest_priority INT DEFAULT 0;
    DECLARE EXIT HANDLER FOR SQLEXCEPTION
    BEGIN
        ROLLBACK;
        RESIGNAL;
    END;

    -- Nearly always nothing waits, and then nothing else need be looked up.
    SELECT
        a.status,
        (
            SELECT COUNT(*)
            FROM commands AS c
            WHERE c.agent_id = a.id AND c.status IN ('pending', 'leased')
        )
    INTO v_agent_status, v_waiting
    FROM agents AS a
    WHERE a.id = p_agent_id AND a.client_id = p_client_id;

    SELECT v_agent_status AS agent_status;

    IF v_waiting = 0 OR v_agent_status = 'deleted' THEN
        LEAVE lease_commands;
    END IF;

    SELECT
        i.instance_id,
        i.role,
        i.protocol,
        f.enabled
    INTO v_instance_id, v_role, v_protocol, v_enabled
    FROM agents AS a
    INNER JOIN agent_configs AS f ON f.agent_id = a.id
    LEFT JOIN instances AS i
        ON i.agent_id = a.id AND i.instance_id = COALESCE(p_instance_id, a.primary_instance_id)
    WHERE a.id = p_agent_id;

    IF v_instance_id IS NULL OR v_enabled = 0 THEN
        LEAVE lease_commands;
    END IF;

    -- Nobody acts for an agent that it does not, or no longer, embody. And ours always says who it
    -- is: an anonymous caller beside a primary of ours is some other, installed agent.
    IF
        v_role IN ('candidate', 'superseded', 'terminated')
        OR (p_instance_id IS NULL AND v_protocol >= 5)
    THEN
        LEAVE lease_commands;
    END IF;

    IF p_instance_id IS NULL AND (
        SELECT COUNT(*)
        FROM instances AS i
        WHERE i.agent_id = p_agent_id AND i.last_seen_at > p_live_since
    ) > 1 THEN
        SET v_lowest_priority = p_contested_priority;
    END IF;

    START TRANSACTION;

    -- Installed agents take every type they do not know for a switch: they must never see one.
    IF v_protocol < 5 THEN
        INSERT INTO notifications (
            client_id, agent_id, notification_type, severity, message, created_at
        )
        SELECT
            c.client_id, c.agent_id, 'command_unsupported', 'warning',
            CONCAT('The installed agent cannot execute ', c.command_type), p_now
        FROM commands AS c
        WHERE
            c.agent_id = p_agent_id
            AND c.status = 'pending'
            AND c.command_type <> 'switch'
            AND COALESCE(c.instance_id, v_instance_id) = v_instance_id;
        UPDATE commands
        SET
            status = 'failed',
            outcome_code = 'unsupported',
            message = 'The installed agent cannot execute this command',
            ended_at = p_now
        WHERE
            agent_id = p_agent_id
            AND status = 'pending'
            AND command_type <> 'switch'
            AND COALESCE(instance_id, v_instance_id) = v_instance_id;
    END IF;

    SELECT c.id
    INTO v_command_id
    FROM commands AS c
    WHERE
        c.agent_id = p_agent_id
        AND c.status = 'pending'
        AND c.priority >= v_lowest_priority
        AND c.expires_at > p_now
        AND (c.instance_id = v_instance_id OR (c.instance_id IS NULL AND v_role = 'primary'))
    ORDER BY c.priority DESC, c.created_at ASC, c.id ASC
    LIMIT 1;

    IF v_command_id IS NOT NULL THEN
        UPDATE switches
        SET status = 'launching'
        WHERE command_id = v_command_id AND status = 'requested';
        UPDATE commands
        SET
            status = 'leased',
            lease_instance_id = v_instance_id,
            lease_protocol = v_protocol,
            lease_count = lease_count + 1,
            leased_at = p_now,
            lease_expires_at = p_now + INTERVAL (
                terminate_wait_seconds
                + IF(v_protocol < 5, p_lease_seconds_classic, p_lease_seconds_native)
            ) SECOND
        WHERE id = v_command_id AND status = 'pending';
        IF ROW_COUNT() = 0 THEN
            -- Another poll of the same agent was faster: this one has nothing.
            ROLLBACK;
            LEAVE lease_commands;
        END IF;
    END IF;

    IF v_protocol >= 5 THEN
        -- The holder is alive: its leases go on.
        UPDATE commands
        SET
            lease_expires_at = p_now + INTERVAL (
                terminate_wait_seconds + p_lease_seconds_native
            ) SECOND
        WHERE
            agent_id = p_agent_id AND status = 'leased' AND lease_instance_id = v_instance_id;
    END IF;

    COMMIT;

    SELECT
        c.id,
        c.command_type,
        c.instance_id,
        c.target_mode,
        c.target_pool_id,
        c.payload,
        c.priority,
        c.terminate_wait_seconds,
        c.reason,
        c.created_at,
        c.lease_expires_at
    FROM commands AS c
    WHERE
        c.agent_id = p_agent_id
        AND c.status = 'leased'
        AND c.lease_instance_id = v_instance_id
        AND (v_protocol >= 5 OR c.id = v_command_id)
    ORDER BY c.priority DESC, c.created_at ASC, c.id ASC
    LIMIT 20;
END
