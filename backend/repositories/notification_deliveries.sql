-- list_waiting_channels --
-- Channels with notifications that were not gathered yet. Those written by slow transactions turn
-- up late, so it looks back a while behind looked_at. Index: notifications_created_idx.
SELECT
    c.id,
    c.batch_seconds,
    c.min_severity,
    c.client_id,
    c.active_since,
    c.looked_at,
    c.failing_since,
    MIN(n.created_at) AS oldest_at,
    COUNT(*) AS waiting
FROM notification_channels AS c
INNER JOIN notifications AS n
    ON
        n.created_at >= TIMESTAMPADD(SECOND, -%(overlap_seconds)s, c.looked_at)
        AND n.created_at >= c.active_since
        AND n.created_at >= %(since)s
        AND (c.client_id IS NULL OR n.client_id = c.client_id)
LEFT JOIN notification_delivery_items AS i
    ON i.channel_id = c.id AND i.notification_id = n.id
WHERE
    c.is_enabled = 1
    AND FIELD(n.severity, 'info', 'warning', 'error')
    >= FIELD(c.min_severity, 'info', 'warning', 'error')
    AND (c.failing_since IS NULL OR n.notification_type <> 'notification_undelivered')
    AND i.channel_id IS NULL
GROUP BY
    c.id,
    c.batch_seconds,
    c.min_severity,
    c.client_id,
    c.active_since,
    c.looked_at,
    c.failing_since
ORDER BY oldest_at ASC, c.id ASC
LIMIT %(limit)s

-- find_collecting --
-- The batch that a channel gathers. Index: notification_deliveries_collecting_uq.
SELECT
    d.id,
    d.item_count
FROM notification_deliveries AS d
WHERE d.collecting_channel = %(channel_id)s

-- insert_delivery --
-- A new message; one that gathers is the only one of its channel, or UniqueViolation.
INSERT INTO notification_deliveries (
    id,
    channel_id,
    status,
    is_test,
    attempts,
    next_attempt_at,
    lease_owner,
    lease_until,
    created_at
)
VALUES (
    %(delivery_id)s,
    %(channel_id)s,
    %(status)s,
    %(is_test)s,
    %(attempts)s,
    %(next_attempt_at)s,
    %(lease_owner)s,
    %(lease_until)s,
    %(now)s
)

-- hold_collecting --
-- Lock a batch that still gathers, so that nobody sends it meanwhile. Index:
-- notification_deliveries_pk.
UPDATE notification_deliveries
SET item_count = item_count
WHERE
    id = %(delivery_id)s
    AND status = 'collecting'

-- insert_items --
-- Put what waits for the channel into the batch. Index: notifications_created_idx.
INSERT IGNORE INTO notification_delivery_items (channel_id, notification_id, delivery_id)
SELECT
    %(channel_id)s,
    n.id,
    %(delivery_id)s
FROM notifications AS n
LEFT JOIN notification_delivery_items AS i
    ON i.channel_id = %(channel_id)s AND i.notification_id = n.id
WHERE
    n.created_at >= %(since)s
    AND (%(client_id)s IS NULL OR n.client_id = %(client_id)s)
    AND FIELD(n.severity, 'info', 'warning', 'error')
    >= FIELD(%(min_severity)s, 'info', 'warning', 'error')
    AND (%(is_failing)s = 0 OR n.notification_type <> 'notification_undelivered')
    AND i.channel_id IS NULL
ORDER BY n.created_at ASC, n.id ASC
LIMIT %(limit)s

-- grow_delivery --
-- The batch holds more. Index: notification_deliveries_pk.
UPDATE notification_deliveries
SET item_count = item_count + %(count)s
WHERE id = %(delivery_id)s

-- list_due --
-- Messages whose time has come, and those whose sender died. Index: notification_deliveries_due_idx.
SELECT d.id
FROM notification_deliveries AS d
INNER JOIN notification_channels AS c ON c.id = d.channel_id
WHERE
    c.is_enabled = 1
    AND d.is_test = 0
    AND (
        (d.status IN ('collecting', 'retrying') AND d.next_attempt_at <= %(now)s)
        OR (d.status = 'sending' AND d.lease_until <= %(now)s)
    )
