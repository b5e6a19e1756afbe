-- insert_entry --
-- One change by one author.
INSERT INTO audit_logs (
    actor_type,
    actor_id,
    actor_name,
    action,
    client_id,
    subject_type,
    subject_id,
    details,
    remote_address,
    request_id,
    created_at
)
VALUES (
    %(actor_type)s,
    %(actor_id)s,
    %(actor_name)s,
    %(action)s,
    %(client_id)s,
    %(subject_type)s,
    %(subject_id)s,
    %(details)s,
    %(remote_address)s,
    %(request_id)s,
    %(now)s
)
