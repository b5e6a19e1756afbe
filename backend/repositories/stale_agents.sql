-- mark_stale_agents --
-- Mark silent agents offline, 500 in a transaction. Seconds; see the procedure.
CALL mark_stale_agents(
    %(now)s, %(timeout_seconds)s, %(confirm_seconds)s, 500, @spot_optimizer_row_count
)

-- read_marked_count --
-- The answer of the call before, on the same connection.
SELECT @spot_optimizer_row_count AS row_count
