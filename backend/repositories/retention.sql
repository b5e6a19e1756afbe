-- purge_expired --
-- Delete what has outlived its retention, 1000 rows in a transaction. See the procedure.
CALL purge_expired(%(now)s, 1000, %(max_rows)s, @spot_optimizer_row_count)

-- read_deleted_count --
-- The answer of the call before, on the same connection.
SELECT @spot_optimizer_row_count AS row_count
