-- find_limits --
-- The limits of one agent. client_id NULL: of any client (operators). Index: agent_configs_pk.
SELECT
    a.client_id,
    f.version,
    f.min_savings_percent,
    f.risk_threshold,
    f.max_switches_per_day,
    f.max_switches_per_week,
    f.min_pool_duration_hours,
    f.max_price_age_seconds,
    f.return_stable_minutes,
    f.max_pool_share_percent,
    f.max_moved_percent,
    f.maintenance_windows
FROM agents AS a
INNER JOIN agent_configs AS f ON f.agent_id = a.id
WHERE
    a.id = %(agent_id)s
    AND a.status <> 'deleted'
    AND (%(client_id)s IS NULL OR a.client_id = %(client_id)s)

-- update_limits --
-- New limits, if the settings are still those that were read. Index: agent_configs_pk.
UPDATE agent_configs
SET
    version = version + 1,
    min_savings_percent = %(min_savings_percent)s,
    risk_threshold = %(risk_threshold)s,
    max_switches_per_day = %(max_switches_per_day)s,
    max_switches_per_week = %(max_switches_per_week)s,
    min_pool_duration_hours = %(min_pool_duration_hours)s,
    max_price_age_seconds = %(max_price_age_seconds)s,
    return_stable_minutes = %(return_stable_minutes)s,
    max_pool_share_percent = %(max_pool_share_percent)s,
    max_moved_percent = %(max_moved_percent)s,
    maintenance_windows = %(maintenance_windows)s,
    updated_at = %(now)s
WHERE
    agent_id = %(agent_id)s
    AND version = %(version)s
