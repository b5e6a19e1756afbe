-- sum_savings --
-- What each client's switches have saved since an instant, USD: for each completed switch, what the
-- new instance costs less per hour than the old one, times the hours that it was heard as the
-- primary. Switches whose prices are unknown count nothing. Indexes: switches_outcome_idx,
-- switches_new_instance_idx, instances_pk.
SELECT
    h.client_id,
    SUM(
        h.savings_impact_usd_per_hour
        * GREATEST(TIMESTAMPDIFF(SECOND, GREATEST(h.held_from, %(since)s), h.held_until), 0)
    ) / 3600 AS savings_usd
FROM (
    SELECT
        s.client_id,
        s.savings_impact_usd_per_hour,
        COALESCE(s.cut_over_at, s.ready_at, s.ended_at) AS held_from,
        LEAST(
            i.last_seen_at,
            IF(i.role = 'primary', i.last_seen_at, i.role_changed_at)
        ) AS held_until
    FROM switches AS s
    INNER JOIN instances AS i FORCE INDEX (PRIMARY)
        ON i.agent_id = s.agent_id AND i.instance_id = s.new_instance_id
    WHERE
        s.status = 'completed'
        AND s.savings_impact_usd_per_hour IS NOT NULL
        AND i.last_seen_at IS NOT NULL
        AND (%(client_id)s IS NULL OR s.client_id = %(client_id)s)
        AND (%(agent_id)s IS NULL OR s.agent_id = %(agent_id)s)
        AND (%(instance_id)s IS NULL OR s.new_instance_id = %(instance_id)s)
) AS h
GROUP BY h.client_id
ORDER BY h.client_id ASC
LIMIT 10000
