-- list_agents --
-- A page of the agents that have, or should have, a standby, with their primaries. Indexes:
-- agents_pk, replica_instances_live_uq, spot_interruption_events_open_idx.
SELECT
    a.id AS agent_id,
    a.client_id,
    a.logical_agent_id,
    a.epoch,
    a.status,
    a.freeze_level AS agent_freeze,
    k.freeze_level AS client_freeze,
    f.enabled,
    f.manual_replica_enabled,
    p.instance_id AS primary_id,
    p.protocol,
    p.instance_type,
    p.region,
    p.az,
    p.mode,
    p.ondemand_price_usd_per_hour,
    p.last_seen_at,
    p.terminated_at
FROM agents AS a
INNER JOIN clients AS k ON k.id = a.client_id
INNER JOIN agent_configs AS f ON f.agent_id = a.id
LEFT JOIN instances AS p ON p.primary_slot = a.id
WHERE
    a.id > %(after_id)s
    AND (
        (f.manual_replica_enabled = 1 AND f.enabled = 1 AND a.status <> 'deleted')
        OR EXISTS (
            SELECT 1
            FROM replica_instances AS r
            WHERE r.live_slot = a.id
        )
        OR EXISTS (
            SELECT 1
            FROM spot_interruption_events AS e
            WHERE e.open_slot = a.id
        )
    )
ORDER BY a.id ASC
LIMIT %(limit)s

-- list_standbys --
-- The live replicas of a range of agents. Index: replica_instances_live_uq.
SELECT
    r.agent_id,
    r.id AS replica_id,
    r.kind,
    r.status,
    r.instance_id,
    COALESCE(i.protocol, r.protocol) AS protocol,
    r.pool_name,
    r.held_until,
    r.doomed_at,
    r.created_at,
    r.launched_at,
    i.last_seen_at,
    i.terminated_at,
    i.role,
    r.command_id,
    c.status AS command_status,
    c.lease_expires_at
FROM replica_instances AS r
LEFT JOIN instances AS i ON i.agent_id = r.agent_id AND i.instance_id = r.instance_id
LEFT JOIN commands AS c ON c.id = r.command_id
WHERE r.live_slot BETWEEN %(first_id)s AND %(last_id)s
ORDER BY r.live_slot ASC, r.standby_slot ASC
LIMIT 100000

-- list_open_signals --
-- The open events of a range of agents. Index: spot_interruption_events_open_idx.
SELECT
    e.agent_id,
    e.id AS event_id,
    e.signal_type,
    e.instance_id,
    e.subject_role,
    e.is_drill,
    e.received_at
FROM spot_interruption_events AS e
WHERE e.open_slot BETWEEN %(first_id)s AND %(last_id)s
ORDER BY e.open_slot ASC, e.received_at ASC, e.id ASC
LIMIT 100000

-- list_failures --
-- Standbys that never served, by agent, since the last one that did. Index:
-- replica_instances_status_idx.
SELECT
    r.agent_id,
    COUNT(*) AS failures,
    MAX(COALESCE(r.ended_at, r.created_at)) AS failed_at
FROM replica_instances AS r
WHERE
    r.created_at >= %(since)s
    AND r.ready_at IS NULL
    AND (
        r.status = 'failed'
        OR (r.status IN ('terminating', 'terminated') AND r.failure_reason = 'never_registered')
    )
    AND NOT EXISTS (
        SELECT 1
        FROM replica_instances AS s
        WHERE s.agent_id = r.agent_id AND s.created_at > r.created_at AND s.ready_at IS NOT NULL
    )
GROUP BY r.agent_id
ORDER BY r.agent_id ASC
LIMIT 100000

-- list_launches --
-- Replicas ordered lately, by agent; the first one after each notice does not count. Of a client's
-- launches the first that an agent's user wished to have at all times does not count either. Index:
-- replica_instances_status_idx.
SELECT
    r.client_id,
    r.agent_id,
    COUNT(*) - COUNT(
        DISTINCT CASE WHEN r.kind = 'automatic-termination' THEN r.event_id END
    ) AS launches,
    MAX(r.kind = 'manual') AS has_wished
FROM replica_instances AS r
WHERE
    r.created_at > %(since)s
    AND r.status IN (
        'launching', 'syncing', 'ready', 'promoting', 'promoted', 'terminating', 'terminated',
        'failed'
    )
GROUP BY r.client_id, r.agent_id
ORDER BY r.agent_id ASC
LIMIT 100000

