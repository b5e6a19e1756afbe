-- list_agents --
-- Agents with their primary, their limits and whatever forbids a move. agent_id NULL: every agent
-- that engines may move, of active clients and heard of. Indexes: agents_status_idx, agents_pk.
SELECT
    a.id AS agent_id,
    a.client_id,
    a.logical_agent_id,
    a.status,
    a.epoch,
    a.identity_conflict_at,
    a.last_switch_at,
    a.last_failover_at,
    k.status AS client_status,
    f.enabled,
    f.auto_switch_enabled,
    f.auto_terminate_enabled,
    f.terminate_wait_seconds,
    f.min_savings_percent,
    f.risk_threshold,
    f.max_switches_per_day,
    f.max_switches_per_week,
    f.min_pool_duration_hours,
    f.max_price_age_seconds,
    f.return_stable_minutes,
    f.max_pool_share_percent,
    f.max_moved_percent,
    f.maintenance_windows,
    i.instance_id,
    i.protocol,
    i.mode,
    i.instance_type,
    i.region,
    i.az,
    i.launched_at,
    i.role_changed_at
FROM agents AS a
INNER JOIN clients AS k ON k.id = a.client_id
INNER JOIN agent_configs AS f ON f.agent_id = a.id
INNER JOIN instances AS i ON i.agent_id = a.id AND i.instance_id = a.primary_instance_id
WHERE
    a.status <> 'deleted'
    AND (%(client_id)s IS NULL OR a.client_id = %(client_id)s)
    AND (%(agent_id)s IS NULL OR a.id = %(agent_id)s)
    AND (
        %(agent_id)s IS NOT NULL
        OR (
            a.status = 'online'
            AND k.status = 'active'
            AND f.enabled = 1
            AND f.auto_switch_enabled = 1
        )
    )
ORDER BY a.client_id ASC, a.id ASC
LIMIT 100000

-- list_frozen_agents --
-- Agents whose voluntary actions are stopped: by a freeze of their own, of their client or of
-- everything, or by a signal that is being answered. Indexes: settings_pk,
-- spot_interruption_events_open_idx.
SELECT a.id AS agent_id
FROM agents AS a
INNER JOIN clients AS k ON k.id = a.client_id
LEFT JOIN settings AS g ON g.name = 'fallback.freeze'
WHERE
    a.status <> 'deleted'
    AND (%(agent_id)s IS NULL OR a.id = %(agent_id)s)
    AND (
        a.freeze_level IN ('voluntary', 'all')
        OR k.freeze_level IN ('voluntary', 'all')
        OR g.value IN ('voluntary', 'all')
        OR EXISTS (
            SELECT 1
            FROM spot_interruption_events AS e
            WHERE
                e.open_slot = a.id
                AND e.signal_type IN ('termination-notice', 'loss')
        )
    )
ORDER BY a.id ASC
LIMIT 100000

-- list_switch_counts --
-- Voluntary switches of each agent within a week and within a day, and whether one is open.
-- Indexes: switches_requested_idx, switches_agent_idx, switches_open_uq.
SELECT
    s.agent_id,
    SUM(s.cause IN ('manual', 'engine') AND s.requested_at > %(week_start)s) AS week_count,
    SUM(s.cause IN ('manual', 'engine') AND s.requested_at > %(day_start)s) AS day_count,
    SUM(s.open_slot IS NOT NULL) AS open_count
FROM switches AS s
WHERE
    (s.requested_at > %(week_start)s OR s.open_slot IS NOT NULL)
    AND (%(agent_id)s IS NULL OR s.agent_id = %(agent_id)s)
GROUP BY s.agent_id
ORDER BY s.agent_id ASC
LIMIT 100000

-- list_places --
-- How many primaries of each client stand where: those that there are, less those of deleted agents.
-- Indexes: instances_place_idx, agents_status_idx.
SELECT
    p.client_id,
    p.mode,
    p.instance_type,
    p.az,
    SUM(p.agent_count) AS agent_count
FROM (
    SELECT
        i.client_id,
        i.mode,
        i.instance_type,
        i.az,
        COUNT(*) AS agent_count
    FROM instances AS i
    WHERE i.role = 'primary' AND (%(client_id)s IS NULL OR i.client_id = %(client_id)s)
    GROUP BY i.client_id, i.mode, i.instance_type, i.az
    UNION ALL
    SELECT
        i.client_id,
        i.mode,
        i.instance_type,
        i.az,
        -COUNT(*)
    FROM agents AS a
    INNER JOIN instances AS i ON i.agent_id = a.id AND i.role = 'primary'
    WHERE a.status = 'deleted' AND (%(client_id)s IS NULL OR a.client_id = %(client_id)s)
    GROUP BY i.client_id, i.mode, i.instance_type, i.az
) AS p
GROUP BY p.client_id, p.mode, p.instance_type, p.az
HAVING SUM(p.agent_count) > 0
ORDER BY p.client_id ASC, p.mode ASC, p.instance_type ASC, p.az ASC
LIMIT 100000

-- list_destinations --
-- Where open switches lead: agents on their way from on-demand or from another pool. Index:
-- switches_open_uq.
SELECT
    s.client_id,
    s.new_pool_id AS pool_id,
    COUNT(*) AS agent_count,
    SUM(s.old_mode <> 'spot') AS new_spot_count
