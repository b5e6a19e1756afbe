-- list_for_operator --
-- What somebody should see, newest first: of every tenant, or of one and of nobody in particular.
-- Index: notifications_created_idx.
SELECT
    n.id,
    n.client_id,
    n.notification_type,
    n.message,
    n.severity,
    n.is_read,
    n.created_at
FROM notifications AS n
WHERE
    (%(client_id)s IS NULL OR n.client_id = %(client_id)s OR n.client_id IS NULL)
    AND (%(unread_only)s = 0 OR n.is_read = 0)
ORDER BY n.created_at DESC, n.id DESC
LIMIT %(limit)s

-- list_for_client --
-- What a client should see, newest first. Index: notifications_client_idx.
SELECT
    n.id,
    n.client_id,
    n.notification_type,
    n.message,
    n.severity,
    n.is_read,
    n.created_at
FROM notifications AS n
WHERE
    n.client_id = %(client_id)s
    AND (%(unread_only)s = 0 OR n.is_read = 0)
ORDER BY n.created_at DESC, n.id DESC
LIMIT %(limit)s

-- find_notification --
-- Whether it exists for this tenant, and was read. client_id NULL finds every tenant's. Index:
-- notifications_pk.
SELECT
    n.id,
    n.client_id,
    n.is_read
FROM notifications AS n
WHERE
    n.id = %(notification_id)s
    AND (%(client_id)s IS NULL OR n.client_id = %(client_id)s)

-- mark_read --
-- Somebody has seen it. Index: notifications_pk.
UPDATE notifications
SET is_read = 1
WHERE id = %(notification_id)s

-- mark_all_read --
-- A batch of what nobody had seen up to now. client_id NULL marks every tenant's. Index:
-- notifications_unread_idx.
UPDATE notifications
SET is_read = 1
WHERE
    is_read = 0
    AND created_at <= %(now)s
    AND (%(client_id)s IS NULL OR client_id = %(client_id)s)
ORDER BY id ASC
LIMIT %(limit)s
