-- request_replica --
-- Order a replica, or find the one that serves already.
CALL request_replica(
    %(now)s,
    %(client_id)s,
    %(agent_id)s,
    %(expected_epoch)s,
    %(replica_id)s,
    %(kind)s,
    %(status)s,
    %(event_id)s,
    %(besides_replica_id)s,
    %(instance_type)s,
    %(region)s,
    %(mode)s,
    %(pools)s,
    %(allows_ondemand)s,
    %(protocol)s,
    %(tags)s,
    %(max_price_usd_per_hour)s,
    %(created_by)s,
    %(executor_instance_id)s,
    %(is_handed_out)s,
    %(command_id)s,
    %(payload)s,
    %(priority)s,
    %(lease_seconds)s,
    %(expires_at)s,
    %(message)s
)

-- lease_order --
-- The instance that is to launch a replica has the order in hand. Index: commands_pk.
UPDATE commands
SET
    status = 'leased',
    lease_instance_id = instance_id,
    lease_protocol = %(protocol)s,
    lease_count = lease_count + 1,
    leased_at = %(now)s,
    lease_expires_at = %(lease_expires_at)s
WHERE
    id = %(command_id)s
    AND status = 'pending'
    AND instance_id = %(instance_id)s
