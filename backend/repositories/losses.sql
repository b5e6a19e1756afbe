-- list_silent --
-- Agents whose primary fell silent within the last day, with who could look after it; the newest
-- silence last. An agent with two living standbys comes twice. Indexes: instances_primary_uq,
-- replica_instances_live_uq, spot_interruption_events_open_idx, launch_specs_pk.
SELECT
    a.id AS agent_id,
    a.client_id,
    a.logical_agent_id,
    a.epoch,
    a.freeze_level AS agent_freeze,
    k.freeze_level AS client_freeze,
    f.enabled,
    p.instance_id,
    p.region,
    p.account_id,
    COALESCE(p.last_seen_at, p.role_changed_at) AS heard_at,
    r.id AS replica_id,
    n.instance_id AS standby_id,
    NULL AS asked_agent_id,
    l.agent_id IS NOT NULL AS has_spec,
    (
        EXISTS (
            SELECT 1
            FROM spot_interruption_events AS e
            WHERE
                e.open_slot = a.id
                AND e.instance_id = p.instance_id
                AND e.signal_type IN ('termination-notice', 'loss')
        )
        OR EXISTS (
            SELECT 1
            FROM spot_interruption_events AS d
            WHERE
                d.agent_id = a.id
                AND d.instance_id = p.instance_id
                AND d.signal_type = 'loss'
                AND d.received_at >= COALESCE(p.last_seen_at, p.role_changed_at)
        )
        OR EXISTS (
            SELECT 1
            FROM instances AS w
            WHERE
                w.agent_id = a.id
                AND w.role IN ('candidate', 'successor')
                AND w.last_seen_at >= %(silent_before)s
        )
        OR EXISTS (
            SELECT 1
            FROM replica_instances AS q
            WHERE q.live_slot = a.id AND q.status = 'promoting'
        )
    ) AS is_handled
FROM agents AS a
INNER JOIN instances AS p ON p.primary_slot = a.id
INNER JOIN clients AS k ON k.id = a.client_id
INNER JOIN agent_configs AS f ON f.agent_id = a.id
LEFT JOIN launch_specs AS l ON l.agent_id = a.id
LEFT JOIN replica_instances AS r
    ON r.live_slot = a.id AND r.status IN ('syncing', 'ready') AND r.doomed_at IS NULL
LEFT JOIN instances AS n
    ON
        n.agent_id = r.agent_id
        AND n.instance_id = r.instance_id
        AND n.role = 'replica'
        AND n.protocol >= 5
        AND n.last_seen_at >= %(alive_since)s
WHERE
    a.status <> 'deleted'
    AND p.terminated_at IS NULL
    AND COALESCE(p.last_seen_at, p.role_changed_at) < %(silent_before)s
    AND COALESCE(p.last_seen_at, p.role_changed_at) >= %(remembered_since)s
ORDER BY heard_at ASC, a.id ASC, r.status ASC
LIMIT 50000

-- count_watched --
-- How many agents of every client were heard within the last day. Index: instances_primary_uq.
SELECT
    a.client_id,
    COUNT(*) AS agents
FROM agents AS a
INNER JOIN instances AS p ON p.primary_slot = a.id
WHERE
    a.status <> 'deleted'
    AND p.terminated_at IS NULL
    AND COALESCE(p.last_seen_at, p.role_changed_at) >= %(remembered_since)s
GROUP BY a.client_id
ORDER BY a.client_id ASC
LIMIT 100000

-- list_rescuers --
-- Primaries of ours that live, and are not interrupted themselves, the least busy first. Indexes:
-- instances_client_idx, commands_queue_idx.
SELECT
    p.client_id,
    p.agent_id,
    p.instance_id,
    p.account_id,
    p.region,
    (
        SELECT COUNT(*)
        FROM commands AS c
        WHERE c.agent_id = p.agent_id AND c.status IN ('pending', 'leased')
    ) AS busy