FROM switches AS s
WHERE
    s.open_slot IS NOT NULL
    AND s.new_mode = 'spot'
    AND s.new_pool_id IS NOT NULL
    AND (%(client_id)s IS NULL OR s.client_id = %(client_id)s)
GROUP BY s.client_id, s.new_pool_id
ORDER BY s.client_id ASC, s.new_pool_id ASC
LIMIT 100000

-- list_moved --
-- Agents of each client whose move an engine began since an instant. Index: switches_requested_idx.
SELECT
    s.client_id,
    COUNT(*) AS agent_count
FROM switches AS s
WHERE
    s.requested_at >= %(since)s
    AND s.cause = 'engine'
    AND (%(client_id)s IS NULL OR s.client_id = %(client_id)s)
GROUP BY s.client_id
ORDER BY s.client_id ASC
LIMIT 100000

-- list_pools --
-- The pools of some instance types that some clients know: their own last price, what others agreed
-- on last (USD per hour), and the newest risk. Indexes: pool_prices_pk,
-- pricing_snapshots_clean_series_idx, pool_risk_analysis_pk.
SELECT
    v.client_id,
    v.pool_id AS pool_number,
    p.region,
    p.instance_type,
    v.az,
    v.price_usd_per_hour,
    v.observed_at,
    (
        SELECT c.bucket_at
        FROM pricing_snapshots_clean AS c
        WHERE c.client_id IS NULL AND c.pool_id = v.pool_id AND c.is_discrepant = 0
        ORDER BY c.day_on DESC, c.bucket_at DESC
        LIMIT 1
    ) AS agreed_at,
    (
        SELECT c.price_usd_per_hour
        FROM pricing_snapshots_clean AS c
        WHERE c.client_id IS NULL AND c.pool_id = v.pool_id AND c.is_discrepant = 0
        ORDER BY c.day_on DESC, c.bucket_at DESC
        LIMIT 1
    ) AS agreed_price_usd_per_hour,
    r.last_loss_at,
    r.decayed_loss_count,
    r.decayed_capacity_error_count,
    r.volatility_ratio,
    r.risk_score,
    r.computed_at
FROM JSON_TABLE(
    %(clients)s, '$[*]' COLUMNS (client_id VARCHAR(36) CHARACTER SET utf8mb4 PATH '$')
) AS k
INNER JOIN pool_prices AS v ON v.client_id = k.client_id COLLATE utf8mb4_bin
INNER JOIN spot_pools AS p ON p.id = v.pool_id
INNER JOIN JSON_TABLE(
    %(instance_types)s, '$[*]' COLUMNS (
        instance_type VARCHAR(64) CHARACTER SET utf8mb4 PATH '$'
    )
) AS w ON w.instance_type COLLATE utf8mb4_bin = p.instance_type
LEFT JOIN pool_risk_current AS r ON r.client_id = v.client_id AND r.pool_number = v.pool_id
ORDER BY v.client_id ASC, v.reported_at DESC, v.pool_id ASC
LIMIT 200000

-- list_ondemand_prices --
-- The newest on-demand prices that some clients reported since an instant, USD per hour. Index:
-- ondemand_price_snapshots_pk.
SELECT
    o.client_id,
    o.region,
    o.instance_type,
    o.price_usd_per_hour
FROM JSON_TABLE(
    %(clients)s, '$[*]' COLUMNS (client_id VARCHAR(36) CHARACTER SET utf8mb4 PATH '$')
) AS k
INNER JOIN ondemand_price_snapshots AS o ON o.client_id = k.client_id COLLATE utf8mb4_bin
INNER JOIN JSON_TABLE(
    %(instance_types)s, '$[*]' COLUMNS (
        instance_type VARCHAR(64) CHARACTER SET utf8mb4 PATH '$'
    )
) AS w ON w.instance_type COLLATE utf8mb4_bin = o.instance_type
WHERE
    o.bucket_at = (
        SELECT MAX(n.bucket_at)
        FROM ondemand_price_snapshots AS n
        WHERE
            n.client_id = o.client_id
            AND n.region = o.region
            AND n.instance_type = o.instance_type
    )
    AND o.bucket_at > %(since)s
ORDER BY o.client_id ASC, o.region ASC, o.instance_type ASC
LIMIT 100000

-- list_troubles --
-- What lets pools rest now, whoever met it. Index: pool_cooldowns_ends_idx.
SELECT
    c.pool_id,
    c.client_id,
    c.reason,
    MAX(c.ends_at) AS ends_at
FROM pool_cooldowns AS c
WHERE c.ends_at > %(now)s AND c.occurred_at <= %(now)s
GROUP BY c.pool_id, c.client_id, c.reason
ORDER BY c.pool_id ASC, c.client_id ASC, c.reason ASC
LIMIT 100000

-- list_past_troubles --
-- Losses and refused launches since an instant, whoever met them, oldest first. Index:
-- pool_cooldowns_occurred_idx.
SELECT
    c.pool_id,
    c.client_id,
    c.reason,
    c.occurred_at
FROM pool_cooldowns AS c
WHERE c.occurred_at > %(since)s AND c.occurred_at <= %(now)s AND c.reason <> 'rebalance'
ORDER BY c.occurred_at ASC, c.id ASC
LIMIT 200000
