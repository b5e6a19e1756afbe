-- record_pricing_report --
-- A whole price report in one round trip.
CALL record_pricing_report(
    %(now)s,
    %(client_id)s,
    %(agent_id)s,
    %(instance_id)s,
    %(observed_at)s,
    %(bucket_at)s,
    %(shared_slot)s,
    %(own_slot)s,
    %(region)s,
    %(instance_type)s,
    %(mode)s,
    %(ondemand_price)s,
    %(ondemand_source)s,
    %(spot_price)s,
    %(entries)s,
    %(accepted_count)s,
    %(refused_count)s,
    %(is_due)s
)

-- record_pricing_reports --
-- Several price reports in one round trip, all or none.
CALL record_pricing_reports(%(now)s, %(reports)s)

-- unfold_price_reports --
-- Spread pending reports over the price tables, in the order they came. See the procedure.
CALL unfold_price_reports(%(limit)s, @spot_optimizer_row_count)

-- read_report_count --
-- The answer of the call before, on the same connection.
SELECT @spot_optimizer_row_count AS row_count