-- list_stand_downs --
-- Rebalance signals that a replica was ordered for in vain, by instance. Index:
-- spot_interruption_events_status_idx.
SELECT
    e.agent_id,
    e.instance_id,
    COUNT(*) AS stand_downs,
    MAX(e.ended_at) AS stood_down_at
FROM spot_interruption_events AS e
WHERE
    e.status = 'stood_down'
    AND e.received_at >= %(since)s
    AND e.signal_type = 'rebalance-recommendation'
    AND e.replica_id IS NOT NULL
    AND e.is_drill = 0
GROUP BY e.agent_id, e.instance_id
ORDER BY e.agent_id ASC, e.instance_id ASC
LIMIT 100000

-- count_agents --
-- The size of every client's fleet. Index: agents_logical_uq.
SELECT
    a.client_id,
    COUNT(*) AS agents
FROM agents AS a
WHERE a.status <> 'deleted'
GROUP BY a.client_id
ORDER BY a.client_id ASC
LIMIT 100000

-- lock_agents --
-- The epochs of some agents, held until the transaction ends, in one order for everybody. Index:
-- agents_pk.
SELECT
    a.id AS agent_id,
    a.epoch,
    a.status
FROM JSON_TABLE(
    %(agents)s, '$[*]' COLUMNS (agent_id VARCHAR(36) CHARACTER SET utf8mb4 PATH '$')
) AS j
INNER JOIN agents AS a ON a.id = j.agent_id COLLATE utf8mb4_bin
ORDER BY a.id ASC
LIMIT 10000
FOR UPDATE

-- tell_news --
-- The next sync of every instance of these agents looks again. Index: instances_pk.
UPDATE instances AS i
INNER JOIN JSON_TABLE(
    %(agents)s, '$[*]' COLUMNS (agent_id VARCHAR(36) CHARACTER SET utf8mb4 PATH '$')
) AS j ON j.agent_id COLLATE utf8mb4_bin = i.agent_id
SET i.news_count = i.news_count + 1

-- supersede_instances --
-- What runs for a standby that is ended may be retired from now on. Index: instances_pk.
INSERT INTO instances (
    agent_id, instance_id, client_id, role, role_reason, protocol, is_steady, mode, instance_type,
    region, az, launched_at, role_changed_at
)
SELECT
    r.agent_id, r.instance_id, r.client_id, 'superseded', 'replica_retired', r.protocol, 0, r.mode,
    r.instance_type, r.region, COALESCE(r.az, 'unknown'), r.launched_at, %(now)s
FROM JSON_TABLE(
    %(endings)s, '$[*]' COLUMNS (
        replica_id VARCHAR(36) CHARACTER SET utf8mb4 PATH '$.replica_id',
        expected VARCHAR(16) CHARACTER SET utf8mb4 PATH '$.expected'
    )
) AS j
INNER JOIN replica_instances AS r
    ON r.id = j.replica_id COLLATE utf8mb4_bin AND r.status = j.expected COLLATE utf8mb4_bin
WHERE r.instance_id IS NOT NULL
ON DUPLICATE KEY UPDATE
    instances.role_changed_at = IF(
        instances.role IN ('primary', 'superseded', 'terminated'),
        instances.role_changed_at, VALUES(role_changed_at)
    ),
    instances.role_reason = IF(
        instances.role IN ('primary', 'superseded', 'terminated'),
        instances.role_reason, 'replica_retired'
    ),
    instances.role = IF(instances.role IN ('primary', 'terminated'), instances.role, 'superseded')

-- end_standbys --
-- Standbys that fail, or that nobody wants any more. Index: replica_instances_pk.
UPDATE replica_instances AS r
INNER JOIN JSON_TABLE(
    %(endings)s, '$[*]' COLUMNS (
        replica_id VARCHAR(36) CHARACTER SET utf8mb4 PATH '$.replica_id',
        expected VARCHAR(16) CHARACTER SET utf8mb4 PATH '$.expected',
        target VARCHAR(16) CHARACTER SET utf8mb4 PATH '$.target',
        reason VARCHAR(64) CHARACTER SET utf8mb4 PATH '$.reason'
    )
) AS j
    ON j.replica_id COLLATE utf8mb4_bin = r.id AND j.expected COLLATE utf8mb4_bin = r.status
SET
    r.failure_reason = COALESCE(r.failure_reason, j.reason),
    r.ended_at = IF(j.target IN ('failed', 'terminated'), %(now)s, r.ended_at),
    r.status = j.target

