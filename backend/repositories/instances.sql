-- beat_steady --
-- The hot path of a heartbeat: one row by primary key, or nothing when more than the time of the
-- last sign of life would have to change. The index is named because weighing the other ones, which
-- match client and instance, costs a tenth of the statement. Index: instances_pk.
UPDATE instances FORCE INDEX (PRIMARY)
SET last_seen_at = %(now)s
WHERE
    agent_id = %(agent_id)s
    AND instance_id = %(instance_id)s
    AND client_id = %(client_id)s
    AND is_steady = 1

-- sync_idly --
-- The hot path of a sync: as beat_steady, or nothing when the answer that the caller remembers may
-- no longer hold. Index: instances_pk.
UPDATE instances FORCE INDEX (PRIMARY)
SET
    last_seen_at = %(now)s,
    cpu_percent = %(cpu_percent)s,
    memory_percent = %(memory_percent)s,
    disk_percent = %(disk_percent)s
WHERE
    agent_id = %(agent_id)s
    AND instance_id = %(instance_id)s
    AND client_id = %(client_id)s
    AND is_steady = 1
    AND news_count = %(known_news)s

-- beat_steady_together --
-- As beat_steady, for several instances at once, of any tenants; they are locked in the order of the
-- list. Rows fewer than instances: one of them needs the slow path. Index: instances_pk.
UPDATE JSON_TABLE(
    %(beats)s, '$[*]' COLUMNS (
        client_id VARCHAR(36) CHARACTER SET utf8mb4 PATH '$.client_id',
        agent_id VARCHAR(36) CHARACTER SET utf8mb4 PATH '$.agent_id',
        instance_id VARCHAR(64) CHARACTER SET utf8mb4 PATH '$.instance_id'
    )
) AS j
STRAIGHT_JOIN instances AS i
    ON
        i.agent_id = j.agent_id COLLATE utf8mb4_bin
        AND i.instance_id = j.instance_id COLLATE utf8mb4_bin
        AND i.client_id = j.client_id COLLATE utf8mb4_bin
SET i.last_seen_at = %(now)s
WHERE i.is_steady = 1

-- sync_idly_together --
-- As sync_idly, for several instances at once; see beat_steady_together. Index: instances_pk.
UPDATE JSON_TABLE(
    %(syncs)s, '$[*]' COLUMNS (
        client_id VARCHAR(36) CHARACTER SET utf8mb4 PATH '$.client_id',
        agent_id VARCHAR(36) CHARACTER SET utf8mb4 PATH '$.agent_id',
        instance_id VARCHAR(64) CHARACTER SET utf8mb4 PATH '$.instance_id',
        cpu_percent DECIMAL(5, 2) PATH '$.cpu_percent',
        memory_percent DECIMAL(5, 2) PATH '$.memory_percent',
        disk_percent DECIMAL(5, 2) PATH '$.disk_percent',
        known_news INT PATH '$.known_news'
    )
) AS j
STRAIGHT_JOIN instances AS i
    ON
        i.agent_id = j.agent_id COLLATE utf8mb4_bin
        AND i.instance_id = j.instance_id COLLATE utf8mb4_bin
        AND i.client_id = j.client_id COLLATE utf8mb4_bin
SET
    i.last_seen_at = %(now)s,
    i.cpu_percent = j.cpu_percent,
    i.memory_percent = j.memory_percent,
    i.disk_percent = j.disk_percent
WHERE
    i.is_steady = 1
    AND i.news_count = j.known_news

-- sync_instance --
-- One round trip of an agent of ours.
CALL sync_agent(
    %(now)s,
    %(client_id)s,
    %(agent_id)s,
    %(instance_id)s,
    %(cpu_percent)s,
    %(memory_percent)s,
    %(disk_percent)s,
    %(live_since)s,
    %(contested_priority)s,
    %(lease_seconds_classic)s,
    %(lease_seconds_native)s
)

-- find_instance --
-- One instance of an agent. Index: instances_pk.
SELECT
    i.agent_id,
    i.instance_id,
    i.role,
    i.protocol,
    i.is_steady,
    i.mode,
    i.instance_type,
    i.region,
    i.az,
    i.agent_version,
    i.last_seen_at,
    i.terminated_at
FROM instances AS i
WHERE
    i.agent_id = %(agent_id)s
    AND i.instance_id = %(instance_id)s
    AND i.client_id = %(client_id)s

-- list_living_instances --
-- The instances that a registration is judged against: the primary and the candidates.
-- Index: instances_pk.
SELECT
    i.instance_id,
    i.role,
    i.instance_type,
    i.az,
    i.last_seen_at,
    i.role_changed_at,
    i.terminated_at
FROM instances AS i
WHERE
    i.agent_id = %(agent_id)s
    AND (i.role IN ('primary', 'candidate') OR i.instance_id = %(instance_id)s)
ORDER BY
    i.role = 'primary' DESC,
    i.instance_id = %(instance_id)s DESC,
    i.last_seen_at DESC,
    i.instance_id ASC
LIMIT 50

-- beat --
-- A heartbeat that may tell more than "alive": unknown facts are filled in, known ones are kept
-- because type and zone of an instance never change. Ours tells nothing that it did not tell at
-- registration: steady, whatever it could not find out. Index: instances_pk.
UPDATE instances
SET
    last_seen_at = %(now)s,
    protocol = GREATEST(protocol, %(protocol)s),
    mode = IF(mode = 'unknown', COALESCE(%(mode)s, mode), mode),
    instance_type = IF(
        instance_type = 'unknown', COALESCE(%(instance_type)s, instance_type), instance_type
    ),
    az = IF(az = 'unknown', COALESCE(%(az)s, az), az),
    is_steady = IF(
        %(protocol)s >= 5
        OR (mode <> 'unknown' AND instance_type <> 'unknown' AND az <> 'unknown'), 1, 0
    )
WHERE
    agent_id = %(agent_id)s
    AND instance_id = %(instance_id)s
    AND client_id = %(client_id)s

-- unsettle --
-- The next sign of life of this instance takes the slow path. Index: instances_pk.
UPDATE instances
SET is_steady = 0
WHERE
    agent_id = %(agent_id)s
    AND instance_id = %(instance_id)s

-- list_agents_of_instance --
-- Which agents an instance belongs to, the one that it is primary of first. client_id NULL looks
-- through every tenant (operators). Index: instances_client_idx, instances_instance_idx.
SELECT
    i.agent_id,
    i.client_id,
    i.instance_id,
    i.role
FROM instances AS i
WHERE
    i.instance_id = %(instance_id)s
    AND (%(client_id)s IS NULL OR i.client_id = %(client_id)s)
ORDER BY i.role = 'primary' DESC, i.last_seen_at DESC, i.agent_id ASC
LIMIT 20
