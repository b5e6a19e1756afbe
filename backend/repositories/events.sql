-- record_event --
-- Something happened that an operator may want to read about later.
INSERT INTO system_events (
    event_type, severity, client_id, agent_id, instance_id, message, details, created_at
)
VALUES (
    %(event_type)s, %(severity)s, %(client_id)s, %(agent_id)s, %(instance_id)s, %(message)s,
    %(details)s, %(now)s
)

-- notify --
-- Something happened that somebody should look at.
INSERT INTO notifications (
    client_id, agent_id, notification_type, severity, message, created_at
)
VALUES (
    %(client_id)s, %(agent_id)s, %(notification_type)s, %(severity)s, %(message)s, %(now)s
)