-- insert_orders --
-- Standbys in the free slots of agents that nobody else ordered one for meanwhile. A row that no
-- table would take is left out, and so found missing. Index: replica_instances_live_uq.
INSERT IGNORE INTO replica_instances (
    id, client_id, agent_id, kind, status, standby_slot, event_id, command_id, parent_instance_id,
    instance_type, region, mode, pools, allows_ondemand, protocol, holder_instance_id, tags,
    created_by, created_at
)
SELECT
    j.replica_id, j.client_id, j.agent_id, j.kind, 'launching',
    IF(
        EXISTS (
            SELECT 1
            FROM replica_instances AS t
            WHERE t.live_slot = j.agent_id COLLATE utf8mb4_bin AND t.standby_slot = 1
        ), 2, 1
    ),
    j.event_id, j.command_id, j.executor_id, j.instance_type, j.region, j.mode, j.pools, 1,
    j.protocol, IF(j.command_id IS NULL, NULL, j.executor_id), '{}', 'system', %(now)s
FROM JSON_TABLE(
    %(orders)s, '$[*]' COLUMNS (
        replica_id VARCHAR(36) CHARACTER SET utf8mb4 PATH '$.replica_id',
        client_id VARCHAR(36) CHARACTER SET utf8mb4 PATH '$.client_id',
        agent_id VARCHAR(36) CHARACTER SET utf8mb4 PATH '$.agent_id',
        kind VARCHAR(32) CHARACTER SET utf8mb4 PATH '$.kind',
        event_id VARCHAR(36) CHARACTER SET utf8mb4 PATH '$.event_id',
        besides VARCHAR(36) CHARACTER SET utf8mb4 PATH '$.besides',
        command_id VARCHAR(36) CHARACTER SET utf8mb4 PATH '$.command_id',
        executor_id VARCHAR(64) CHARACTER SET utf8mb4 PATH '$.executor_id',
        instance_type VARCHAR(64) CHARACTER SET utf8mb4 PATH '$.instance_type',
        region VARCHAR(32) CHARACTER SET utf8mb4 PATH '$.region',
        mode VARCHAR(16) CHARACTER SET utf8mb4 PATH '$.mode',
        pools LONGTEXT CHARACTER SET utf8mb4 PATH '$.pools',
        protocol INT PATH '$.protocol'
    )
) AS j
WHERE NOT EXISTS (
    SELECT 1
    FROM replica_instances AS o
    WHERE
        o.live_slot = j.agent_id COLLATE utf8mb4_bin
        AND o.doomed_at IS NULL
        AND o.id <> COALESCE(j.besides, '') COLLATE utf8mb4_bin
)

-- list_ordered --
-- Which of these orders are in the books now. Index: replica_instances_pk.
SELECT r.id AS replica_id
FROM JSON_TABLE(
    %(replicas)s, '$[*]' COLUMNS (replica_id VARCHAR(36) CHARACTER SET utf8mb4 PATH '$')
) AS j
INNER JOIN replica_instances AS r ON r.id = j.replica_id COLLATE utf8mb4_bin
ORDER BY r.id ASC
LIMIT 10000

-- note_orders --
-- The signals that orders answer know their replica. Index: spot_interruption_events_pk.
UPDATE spot_interruption_events AS e
INNER JOIN JSON_TABLE(
    %(orders)s, '$[*]' COLUMNS (
        replica_id VARCHAR(36) CHARACTER SET utf8mb4 PATH '$.replica_id',
        event_id VARCHAR(36) CHARACTER SET utf8mb4 PATH '$.event_id'
    )
) AS j ON j.event_id COLLATE utf8mb4_bin = e.id
SET
    e.status = IF(e.status = 'detected', 'responding', e.status),
    e.replica_id = j.replica_id
WHERE e.status IN ('detected', 'responding', 'launched')

-- insert_commands --
-- Instructions to primaries; one that is there already stays as it is. Index:
-- commands_idempotency_uq.
INSERT INTO commands (
    id, client_id, agent_id, command_type, instance_id, payload, priority, reason, created_by,
    idempotency_key, status, expires_at, created_at
)
SELECT
    j.command_id, j.client_id, j.agent_id, j.command_type, j.executor_id, j.payload, j.priority,
    j.reason, 'system', j.idempotency_key, 'pending', j.expires_at, %(now)s
