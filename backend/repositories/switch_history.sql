-- list_switches --
-- A page of switches, the youngest first, chosen before anything is joined. client_id NULL lists
-- every tenant's (operators); status 'open' means neither completed nor failed. Indexes:
-- switches_client_idx, switches_requested_idx.
SELECT
    v.switch_id,
    v.client_id,
    v.client_name,
    v.agent_id,
    v.logical_agent_id,
    v.cause,
    v.status,
    v.failed_step,
    v.reason,
    v.old_instance_id,
    v.old_instance_type,
    v.old_az,
    v.old_mode,
    v.old_pool_id,
    v.new_instance_id,
    v.new_instance_type,
    v.new_az,
    v.new_mode,
    v.new_pool_id,
    v.ondemand_price_usd_per_hour,
    v.old_spot_price_usd_per_hour,
    v.new_spot_price_usd_per_hour,
    v.savings_impact_usd_per_hour,
    v.requested_at,
    v.initiated_at,
    v.image_created_at,
    v.launched_at,
    v.ready_at,
    v.cut_over_at,
    v.old_terminated_at,
    v.ended_at
FROM (
    SELECT
        s.id,
        s.requested_at
    FROM switches AS s
    WHERE
        (%(client_id)s IS NULL OR s.client_id = %(client_id)s)
        AND (
            %(status)s IS NULL
            OR s.status = %(status)s
            OR (%(status)s = 'open' AND s.open_slot IS NOT NULL)
        )
        AND (
            %(instance_id)s IS NULL
            OR s.old_instance_id = %(instance_id)s
            OR s.new_instance_id = %(instance_id)s
        )
    ORDER BY s.requested_at DESC, s.id DESC
    LIMIT %(limit)s OFFSET %(offset)s
) AS page
INNER JOIN recent_switches AS v ON v.switch_id = page.id
ORDER BY v.requested_at DESC, v.switch_id DESC

-- count_by_status --
-- How many switches list_switches would list in all, without an instance to look for: the index
-- alone answers. Index: switches_outcome_idx.
SELECT COUNT(*) AS switch_count
FROM switches AS s
WHERE
    (%(client_id)s IS NULL OR s.client_id = %(client_id)s)
    AND (
        %(status)s IS NULL
        OR s.status = %(status)s
        OR (%(status)s = 'open' AND s.status NOT IN ('completed', 'failed'))
    )

-- count_switches --
-- How many switches list_switches would list in all. Index: switches_outcome_idx.
SELECT COUNT(*) AS switch_count
FROM switches AS s
WHERE
    (%(client_id)s IS NULL OR s.client_id = %(client_id)s)
    AND (
        %(status)s IS NULL
        OR s.status = %(status)s
        OR (%(status)s = 'open' AND s.open_slot IS NOT NULL)
    )
    AND (
        %(instance_id)s IS NULL
        OR s.old_instance_id = %(instance_id)s
        OR s.new_instance_id = %(instance_id)s
    )
