-- rollup_savings --
-- Sum the ledger anew for days of agents, or for every day from one on. See the procedure.
CALL rollup_savings(%(now)s, %(days)s, %(since)s, @spot_optimizer_row_count)

-- read_row_count --
-- The answer of the call before, on the same connection.
SELECT @spot_optimizer_row_count AS row_count