FROM JSON_TABLE(
    %(clients)s, '$[*]' COLUMNS (client_id VARCHAR(36) CHARACTER SET utf8mb4 PATH '$')
) AS j
INNER JOIN instances AS p ON p.client_id = j.client_id COLLATE utf8mb4_bin
INNER JOIN agents AS a ON a.id = p.agent_id
INNER JOIN agent_configs AS f ON f.agent_id = a.id
WHERE
    p.role = 'primary'
    AND p.protocol >= 5
    AND p.last_seen_at >= %(alive_since)s
    AND p.account_id IS NOT NULL
    AND a.status = 'online'
    AND f.enabled = 1
    AND NOT EXISTS (
        SELECT 1
        FROM spot_interruption_events AS e
        WHERE e.open_slot = p.agent_id AND e.instance_id = p.instance_id
    )
ORDER BY busy ASC, p.agent_id ASC
LIMIT 5000

-- insert_losses --
-- Silences that are taken up, of primaries that are silent still; one that is known stays as it is.
-- Index: spot_interruption_events_notice_uq.
INSERT IGNORE INTO spot_interruption_events (
    id, client_id, agent_id, instance_id, signal_type, notice_key, status, subject_role, epoch,
    action, reason, instance_type, region, az, mode, replica_id, rescuer_agent_id, noticed_at,
    received_at, ended_at
)
SELECT
    j.event_id, a.client_id, a.id, p.instance_id, 'loss', j.notice_key, j.status, 'primary',
    a.epoch, j.action, j.reason, p.instance_type, p.region, p.az, p.mode, j.replica_id,
    j.rescuer_agent_id, j.heard_at, %(now)s, IF(j.status = 'responding', NULL, %(now)s)
FROM JSON_TABLE(
    %(losses)s, '$[*]' COLUMNS (
        event_id VARCHAR(36) CHARACTER SET utf8mb4 PATH '$.event_id',
        agent_id VARCHAR(36) CHARACTER SET utf8mb4 PATH '$.agent_id',
        instance_id VARCHAR(64) CHARACTER SET utf8mb4 PATH '$.instance_id',
        notice_key VARCHAR(64) CHARACTER SET utf8mb4 PATH '$.notice_key',
        status VARCHAR(16) CHARACTER SET utf8mb4 PATH '$.status',
        action VARCHAR(32) CHARACTER SET utf8mb4 PATH '$.action',
        reason VARCHAR(64) CHARACTER SET utf8mb4 PATH '$.reason',
        replica_id VARCHAR(36) CHARACTER SET utf8mb4 PATH '$.replica_id',
        rescuer_agent_id VARCHAR(36) CHARACTER SET utf8mb4 PATH '$.rescuer_agent_id',
        heard_at DATETIME(3) PATH '$.heard_at'
    )
) AS j
INNER JOIN agents AS a ON a.id = j.agent_id COLLATE utf8mb4_bin AND a.status <> 'deleted'
INNER JOIN instances AS p
    ON p.primary_slot = a.id AND p.instance_id = j.instance_id COLLATE utf8mb4_bin
WHERE COALESCE(p.last_seen_at, p.role_changed_at) < %(silent_before)s

-- list_taken_up --
-- Which of these silences are on record now. Index: spot_interruption_events_pk.
SELECT e.id AS event_id
FROM JSON_TABLE(
    %(losses)s, '$[*]' COLUMNS (
        event_id VARCHAR(36) CHARACTER SET utf8mb4 PATH '$.event_id'
    )
) AS j
INNER JOIN spot_interruption_events AS e ON e.id = j.event_id COLLATE utf8mb4_bin
ORDER BY e.id ASC
LIMIT 10000

-- close_heard --
-- Silences that are over by themselves: nothing is ordered for them. Index:
-- spot_interruption_events_status_idx.
UPDATE spot_interruption_events AS e
INNER JOIN instances AS i ON i.agent_id = e.agent_id AND i.instance_id = e.instance_id
SET
    e.status = 'stood_down',
    e.reason = 'heard_again',
    e.ended_at = %(now)s
