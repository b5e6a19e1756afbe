-- One round trip of an agent of ours: note that the instance is alive, tell it where it stands,
-- hand out commands when there are any.
-- kind: sealed
-- caller: repositories.instances.sync_instance
-- locks: instances; those of lease_commands
-- result: no set at all when the instance is not steady (unknown, offline or incomplete: the
-- caller takes the slow path); else one row of state, then the two sets of lease_commands if
-- anything waits.
-- A caller remembers a state for which nothing waited, and comes back only when news_count of the
-- instance is another one (instances.sync_idly). That is right because everybody who changes what
-- is answered here counts it up in the same transaction: the rule is in backend/repositories/news.py.
-- The state is read before the commands are counted: what the count misses is committed later, and
-- so is news to what was read.
CREATE PROCEDURE sync_agent(
    p_now DATETIME(3),
    p_client_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_agent_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_instance_id VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_cpu_percent DECIMAL(5, 2),
    p_memory_percent DECIMAL(5, 2),
    p_disk_percent DECIMAL(5, 2),
    p_live_since DATETIME(3),
    p_contested_priority INT,
    p_lease_seconds_classic INT,
    p_lease_seconds_native INT
)
SQL SECURITY INVOKER
sync_agent: BEGIN
    DECLARE v_waiting INT DEFAULT 0;

    UPDATE instances FORCE INDEX (PRIMARY)
    SET
        last_seen_at = p_now,
        cpu_percent = p_cpu_percent,
        memory_percent = p_memory_percent,
        disk_percent = p_disk_percent
    WHERE
        agent_id = p_agent_id
        AND instance_id = p_instance_id
        AND client_id = p_client_id
        AND is_steady = 1
        AND protocol >= 5;

    IF ROW_COUNT() = 0 THEN
        LEAVE sync_agent;
    END IF;

    SELECT
        i.news_count,
        a.epoch,
        a.status AS agent_status,
        a.primary_instance_id,
        i.role,
        f.version,
        f.enabled,
        f.auto_switch_enabled,
        f.manual_replica_enabled,
        f.auto_terminate_enabled,
        f.terminate_wait_seconds,
        f.replica_enabled,
        f.replica_count,
        f.min_savings_percent,
        f.risk_threshold,
        f.max_switches_per_day,
        f.max_switches_per_week,
        f.min_pool_duration_hours
    FROM agents AS a
    INNER JOIN agent_configs AS f ON f.agent_id = a.id
    INNER JOIN instances AS i ON i.agent_id = a.id AND i.instance_id = p_instance_id
    WHERE a.id = p_agent_id;

    SELECT
        COUNT(*)
    INTO v_waiting
    FROM commands AS c
    WHERE c.agent_id = p_agent_id AND c.status IN ('pending', 'leased');

    IF v_waiting > 0 THEN
        CALL lease_commands(
            p_now, p_client_id, p_agent_id, p_instance_id, p_live_since, p_contested_priority,
            p_lease_seconds_classic, p_lease_seconds_native
        );
    END IF;
END
