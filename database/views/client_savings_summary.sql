-- What each client has saved since ever, up to the last closed hour: the newest running total.
-- Read by: backend/repositories/savings.sql.
CREATE VIEW client_savings_summary AS
SELECT
    t.client_id,
    c.name AS client_name,
    t.day_on,
    t.baseline_usd,
    t.cost_usd,
    t.baseline_usd - t.cost_usd AS savings_usd
FROM clients AS c
INNER JOIN savings_snapshots AS t
    ON
        t.client_id = c.id
        AND t.day_on = (
            SELECT MAX(n.day_on)
            FROM savings_snapshots AS n
            WHERE n.client_id = c.id
        )
