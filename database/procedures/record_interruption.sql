-- Write a signal down before anybody acts on it, or join it to the event that it repeats, and
-- answer all that the decision rests on. A replica that is noticed is doomed from here on.
-- kind: sealed
-- caller: repositories.interruptions.record_interruption
-- locks: agents, instances, replica_instances, spot_interruption_events, pool_cooldowns
-- result: no set when the client has no such agent or the agent no such instance; else the event with
-- its agent and the noticed instance, the live replicas and, if a switch is open, its successor.
-- p_notice_key NULL: the message does not tell notices apart. It joins the newest event of the same
-- kind since p_join_since, and begins one under p_own_key otherwise; so does one that was keyless.
-- The sets are read after the commit: what moves meanwhile moves the epoch, which is read first.
CREATE PROCEDURE record_interruption(
    p_now DATETIME(3),
    p_client_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_agent_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_instance_id VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_event_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_signal_type VARCHAR(32) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_notice_key VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_own_key VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_join_since DATETIME(3),
    p_noticed_at DATETIME(3),
    p_deadline_at DATETIME(3),
    p_is_drill TINYINT,
    p_cools_until DATETIME(3),
    p_back_off_since DATETIME(3),
    p_message VARCHAR(500) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin
)
SQL SECURITY INVOKER
record_interruption: BEGIN
    DECLARE v_epoch INT DEFAULT NULL;
    DECLARE v_role VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL;
    DECLARE v_event_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL;
    DECLARE v_is_new INT DEFAULT 0;
    DECLARE v_primary_notices INT DEFAULT 0;
    DECLARE v_stood_down_count INT DEFAULT 0;
    DECLARE v_last_stood_down_at DATETIME(3) DEFAULT NULL;
    DECLARE EXIT HANDLER FOR SQLEXCEPTION
    BEGIN
        ROLLBACK;
        RESIGNAL;
    END;

    START TRANSACTION;

    SELECT a.epoch
    INTO v_epoch
    FROM agents AS a
    WHERE a.id = p_agent_id AND a.client_id = p_client_id AND a.status <> 'deleted'
    FOR UPDATE;
    SELECT i.role
    INTO v_role
    FROM instances AS i
    WHERE i.agent_id = p_agent_id AND i.instance_id = p_instance_id;

    IF v_epoch IS NULL OR v_role IS NULL THEN
        ROLLBACK;
        LEAVE record_interruption;
    END IF;

    SELECT e.id
    INTO v_event_id
    FROM spot_interruption_events AS e
    WHERE
        e.agent_id = p_agent_id
        AND e.instance_id = p_instance_id
        AND e.signal_type = p_signal_type
        AND e.is_drill = p_is_drill
        AND (
            e.notice_key = p_notice_key
            OR (
                (p_notice_key IS NULL OR LEFT(e.notice_key, 1) = '~')
                AND (
                    e.received_at >= p_join_since
                    OR e.status IN ('detected', 'responding', 'launched')
                )
            )
        )
    ORDER BY COALESCE(e.notice_key = p_notice_key, 0) DESC, e.received_at DESC, e.id ASC
    LIMIT 1;

    IF v_event_id IS NOT NULL THEN
        UPDATE spot_interruption_events
        SET
            report_count = report_count + 1,
            deadline_at = COALESCE(deadline_at, p_deadline_at)
        WHERE id = v_event_id;
    ELSE
        SET v_event_id = p_event_id;
        SET v_is_new = 1;
        INSERT INTO spot_interruption_events (
            id, client_id, agent_id, instance_id, signal_type, notice_key, status, subject_role,
            epoch, is_drill, instance_type, region, az, mode, noticed_at, deadline_at, received_at
        )
        SELECT
            p_event_id, p_client_id, p_agent_id, p_instance_id, p_signal_type,
            COALESCE(p_notice_key, p_own_key), 'detected', i.role, v_epoch, p_is_drill,
            i.instance_type, i.region, i.az, i.mode, p_noticed_at, p_deadline_at, p_now
        FROM instances AS i
        WHERE i.agent_id = p_agent_id AND i.instance_id = p_instance_id;
        INSERT INTO system_events (
            event_type, severity, client_id, agent_id, instance_id, message, created_at
        )
        VALUES (
            'interruption_noticed', 'warning', p_client_id, p_agent_id, p_instance_id, p_message,
            p_now
        );
        -- The pool rests.
        IF p_is_drill = 0 AND v_role NOT IN ('superseded', 'terminated') THEN
            INSERT INTO pool_cooldowns (
                client_id, pool_id, reason, source_key, occurred_at, ends_at
            )
            SELECT
                p_client_id, p.id,
                IF(p_signal_type = 'rebalance-recommendation', 'rebalance', 'interruption'),
                p_event_id, p_now, p_cools_until
            FROM instances AS i
            INNER JOIN spot_pools AS p
                ON p.instance_type = i.instance_type AND p.region = i.region
            INNER JOIN pool_prices AS v
                ON v.pool_id = p.id AND v.client_id = p_client_id AND v.az = i.az
            WHERE
                i.agent_id = p_agent_id AND i.instance_id = p_instance_id AND i.mode = 'spot'
            ORDER BY v.reported_at DESC, v.pool_id ASC
            LIMIT 1
            ON DUPLICATE KEY UPDATE ends_at = GREATEST(pool_cooldowns.ends_at, VALUES(ends_at));
        END IF;
    END IF;

    IF p_is_drill = 0 AND v_role = 'replica' THEN
        -- What a sync answers changes now: see sync_agent.
        UPDATE instances
        SET news_count = news_count + 1
        WHERE agent_id = p_agent_id;
        UPDATE replica_instances
        SET doomed_at = COALESCE(doomed_at, p_now)
        WHERE live_slot = p_agent_id AND instance_id = p_instance_id;
    END IF;

    COMMIT;

    -- What only some decisions rest on is read only for them: a storm of notices needs none of it.
    IF v_role = 'replica' THEN
        SELECT COUNT(*)
        INTO v_primary_notices
        FROM spot_interruption_events AS o
        INNER JOIN agents AS a ON a.id = o.agent_id AND a.primary_instance_id = o.instance_id
        WHERE
            o.open_slot = p_agent_id
            AND o.signal_type IN ('termination-notice', 'loss')
            AND o.is_drill = 0;
    END IF;
    IF p_signal_type = 'rebalance-recommendation' THEN
        SELECT
            COUNT(*),
            MAX(d.ended_at)
        INTO v_stood_down_count, v_last_stood_down_at
        FROM spot_interruption_events AS d
        WHERE
            d.agent_id = p_agent_id
            AND d.instance_id = p_instance_id
            AND d.signal_type = p_signal_type
            AND d.status = 'stood_down'
            AND d.replica_id IS NOT NULL
            AND d.ended_at > p_back_off_since;
    END IF;

    SELECT
        a.epoch,
        a.logical_agent_id,
        a.primary_instance_id,
        a.freeze_level AS agent_freeze,
        k.freeze_level AS client_freeze,
        g.value AS global_freeze,
        f.enabled,
        f.auto_terminate_enabled,
        f.terminate_wait_seconds,
        v_is_new AS is_new,
        e.id AS event_id,
        e.status,
        e.signal_type,
        e.action,
        e.reason,
        e.is_drill,
        e.replica_id,
        e.switch_id,
        e.new_instance_id,
        e.received_at,
        e.deadline_at,
        e.committed_at,
        i.role,
        i.protocol,
        i.agent_version,
        i.instance_type,
        i.region,
        i.az,
        i.mode,
        i.account_id,
        v_primary_notices AS primary_notices,
        v_stood_down_count AS stood_down_count,
        v_last_stood_down_at AS last_stood_down_at
    FROM agents AS a
    INNER JOIN clients AS k ON k.id = a.client_id
    INNER JOIN agent_configs AS f ON f.agent_id = a.id
    INNER JOIN spot_interruption_events AS e ON e.id = v_event_id
    INNER JOIN instances AS i ON i.agent_id = a.id AND i.instance_id = p_instance_id
    LEFT JOIN settings AS g ON g.name = 'fallback.freeze'
    WHERE a.id = p_agent_id;

    SELECT
        r.id,
        r.status,
        r.event_id,
        r.instance_id,
        COALESCE(n.protocol, r.protocol) AS protocol,
        r.doomed_at,
        r.confirmed_running_at,
        r.created_at,
        r.pools,
        r.allows_ondemand,
        r.holder_instance_id,
        n.last_seen_at,
        c.id AS command_id,
        c.status AS command_status,
        c.payload AS command_payload
    FROM replica_instances AS r
    LEFT JOIN instances AS n ON n.agent_id = r.agent_id AND n.instance_id = r.instance_id
    LEFT JOIN commands AS c ON c.id = r.command_id
    WHERE r.live_slot = p_agent_id
    ORDER BY r.status = 'ready' DESC, r.status = 'promoting' DESC, r.standby_slot ASC;

    IF EXISTS (SELECT 1 FROM switches AS s WHERE s.open_slot = p_agent_id) THEN
        SELECT
            s.id AS switch_id,
            s.new_instance_id AS instance_id,
            n.role,
            n.protocol,
            n.last_seen_at,
            n.terminated_at,
            (
                SELECT COUNT(*)
                FROM spot_interruption_events AS o
                WHERE o.open_slot = p_agent_id AND o.instance_id = s.new_instance_id
            ) AS notices
        FROM switches AS s
        INNER JOIN instances AS n ON n.agent_id = s.agent_id AND n.instance_id = s.new_instance_id
        WHERE s.open_slot = p_agent_id;
    END IF;
END