ORDER BY d.next_attempt_at ASC, d.id ASC
LIMIT %(limit)s

-- claim_delivery --
-- Take a message: whoever changes the row sends it. Index: notification_deliveries_pk.
UPDATE notification_deliveries
SET
    status = 'sending',
    attempts = attempts + 1,
    lease_owner = %(lease_owner)s,
    lease_until = %(lease_until)s
WHERE
    id = %(delivery_id)s
    AND (
        (status IN ('collecting', 'retrying') AND next_attempt_at <= %(now)s)
        OR (status = 'sending' AND lease_until <= %(now)s)
    )

-- find_claimed --
-- A message that is ours, with its channel. Index: notification_deliveries_pk.
SELECT
    d.id,
    d.channel_id,
    d.item_count,
    d.attempts,
    c.name,
    c.client_id,
    c.target_sealed
FROM notification_deliveries AS d
INNER JOIN notification_channels AS c ON c.id = d.channel_id
WHERE
    d.id = %(delivery_id)s
    AND d.lease_owner = %(lease_owner)s

-- list_items --
-- The gravest notifications of a message, the oldest first within a severity. Index:
-- notification_delivery_items_delivery_idx.
SELECT
    n.id,
    n.notification_type,
    n.severity,
    n.message,
    n.client_id,
    n.agent_id,
    n.created_at,
    k.name AS client_name,
    a.logical_agent_id
FROM notification_delivery_items AS i
INNER JOIN notifications AS n ON n.id = i.notification_id
LEFT JOIN clients AS k ON k.id = n.client_id
LEFT JOIN agents AS a ON a.id = n.agent_id
WHERE i.delivery_id = %(delivery_id)s
ORDER BY FIELD(n.severity, 'error', 'warning', 'info') ASC, n.created_at ASC, n.id ASC
LIMIT %(limit)s

-- settle_delivery --
-- How an attempt of ours ended; 0 rows when somebody took the message over meanwhile. Index:
-- notification_deliveries_pk.
UPDATE notification_deliveries
SET
    status = %(status)s,
    next_attempt_at = COALESCE(%(next_attempt_at)s, next_attempt_at),
    last_error = %(last_error)s,
    ended_at = %(ended_at)s,
    lease_owner = NULL,
    lease_until = NULL
WHERE
    id = %(delivery_id)s
    AND lease_owner = %(lease_owner)s
    AND status = 'sending'

-- end_open --
-- A channel was switched off: what waits for it is given up. Index:
-- notification_deliveries_channel_idx.
UPDATE notification_deliveries
SET
    status = 'dead',
    last_error = %(reason)s,
    ended_at = %(now)s,
    lease_owner = NULL,
    lease_until = NULL
WHERE
    channel_id = %(channel_id)s
    AND status IN ('collecting', 'retrying')

-- end_lost_tests --
-- Tests whose process died while it sent. Index: notification_deliveries_due_idx.
UPDATE notification_deliveries
SET
    status = 'dead',
    last_error = %(reason)s,
    ended_at = %(now)s,
    lease_owner = NULL,
    lease_until = NULL
WHERE
    is_test = 1
    AND status = 'sending'
    AND lease_until <= %(now)s

-- list_deliveries --
-- The log of a channel, newest first. Index: notification_deliveries_channel_idx.
SELECT
    d.id,
    d.status,
    d.is_test,
    d.item_count,
    d.attempts,
    d.next_attempt_at,
    d.last_error,
    d.created_at,
    d.ended_at
FROM notification_deliveries AS d
WHERE d.channel_id = %(channel_id)s
ORDER BY d.created_at DESC, d.id DESC
LIMIT %(limit)s OFFSET %(offset)s

-- count_deliveries --
-- How many lines the log of a channel has. Index: notification_deliveries_channel_idx.
SELECT COUNT(*) AS total
FROM notification_deliveries AS d
WHERE d.channel_id = %(channel_id)s

-- count_by_status --
-- How many messages are where. Index: notification_deliveries_due_idx.
SELECT
    d.status,
    COUNT(*) AS deliveries
FROM notification_deliveries AS d
GROUP BY d.status
ORDER BY d.status ASC
