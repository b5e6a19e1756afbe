-- list_activity --
-- What happened in the fleet, newest first, errors aside. client_id NULL lists every tenant's
-- (operators). Indexes: system_events_created_idx, system_events_client_idx.
SELECT
    e.id,
    e.event_type,
    e.severity,
    e.message,
    e.created_at
FROM system_events AS e
WHERE
    e.severity IN ('info', 'warning')
    AND (%(client_id)s IS NULL OR e.client_id = %(client_id)s)
ORDER BY e.created_at DESC, e.id DESC
LIMIT %(limit)s

-- list_audit_entries --
-- Who did what, newest first. Index: audit_logs_created_idx.
SELECT
    l.id,
    l.actor_type,
    l.actor_id,
    l.actor_name,
    l.action,
    l.client_id,
    l.subject_type,
    l.subject_id,
    l.details,
    l.remote_address,
    l.request_id,
    l.created_at
FROM audit_logs AS l
WHERE
    (%(client_id)s IS NULL OR l.client_id = %(client_id)s)
    AND (%(action)s IS NULL OR l.action = %(action)s)
    AND (%(subject_id)s IS NULL OR l.subject_id = %(subject_id)s)
    AND (%(before_id)s IS NULL OR l.id < %(before_id)s)
ORDER BY l.id DESC
LIMIT %(limit)s
