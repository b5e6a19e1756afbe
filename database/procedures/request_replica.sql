-- Order one replica: its row in the first free standby slot and, for an agent of ours, the command
-- to launch it. Where a live replica serves already, that one is the answer; an order that must
-- take over (status promoting) then makes it the one that is chosen.
-- kind: sealed
-- caller: repositories.replica_orders.request_replica
-- locks: agents, instances, replica_instances, commands, spot_interruption_events
-- result: one row, the replica that serves now: its columns and is_new; no row without the agent or
-- when its epoch is no longer the expected one.
-- A live replica does not serve if it is doomed, or if it is p_besides_replica_id: the one that the
-- caller knows and wants another besides. With both slots taken the one in slot 2 is the answer.
-- p_executor_instance_id NULL: nobody is told, the row waits to be handed out. p_is_handed_out: the
-- caller answers the executor with the order, so the command is its lease at once.
CREATE PROCEDURE request_replica(
    p_now DATETIME(3),
    p_client_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_agent_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_expected_epoch INT,
    p_replica_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_kind VARCHAR(32) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_status VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_event_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_besides_replica_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_instance_type VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_region VARCHAR(32) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_mode VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_pools LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_allows_ondemand TINYINT,
    p_protocol SMALLINT,
    p_tags LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_max_price_usd_per_hour DECIMAL(12, 6),
    p_created_by VARCHAR(100) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_executor_instance_id VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_is_handed_out TINYINT,
    p_command_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_payload LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_priority INT,
    p_lease_seconds INT,
    p_expires_at DATETIME(3),
    p_message VARCHAR(500) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin
)
SQL SECURITY INVOKER
request_replica: BEGIN
    DECLARE v_epoch INT DEFAULT NULL;
    DECLARE v_primary VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL;
    DECLARE v_replica_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL;
    DECLARE v_live INT DEFAULT 0;
    DECLARE v_taken INT DEFAULT NULL;
    DECLARE v_is_new INT DEFAULT 0;
    DECLARE EXIT HANDLER FOR SQLEXCEPTION
    BEGIN
        ROLLBACK;
        RESIGNAL;
    END;

    START TRANSACTION;

    SELECT
        a.epoch,
        a.primary_instance_id
    INTO v_epoch, v_primary
    FROM agents AS a
    WHERE a.id = p_agent_id AND a.client_id = p_client_id AND a.status <> 'deleted'
    FOR UPDATE;

    IF v_epoch IS NULL OR (p_expected_epoch IS NOT NULL AND v_epoch <> p_expected_epoch) THEN
        ROLLBACK;
        LEAVE request_replica;
    END IF;

    -- What a sync answers changes now: see sync_agent.
    UPDATE instances
    SET news_count = news_count + 1
    WHERE agent_id = p_agent_id;

    -- Best first: ordered for this very event, ready, further on, older.
    SELECT r.id
    INTO v_replica_id
    FROM replica_instances AS r
    WHERE
        r.live_slot = p_agent_id
        AND r.doomed_at IS NULL
        AND r.id <> COALESCE(p_besides_replica_id, '')
    ORDER BY
        COALESCE(r.event_id = p_event_id, 0) DESC,
        r.status = 'ready' DESC,
        r.instance_id IS NULL ASC,
        r.standby_slot ASC
    LIMIT 1
    FOR UPDATE;

    IF v_replica_id IS NULL THEN
        SELECT
            COUNT(*),
            MIN(r.standby_slot)
        INTO v_live, v_taken
        FROM replica_instances AS r
        WHERE r.live_slot = p_agent_id;

        IF v_live >= 2 THEN
            SELECT r.id
            INTO v_replica_id
            FROM replica_instances AS r
            WHERE r.live_slot = p_agent_id AND r.standby_slot = 2
            FOR UPDATE;
        END IF;
    END IF;

    IF v_replica_id IS NULL THEN
        SET v_replica_id = p_replica_id;
        SET v_is_new = 1;
        INSERT INTO replica_instances (
            id, client_id, agent_id, kind, status, standby_slot, event_id, command_id,
            parent_instance_id, instance_type, region, mode, pools, allows_ondemand, protocol,
            holder_instance_id, held_until, max_price_usd_per_hour, tags, created_by, created_at
        )
        VALUES (
            p_replica_id, p_client_id, p_agent_id, p_kind, p_status, IF(v_taken = 1, 2, 1),
            p_event_id, p_command_id, v_primary, p_instance_type, p_region, p_mode, p_pools,
            p_allows_ondemand, p_protocol, p_executor_instance_id, NULL, p_max_price_usd_per_hour,
            p_tags, p_created_by, p_now
        );
    ELSEIF p_status = 'promoting' THEN
        UPDATE replica_instances
        SET
            status = IF(status IN ('launching', 'syncing'), 'promoting', status),
            event_id = COALESCE(p_event_id, event_id)
        WHERE id = v_replica_id AND doomed_at IS NULL;
        -- What was a standby order is an emergency now.
        UPDATE commands AS c
        INNER JOIN replica_instances AS r ON r.command_id = c.id
        SET c.priority = GREATEST(c.priority, p_priority)
        WHERE r.id = v_replica_id AND c.status = 'pending';
    END IF;

    IF v_is_new = 1 AND p_command_id IS NOT NULL THEN
        INSERT INTO commands (
            id, client_id, agent_id, command_type, instance_id, payload, priority, created_by,
            idempotency_key, status, lease_instance_id, lease_protocol, lease_count, leased_at,
            lease_expires_at, expires_at, created_at
        )
        VALUES (
            p_command_id, p_client_id, p_agent_id, 'create_replica', p_executor_instance_id,
            p_payload, p_priority, p_created_by, CONCAT('replica:', p_replica_id),
            IF(p_is_handed_out = 1, 'leased', 'pending'),
            IF(p_is_handed_out = 1, p_executor_instance_id, NULL),
            IF(p_is_handed_out = 1, p_protocol, NULL),
            p_is_handed_out,
            IF(p_is_handed_out = 1, p_now, NULL),
            IF(p_is_handed_out = 1, p_now + INTERVAL p_lease_seconds SECOND, NULL),
            p_expires_at, p_now
        );
    END IF;

    IF p_event_id IS NOT NULL THEN
        UPDATE spot_interruption_events
        SET
            status = IF(status = 'detected', 'responding', status),
            replica_id = v_replica_id
        WHERE
            id = p_event_id
            AND agent_id = p_agent_id
            AND status IN ('detected', 'responding', 'launched');
    END IF;

    IF v_is_new = 1 THEN
        INSERT INTO system_events (
            event_type, severity, client_id, agent_id, instance_id, message, created_at
        )
        VALUES (
            'replica_requested', 'info', p_client_id, p_agent_id, p_executor_instance_id,
            p_message, p_now
        );
    END IF;

    COMMIT;

    SELECT
        v_is_new AS is_new,
        v_epoch AS epoch,
        r.id,
        r.kind,
        r.status,
        r.standby_slot,
        r.event_id,
        r.command_id,
        r.instance_id,
        r.protocol,
        r.holder_instance_id,
        r.doomed_at
    FROM replica_instances AS r
    WHERE r.id = v_replica_id;
END
