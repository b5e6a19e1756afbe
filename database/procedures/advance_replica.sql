-- Write down what was said about a replica, if its status is still the one that was judged.
-- kind: open
-- caller: repositories.replicas.advance_replica
-- locks: agents, instances, replica_instances
-- result: applied = 1, or 0 when the replica has another status or instance by now, or there is none
-- (nothing was written but the count of news: read again, decide again)
-- NULL leaves a column as it is; what is set once (instance, instants) stays. Status terminating
-- makes the replica's instance superseded, so that it may be retired; so does an instance that is
-- named for a replica that has ended.
CREATE PROCEDURE advance_replica(
    p_now DATETIME(3),
    p_client_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_agent_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_replica_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_expected_status VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_status VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_instance_id VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_mode VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_pool_name VARCHAR(128) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_az VARCHAR(48) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_launched_at DATETIME(3),
    p_confirmed_running_at DATETIME(3),
    p_failure_reason VARCHAR(500) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_sync_status VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_sync_latency_ms INT,
    p_sync_progress_percent DECIMAL(5, 2),
    p_last_sync_at DATETIME(3)
)
SQL SECURITY INVOKER
advance_replica: BEGIN
    DECLARE v_agent VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL;
    DECLARE v_found INT DEFAULT 0;

    SELECT a.id
    INTO v_agent
    FROM agents AS a
    WHERE a.id = p_agent_id AND a.client_id = p_client_id
    FOR UPDATE;

    -- Everybody who changes a replica's status or instance holds the agent's row.
    SELECT COUNT(*)
    INTO v_found
    FROM replica_instances AS r
    WHERE
        r.id = p_replica_id
        AND r.agent_id = v_agent
        AND r.status = p_expected_status
        AND COALESCE(r.instance_id, p_instance_id, '') = COALESCE(p_instance_id, r.instance_id, '')
    FOR UPDATE;
    IF v_found = 0 THEN
        SELECT 0 AS applied;
        LEAVE advance_replica;
    END IF;

    -- What a sync answers changes now, the plan for an emergency: see sync_agent.
    UPDATE instances
    SET news_count = news_count + 1
    WHERE agent_id = p_agent_id;

    -- Also one whose launch is heard of after its end.
    IF
        p_status = 'terminating'
        OR (p_status IN ('terminated', 'failed') AND p_instance_id IS NOT NULL)
    THEN
        INSERT INTO instances (
            agent_id, instance_id, client_id, role, role_reason, protocol, is_steady, mode,
            instance_type, region, az, launched_at, role_changed_at
        )
        SELECT
            r.agent_id, COALESCE(r.instance_id, p_instance_id), r.client_id, 'superseded',
            'replica_retired', r.protocol, 0, COALESCE(p_mode, r.mode), r.instance_type, r.region,
            COALESCE(p_az, r.az, 'unknown'), COALESCE(r.launched_at, p_launched_at), p_now
        FROM replica_instances AS r
        WHERE r.id = p_replica_id AND COALESCE(r.instance_id, p_instance_id) IS NOT NULL
        ON DUPLICATE KEY UPDATE
            instances.role_changed_at = IF(
                instances.role IN ('primary', 'superseded', 'terminated'),
                instances.role_changed_at, p_now
            ),
            instances.role_reason = IF(
                instances.role IN ('primary', 'superseded', 'terminated'),
                instances.role_reason, 'replica_retired'
            ),
            instances.role = IF(
                instances.role IN ('primary', 'terminated'), instances.role, 'superseded'
            );
    END IF;

    -- An instance that registered before its launcher said what it is.
    IF p_instance_id IS NOT NULL AND p_status IN ('launching', 'syncing', 'ready', 'promoting') THEN
        UPDATE instances
        SET
            role = 'replica',
            role_reason = 'replica_reported',
            role_changed_at = p_now
        WHERE agent_id = p_agent_id AND instance_id = p_instance_id AND role = 'candidate';
    END IF;

    UPDATE replica_instances
    SET
        sync_status = COALESCE(p_sync_status, sync_status),
        sync_latency_ms = COALESCE(p_sync_latency_ms, sync_latency_ms),
        sync_progress_percent = COALESCE(p_sync_progress_percent, sync_progress_percent),
        last_sync_at = COALESCE(p_last_sync_at, last_sync_at),
        instance_id = COALESCE(instance_id, p_instance_id),
        mode = COALESCE(p_mode, mode),
        pool_name = IF(p_mode = 'ondemand', NULL, COALESCE(p_pool_name, pool_name)),
        az = COALESCE(p_az, az),
        launched_at = COALESCE(launched_at, p_launched_at),
        confirmed_running_at = COALESCE(p_confirmed_running_at, confirmed_running_at),
        failure_reason = COALESCE(failure_reason, p_failure_reason),
        ready_at = IF(p_status = 'ready', COALESCE(ready_at, p_now), ready_at),
        ended_at = IF(p_status IN ('terminated', 'failed'), COALESCE(ended_at, p_now), ended_at),
        status = p_status
    WHERE id = p_replica_id;

    SELECT 1 AS applied;
END
