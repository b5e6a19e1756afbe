-- insert_client --
-- A new tenant, active.
INSERT INTO clients (
    id,
    name,
    email,
    created_at,
    updated_at
)
VALUES (
    %(client_id)s,
    %(name)s,
    %(email)s,
    %(now)s,
    %(now)s
)

-- find_client --
-- One client. Index: primary key.
SELECT
    id,
    name,
    email,
    status,
    created_at
FROM clients
WHERE id = %(client_id)s

-- list_clients --
-- The clients by name, with what they own. Indexes: clients_name_uq, agents_logical_uq.
SELECT
    c.id,
    c.name,
    c.email,
    c.status,
    c.created_at,
    (SELECT COUNT(*) FROM agents AS a WHERE a.client_id = c.id) AS agent_count
FROM clients AS c
ORDER BY c.name ASC
LIMIT 1000

-- find_client_id --
-- By id, else by name. Indexes: primary key, clients_name_uq.
SELECT id
FROM clients
WHERE
    id = %(name_or_id)s
    OR name = %(name_or_id)s
ORDER BY (id = %(name_or_id)s) DESC, id ASC
LIMIT 1

-- set_status --
-- Suspend or resume. Index: primary key.
UPDATE clients
SET
    status = %(status)s,
    updated_at = %(now)s
WHERE id = %(client_id)s

-- delete_client --
-- Foreign keys take along everything that belongs to the client. Index: primary key.
DELETE FROM clients
WHERE id = %(client_id)s