FROM JSON_TABLE(
    %(commands)s, '$[*]' COLUMNS (
        command_id VARCHAR(36) CHARACTER SET utf8mb4 PATH '$.command_id',
        client_id VARCHAR(36) CHARACTER SET utf8mb4 PATH '$.client_id',
        agent_id VARCHAR(36) CHARACTER SET utf8mb4 PATH '$.agent_id',
        command_type VARCHAR(32) CHARACTER SET utf8mb4 PATH '$.command_type',
        executor_id VARCHAR(64) CHARACTER SET utf8mb4 PATH '$.executor_id',
        payload LONGTEXT CHARACTER SET utf8mb4 PATH '$.payload',
        priority INT PATH '$.priority',
        reason VARCHAR(64) CHARACTER SET utf8mb4 PATH '$.reason',
        idempotency_key VARCHAR(128) CHARACTER SET utf8mb4 PATH '$.idempotency_key',
        expires_at DATETIME(3) PATH '$.expires_at'
    )
) AS j
ON DUPLICATE KEY UPDATE commands.id = commands.id

-- cancel_launches --
-- Orders to launch that nobody has fetched, and that nobody wants any more. Index: commands_pk.
UPDATE commands AS c
INNER JOIN JSON_TABLE(
    %(endings)s, '$[*]' COLUMNS (
        command_id VARCHAR(36) CHARACTER SET utf8mb4 PATH '$.command_id'
    )
) AS j ON j.command_id COLLATE utf8mb4_bin = c.id
SET
    c.status = 'cancelled',
    c.outcome_code = 'replica_ended',
    c.message = 'The replica is not wanted any more',
    c.ended_at = %(now)s
WHERE c.status = 'pending'

-- list_unretired --
-- Instances of replicas that have ended while nobody is told to end them, with the agent's
-- primary. Indexes: replica_instances_status_idx, commands_queue_idx.
SELECT
    r.id AS replica_id,
    r.client_id,
    r.agent_id,
    r.instance_id,
    r.ended_at,
    a.logical_agent_id,
    a.status AS agent_status,
    p.instance_id AS primary_id,
    p.protocol,
    i.role,
    (
        SELECT COUNT(*)
        FROM commands AS d
        WHERE
            d.agent_id = r.agent_id
            AND d.command_type = 'retire_instance'
            AND d.created_at >= r.created_at
            AND JSON_UNQUOTE(JSON_EXTRACT(d.payload, '$.instance_id')) = r.instance_id
    ) AS attempts
FROM replica_instances AS r
INNER JOIN agents AS a ON a.id = r.agent_id
LEFT JOIN instances AS p ON p.primary_slot = a.id
LEFT JOIN instances AS i ON i.agent_id = r.agent_id AND i.instance_id = r.instance_id
WHERE
    r.status IN ('terminating', 'failed')
    AND r.created_at >= %(since)s
    AND r.instance_id IS NOT NULL
    AND i.terminated_at IS NULL
    AND COALESCE(i.role, 'replica') NOT IN ('primary', 'terminated')
    AND NOT EXISTS (
        SELECT 1
        FROM commands AS c
        WHERE
            c.agent_id = r.agent_id
            AND c.command_type = 'retire_instance'
            AND (c.status IN ('pending', 'leased') OR c.created_at > %(asked_since)s)
            AND JSON_UNQUOTE(JSON_EXTRACT(c.payload, '$.instance_id')) = r.instance_id
    )
ORDER BY r.created_at ASC, r.id ASC
LIMIT 500

-- close_ended --
-- Replicas on their way out whose instance has ended, or that never came to have one. Index:
-- replica_instances_status_idx.
UPDATE replica_instances AS r
LEFT JOIN instances AS i ON i.agent_id = r.agent_id AND i.instance_id = r.instance_id
LEFT JOIN commands AS c ON c.id = r.command_id
SET
    r.status = 'terminated',
    r.ended_at = COALESCE(i.terminated_at, %(now)s)
WHERE
    r.status = 'terminating'
    AND (
        i.terminated_at IS NOT NULL
        OR (
            r.instance_id IS NULL
            AND (
                r.created_at < %(launched_since)s
                OR c.status IN ('completed', 'failed', 'cancelled', 'expired')
            )
        )
    )

-- list_chosen --
-- Replicas that were chosen to take over, live, and did not. Index: replica_instances_status_idx.
SELECT
    r.client_id,
    r.agent_id,
    r.id AS replica_id
