-- End a command as its executor reports, if it still has the status that the verdict was made on.
-- A failed switch command fails its open switch with it; a successor that is up already waits as a
-- candidate then. The end of a promote command completes its switch either way: the primary has
-- moved, the executor only says whether it saw the traffic on itself.
-- kind: sealed
-- caller: repositories.commands.complete_command
-- locks: instances, switches, commands, spot_interruption_events
-- result: applied = 1, or 0 when the status has changed meanwhile (read again, judge again)
CREATE PROCEDURE complete_command(
    p_now DATETIME(3),
    p_client_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_agent_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_command_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_expected_status VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_status VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_outcome_code VARCHAR(32) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_message VARCHAR(1000) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_failed_step VARCHAR(32) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin
)
SQL SECURITY INVOKER
BEGIN
    DECLARE v_applied INT DEFAULT 0;
    DECLARE v_status VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL;
    DECLARE v_type VARCHAR(32) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL;
    DECLARE EXIT HANDLER FOR SQLEXCEPTION
    BEGIN
        ROLLBACK;
        RESIGNAL;
    END;

    START TRANSACTION;

    SELECT c.command_type
    INTO v_type
    FROM commands AS c
    WHERE c.id = p_command_id AND c.agent_id = p_agent_id AND c.client_id = p_client_id;

    -- In lock order: instances, switches, commands.
    IF v_type = 'promote' THEN
        UPDATE switches
        SET
            status = 'completed',
            reason = IF(p_status = 'completed', reason, 'cut_over_unverified'),
            cut_over_at = IF(p_status = 'completed', p_now, cut_over_at),
            ended_at = p_now
        WHERE
            command_id = p_command_id
            AND agent_id = p_agent_id
            AND status NOT IN ('completed', 'failed');
    ELSEIF p_status = 'failed' THEN
        UPDATE instances AS i
        INNER JOIN switches AS s
            ON s.agent_id = i.agent_id AND s.new_instance_id = i.instance_id
        SET
            i.role = 'candidate',
            i.role_reason = 'switch_failed',
            i.role_changed_at = p_now,
            i.news_count = i.news_count + 1
        WHERE
            s.command_id = p_command_id
            AND s.agent_id = p_agent_id
            AND s.status NOT IN ('completed', 'failed')
            AND i.role = 'successor';
        UPDATE switches
        SET
            status = 'failed',
            failed_step = COALESCE(failed_step, p_failed_step),
            reason = LEFT(p_message, 255),
            ended_at = p_now
        WHERE
            command_id = p_command_id
            AND agent_id = p_agent_id
            AND status NOT IN ('completed', 'failed');
    END IF;

    SELECT c.status
    INTO v_status
    FROM commands AS c
    WHERE c.id = p_command_id AND c.agent_id = p_agent_id AND c.client_id = p_client_id
    FOR UPDATE;

    IF v_status = p_expected_status THEN
        UPDATE commands
        SET
            status = p_status,
            outcome_code = p_outcome_code,
            message = p_message,
            ended_at = p_now
        WHERE id = p_command_id;
        IF v_type = 'promote' AND p_status = 'completed' THEN
            UPDATE spot_interruption_events AS e
            INNER JOIN switches AS s ON s.id = e.switch_id
            SET e.verified_at = p_now
            WHERE s.command_id = p_command_id AND e.agent_id = p_agent_id;
        ELSEIF v_type = 'promote' THEN
            INSERT INTO notifications (
                client_id, agent_id, notification_type, severity, message, created_at
            )
            VALUES (
                p_client_id, p_agent_id, 'cut_over_unverified', 'error',
                LEFT(CONCAT('The primary has moved, its traffic is not verified: ', p_message), 500),
                p_now
            );
        END IF;
        SET v_applied = 1;
        COMMIT;
    ELSE
        ROLLBACK;
    END IF;

    SELECT v_applied AS applied;
END
