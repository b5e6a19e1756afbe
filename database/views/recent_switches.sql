-- Switches with the names that people know, open and ended. The reader orders and limits.
-- Read by: backend/repositories/status.sql, backend/repositories/switch_history.sql.
CREATE VIEW recent_switches AS
SELECT
    s.id AS switch_id,
    s.client_id,
    c.name AS client_name,
    s.agent_id,
    a.logical_agent_id,
    s.cause,
    s.status,
    s.failed_step,
    s.reason,
    s.old_instance_id,
    s.old_instance_type,
    s.old_az,
    s.old_pool_id,
    s.old_mode,
    s.new_instance_id,
    s.new_instance_type,
    s.new_az,
    s.new_pool_id,
    s.new_mode,
    s.ondemand_price_usd_per_hour,
    s.old_spot_price_usd_per_hour,
    s.new_spot_price_usd_per_hour,
    s.savings_impact_usd_per_hour,
    s.requested_at,
    s.initiated_at,
    s.image_created_at,
    s.launched_at,
    s.ready_at,
    s.cut_over_at,
    s.old_terminated_at,
    s.ended_at
FROM switches AS s
INNER JOIN agents AS a ON a.id = s.agent_id
INNER JOIN clients AS c ON c.id = s.client_id