FROM replica_instances AS r
LEFT JOIN instances AS i ON i.agent_id = r.agent_id AND i.instance_id = r.instance_id
WHERE
    r.status = 'promoting'
    AND r.instance_id IS NOT NULL
    AND r.doomed_at IS NULL
    AND (
        i.last_seen_at >= %(heard_since)s
        OR (COALESCE(i.protocol, r.protocol) < 5 AND r.confirmed_running_at >= %(confirmed_since)s)
    )
ORDER BY r.created_at ASC, r.id ASC
LIMIT %(limit)s

-- list_unserved --
-- Notices that are open although a replica stands ready: whoever took the notice did not come to
-- the end. Not where emergencies are frozen or the agent is disabled. Index:
-- spot_interruption_events_status_idx.
SELECT
    e.client_id,
    e.agent_id,
    e.id AS event_id,
    e.epoch,
    e.deadline_at,
    r.id AS replica_id
FROM spot_interruption_events AS e
INNER JOIN agents AS a
    ON a.id = e.agent_id AND a.epoch = e.epoch AND a.primary_instance_id = e.instance_id
INNER JOIN agent_configs AS f ON f.agent_id = a.id AND f.enabled = 1
INNER JOIN clients AS k ON k.id = a.client_id
INNER JOIN replica_instances AS r ON r.live_slot = e.agent_id
INNER JOIN instances AS i ON i.agent_id = r.agent_id AND i.instance_id = r.instance_id
LEFT JOIN settings AS g ON g.name = 'fallback.freeze'
WHERE
    COALESCE(g.value, 'none') <> 'all'
    AND COALESCE(k.freeze_level, 'none') <> 'all'
    AND COALESCE(a.freeze_level, 'none') <> 'all'
    AND e.status IN ('detected', 'responding', 'launched')
    AND e.signal_type = 'termination-notice'
    AND e.is_drill = 0
    AND e.received_at < %(taken_before)s
    AND r.status IN ('syncing', 'ready')
    AND r.doomed_at IS NULL
    AND i.role = 'replica'
    AND i.last_seen_at >= %(heard_since)s
ORDER BY e.received_at ASC, e.id ASC, r.status ASC
LIMIT %(limit)s

-- insert_events --
-- What happened, many at once.
INSERT INTO system_events (
    event_type, severity, client_id, agent_id, instance_id, message, created_at
)
SELECT
    j.event_type, j.severity, j.client_id, j.agent_id, j.instance_id, j.message, %(now)s
FROM JSON_TABLE(
    %(events)s, '$[*]' COLUMNS (
        event_type VARCHAR(64) CHARACTER SET utf8mb4 PATH '$.event_type',
        severity VARCHAR(16) CHARACTER SET utf8mb4 PATH '$.severity',
        client_id VARCHAR(36) CHARACTER SET utf8mb4 PATH '$.client_id',
        agent_id VARCHAR(36) CHARACTER SET utf8mb4 PATH '$.agent_id',
        instance_id VARCHAR(64) CHARACTER SET utf8mb4 PATH '$.instance_id',
        message VARCHAR(500) CHARACTER SET utf8mb4 PATH '$.message'
    )
) AS j

-- insert_notifications --
-- What somebody should see, many at once; what was said lately is not said again. Index:
-- notifications_client_idx.
INSERT INTO notifications (
    client_id, agent_id, notification_type, severity, message, created_at
)
SELECT
    j.client_id, j.agent_id, j.event_type, j.severity, j.message, %(now)s
FROM JSON_TABLE(
    %(events)s, '$[*]' COLUMNS (
        event_type VARCHAR(64) CHARACTER SET utf8mb4 PATH '$.event_type',
        severity VARCHAR(16) CHARACTER SET utf8mb4 PATH '$.severity',
        client_id VARCHAR(36) CHARACTER SET utf8mb4 PATH '$.client_id',
        agent_id VARCHAR(36) CHARACTER SET utf8mb4 PATH '$.agent_id',
        message VARCHAR(500) CHARACTER SET utf8mb4 PATH '$.message'
    )
) AS j
WHERE NOT EXISTS (
    SELECT 1
    FROM notifications AS n
    WHERE
        n.client_id = j.client_id COLLATE utf8mb4_bin
        AND n.created_at > %(said_since)s
        AND n.notification_type = j.event_type COLLATE utf8mb4_bin
        AND COALESCE(n.agent_id, '') = COALESCE(j.agent_id, '') COLLATE utf8mb4_bin
)
