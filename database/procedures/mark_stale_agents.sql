-- Mark the agents offline whose primary has been silent too long, or said goodbye and kept silent.
-- An agent counts as heard when its primary was last seen; a primary never seen counts from the
-- moment it became primary. For every agent marked: a warning in system_events and a notification.
-- The condition is checked again on the locked rows, so a heartbeat that comes in between is never
-- lost: either it is seen here, or it waits and then finds is_steady = 0, which sends it the long
-- way that sets the agent online again. p_timeout_seconds is silence, p_offline_confirm_seconds
-- silence after a goodbye; p_batch_rows agents are marked in a transaction.
-- kind: sealed
-- caller: repositories.stale_agents.mark_stale_agents, and the event evt_mark_stale_agents
-- locks: agents, then instances, one batch at a time
-- result: p_marked_count, the agents marked
CREATE PROCEDURE mark_stale_agents(
    IN p_now DATETIME(3),
    IN p_timeout_seconds INT,
    IN p_offline_confirm_seconds INT,
    IN p_batch_rows INT,
    OUT p_marked_count BIGINT
)
SQL SECURITY INVOKER
BEGIN
    DECLARE v_after_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT '';
    DECLARE v_found INT DEFAULT 1;
    DECLARE v_silent_before DATETIME(3)
        DEFAULT TIMESTAMPADD(SECOND, -p_timeout_seconds, p_now);
    DECLARE v_announced_before DATETIME(3)
        DEFAULT TIMESTAMPADD(SECOND, -p_offline_confirm_seconds, p_now);
    DECLARE EXIT HANDLER FOR SQLEXCEPTION
    BEGIN
        ROLLBACK;
        RESIGNAL;
    END;

    SET p_marked_count = 0;
    DROP TEMPORARY TABLE IF EXISTS stale_candidates;
    CREATE TEMPORARY TABLE stale_candidates (
        agent_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
        is_marked TINYINT(1) NOT NULL DEFAULT 0,
        PRIMARY KEY (agent_id)
    ) ENGINE = InnoDB;

    WHILE v_found > 0 DO
        DELETE FROM stale_candidates;
        INSERT INTO stale_candidates (agent_id)
        SELECT a.id
        FROM agents AS a
        LEFT JOIN instances AS i
            ON i.agent_id = a.id AND i.instance_id = a.primary_instance_id
        WHERE
            a.status = 'online'
            AND a.deleted_at IS NULL
            AND a.id > v_after_id
            AND (
                COALESCE(i.last_seen_at, i.role_changed_at, a.updated_at) < v_silent_before
                OR (
                    a.offline_announced_at < v_announced_before
                    AND COALESCE(i.last_seen_at, i.role_changed_at, a.updated_at)
                        <= a.offline_announced_at
                )
            )
        ORDER BY a.id ASC
        LIMIT p_batch_rows;
        SET v_found = ROW_COUNT();

        IF v_found > 0 THEN
            SELECT MAX(c.agent_id) INTO v_after_id FROM stale_candidates AS c;

            START TRANSACTION;
            UPDATE stale_candidates AS c
            STRAIGHT_JOIN agents AS a ON a.id = c.agent_id
            LEFT JOIN instances AS i
                ON i.agent_id = a.id AND i.instance_id = a.primary_instance_id
            SET
                c.is_marked = 1,
                a.status = 'offline',
                a.updated_at = p_now,
                i.is_steady = 0
            WHERE
                a.status = 'online'
                AND a.deleted_at IS NULL
                AND (
                    COALESCE(i.last_seen_at, i.role_changed_at, a.updated_at) < v_silent_before
                    OR (
                        a.offline_announced_at < v_announced_before
                        AND COALESCE(i.last_seen_at, i.role_changed_at, a.updated_at)
                            <= a.offline_announced_at
                    )
                );

            INSERT INTO system_events (
                event_type, severity, client_id, agent_id, instance_id, message, details, created_at
            )
            SELECT
                'agent_marked_offline',
                'warning',
                a.client_id,
                a.id,
                a.primary_instance_id,
                CONCAT('Agent ', a.logical_agent_id, ' is offline'),
                JSON_OBJECT(
                    'last_heard_at',
                    DATE_FORMAT(COALESCE(i.last_seen_at, i.role_changed_at), '%Y-%m-%dT%H:%i:%sZ'),
                    'announced_at',
                    DATE_FORMAT(a.offline_announced_at, '%Y-%m-%dT%H:%i:%sZ')
                ),
                p_now
            FROM stale_candidates AS c
            INNER JOIN agents AS a ON a.id = c.agent_id
            LEFT JOIN instances AS i
                ON i.agent_id = a.id AND i.instance_id = a.primary_instance_id
            WHERE c.is_marked = 1;
            SET p_marked_count = p_marked_count + ROW_COUNT();

            INSERT INTO notifications (
                client_id, agent_id, notification_type, severity, message, created_at
            )
            SELECT
                a.client_id,
                a.id,
                'agent_offline',
                'warning',
                CONCAT(
                    'Agent ', a.logical_agent_id, ' is offline: its primary ',
                    COALESCE(a.primary_instance_id, '(none)'), ' was last heard at ',
                    COALESCE(
                        DATE_FORMAT(i.last_seen_at, '%Y-%m-%d %H:%i:%s UTC'), 'no time at all'
                    )
                ),
                p_now
            FROM stale_candidates AS c
            INNER JOIN agents AS a ON a.id = c.agent_id
            LEFT JOIN instances AS i
                ON i.agent_id = a.id AND i.instance_id = a.primary_instance_id
            WHERE c.is_marked = 1;
            COMMIT;
        END IF;
    END WHILE;

    DROP TEMPORARY TABLE IF EXISTS stale_candidates;
END