WHERE
    e.status IN ('detected', 'responding')
    AND e.signal_type = 'loss'
    AND (e.replica_id IS NULL OR e.action = 'verify')
    AND i.role = 'primary'
    AND i.last_seen_at > e.received_at

-- list_launch_specs --
-- How to launch what was lost; user data is encrypted. Index: launch_specs_pk.
SELECT
    l.agent_id,
    l.spec,
    l.user_data_encrypted
FROM JSON_TABLE(
    %(agents)s, '$[*]' COLUMNS (agent_id VARCHAR(36) CHARACTER SET utf8mb4 PATH '$')
) AS j
INNER JOIN launch_specs AS l ON l.agent_id = j.agent_id COLLATE utf8mb4_bin
ORDER BY l.agent_id ASC
LIMIT 10000

-- list_unanswered --
-- Silent primaries that were taken up, and that nobody has seen yet: who was asked could not tell, or
-- was not heard of. Indexes: spot_interruption_events_status_idx, instances_primary_uq,
-- launch_specs_pk.
SELECT
    e.id AS event_id,
    e.look_count,
    e.rescuer_agent_id AS asked_agent_id,
    e.replica_id,
    NULL AS standby_id,
    e.noticed_at AS heard_at,
    a.id AS agent_id,
    a.client_id,
    a.logical_agent_id,
    a.freeze_level AS agent_freeze,
    k.freeze_level AS client_freeze,
    f.enabled,
    p.instance_id,
    p.region,
    p.account_id,
    l.agent_id IS NOT NULL AS has_spec
FROM spot_interruption_events AS e
INNER JOIN agents AS a ON a.id = e.agent_id AND a.status <> 'deleted'
INNER JOIN instances AS p ON p.primary_slot = a.id AND p.instance_id = e.instance_id
INNER JOIN clients AS k ON k.id = a.client_id
INNER JOIN agent_configs AS f ON f.agent_id = a.id
LEFT JOIN launch_specs AS l ON l.agent_id = a.id
WHERE
    e.status = 'responding'
    AND e.signal_type = 'loss'
    AND e.is_drill = 0
    AND e.action IN ('verify', 'rescue')
    AND (e.finding IS NULL OR e.finding = 'unknown')
    AND e.look_count < %(most_looks)s
    AND COALESCE(e.looked_at, e.received_at) < %(asked_before)s
ORDER BY e.received_at ASC, e.id ASC
LIMIT 500

-- note_second_looks --
-- Somebody else is asked to look, unless somebody has seen it meanwhile. Index:
-- spot_interruption_events_pk.
UPDATE spot_interruption_events AS e
INNER JOIN JSON_TABLE(
    %(looks)s, '$[*]' COLUMNS (
        event_id VARCHAR(36) CHARACTER SET utf8mb4 PATH '$.event_id',
        number INT PATH '$.number',
        rescuer_agent_id VARCHAR(36) CHARACTER SET utf8mb4 PATH '$.rescuer_agent_id'
    )
) AS j ON j.event_id COLLATE utf8mb4_bin = e.id
SET
    e.look_count = j.number,
    e.looked_at = %(now)s,
    e.action = 'rescue',
    e.reason = 'looked_again',
    e.rescuer_agent_id = j.rescuer_agent_id
WHERE
    e.status = 'responding'
    AND e.look_count = j.number - 1
    AND (e.finding IS NULL OR e.finding = 'unknown')

-- list_second_looks --
-- Which of these looks are on record now. Index: spot_interruption_events_pk.
SELECT e.id AS event_id
FROM JSON_TABLE(
    %(looks)s, '$[*]' COLUMNS (
        event_id VARCHAR(36) CHARACTER SET utf8mb4 PATH '$.event_id',
        number INT PATH '$.number'
    )
) AS j
INNER JOIN spot_interruption_events AS e
    ON e.id = j.event_id COLLATE utf8mb4_bin AND e.look_count = j.number
WHERE e.looked_at = %(now)s
ORDER BY e.id ASC
LIMIT 500
