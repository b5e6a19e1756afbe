-- insert_channel --
-- A new channel; its name is free, or UniqueViolation.
INSERT INTO notification_channels (
    id,
    client_id,
    name,
    kind,
    target_sealed,
    target_hint,
    min_severity,
    batch_seconds,
    is_enabled,
    active_since,
    looked_at,
    created_at,
    updated_at
)
VALUES (
    %(channel_id)s,
    %(client_id)s,
    %(name)s,
    %(kind)s,
    %(target_sealed)s,
    %(target_hint)s,
    %(min_severity)s,
    %(batch_seconds)s,
    %(is_enabled)s,
    %(now)s,
    %(now)s,
    %(now)s,
    %(now)s
)

-- find_channel --
-- One channel with its encrypted target. Index: notification_channels_pk.
SELECT
    c.id,
    c.client_id,
    c.name,
    c.kind,
    c.target_sealed,
    c.target_hint,
    c.min_severity,
    c.batch_seconds,
    c.is_enabled,
    c.version,
    c.failing_since,
    c.created_at,
    c.updated_at
FROM notification_channels AS c
WHERE c.id = %(channel_id)s

-- find_channel_by_name --
-- The id of the channel of this name. Index: notification_channels_name_uq.
SELECT c.id
FROM notification_channels AS c
WHERE c.name = %(name)s

-- list_channels --
-- A page of channels by name, without their targets. Index: notification_channels_name_uq.
SELECT
    c.id,
    c.client_id,
    c.name,
    c.kind,
    c.target_hint,
    c.min_severity,
    c.batch_seconds,
    c.is_enabled,
    c.version,
    c.failing_since,
    c.created_at,
    c.updated_at
FROM notification_channels AS c
WHERE (%(client_id)s IS NULL OR c.client_id = %(client_id)s)
ORDER BY c.name ASC, c.id ASC
LIMIT %(limit)s OFFSET %(offset)s

-- count_channels --
-- How many there are.
SELECT COUNT(*) AS total
FROM notification_channels AS c
WHERE (%(client_id)s IS NULL OR c.client_id = %(client_id)s)

-- update_channel --
-- Change a channel that is still as it was read. Who is switched on again is not told of what
-- happened meanwhile, and a failure counts from anew.
UPDATE notification_channels
SET
    active_since = CASE WHEN is_enabled = 0 AND %(is_enabled)s = 1 THEN %(now)s ELSE active_since END,
    looked_at = CASE WHEN is_enabled = 0 AND %(is_enabled)s = 1 THEN %(now)s ELSE looked_at END,
    name = %(name)s,
    kind = %(kind)s,
    target_sealed = %(target_sealed)s,
    target_hint = %(target_hint)s,
    min_severity = %(min_severity)s,
    batch_seconds = %(batch_seconds)s,
    is_enabled = %(is_enabled)s,
    failing_since = NULL,
    version = version + 1,
    updated_at = %(now)s
WHERE
    id = %(channel_id)s
    AND version = %(version)s

-- delete_channel --
-- Delete a channel with its log. Index: notification_channels_pk.
DELETE FROM notification_channels
WHERE id = %(channel_id)s

-- note_looked --
-- Everything up to now was gathered for these channels. Index: notification_channels_pk.
UPDATE notification_channels
SET looked_at = %(now)s
WHERE
    is_enabled = 1
    AND looked_at < %(now)s
    AND JSON_CONTAINS(%(overfull)s, JSON_QUOTE(id)) = 0

-- note_failing --
-- A message of the channel was given up; 0 rows when that was known. Index:
-- notification_channels_pk.
UPDATE notification_channels
SET failing_since = %(now)s
WHERE
    id = %(channel_id)s
    AND failing_since IS NULL

-- note_working --
-- A message of the channel has arrived. Index: notification_channels_pk.
UPDATE notification_channels
SET failing_since = NULL
WHERE
    id = %(channel_id)s
    AND failing_since IS NOT NULL
