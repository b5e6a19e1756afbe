-- freeze_client --
-- How much of a client's fleet stands still. Index: clients_pk.
UPDATE clients
SET
    freeze_level = %(level)s,
    updated_at = %(now)s
WHERE id = %(subject_id)s

-- freeze_agent --
-- How much of an agent stands still. Index: agents_pk.
UPDATE agents
SET
    freeze_level = %(level)s,
    updated_at = %(now)s
WHERE
    id = %(subject_id)s
    AND status <> 'deleted'

-- find_level --
-- What stands still of everything, a client or an agent; no row or NULL: nothing of it. Indexes:
-- settings_pk, clients_pk, agents_pk.
SELECT s.value AS level
FROM settings AS s
WHERE %(scope)s = 'global' AND s.name = %(setting)s
UNION ALL
SELECT c.freeze_level
FROM clients AS c
WHERE %(scope)s = 'client' AND c.id = %(subject_id)s
UNION ALL
SELECT a.freeze_level
FROM agents AS a
WHERE %(scope)s = 'agent' AND a.id = %(subject_id)s

-- find_owner --
-- Whose agent it is. Index: agents_pk.
SELECT a.client_id
FROM agents AS a
WHERE a.id = %(subject_id)s

-- tell_news --
-- The next sync of all instances concerned looks again: their plans for an emergency change.
-- Indexes: instances_pk, instances_client_idx.
UPDATE instances
SET news_count = news_count + 1
WHERE
    (%(agent_id)s IS NULL OR agent_id = %(agent_id)s)
    AND (%(client_id)s IS NULL OR client_id = %(client_id)s)

-- count_frozen --
-- What stands still: everything (the level), so many clients, so many agents. Index: settings_pk.
SELECT
    (
        SELECT s.value
        FROM settings AS s
        WHERE s.name = %(setting)s
    ) AS level,
    (
        SELECT COUNT(*)
        FROM clients AS c
        WHERE c.freeze_level IS NOT NULL
    ) AS clients,
    (
        SELECT COUNT(*)
        FROM agents AS a
        WHERE a.freeze_level IS NOT NULL AND a.status <> 'deleted'
    ) AS agents
