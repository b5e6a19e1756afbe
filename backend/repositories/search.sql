-- find_clients --
-- Clients whose name or id has the text. Index: clients_name_uq.
SELECT
    c.id,
    c.name,
    c.status
FROM clients AS c
WHERE
    (%(client_id)s IS NULL OR c.id = %(client_id)s)
    AND (LOWER(c.name) LIKE %(pattern)s ESCAPE '!' OR c.id LIKE %(pattern)s ESCAPE '!')
ORDER BY c.name ASC, c.id ASC
LIMIT %(limit)s

-- find_agents --
-- Agents whose name or id has the text, deleted ones aside. Index: agents_logical_uq.
SELECT
    v.agent_id,
    v.logical_agent_id,
    v.client_name,
    v.status
FROM agent_overview AS v
WHERE
    (%(client_id)s IS NULL OR v.client_id = %(client_id)s)
    AND (
        LOWER(v.logical_agent_id) LIKE %(pattern)s ESCAPE '!'
        OR v.agent_id LIKE %(pattern)s ESCAPE '!'
    )
ORDER BY v.logical_agent_id ASC, v.agent_id ASC
LIMIT %(limit)s

-- find_instances --
-- Instances whose id, type or host name has the text. Index: instances_client_idx.
SELECT
    i.instance_id,
    i.instance_type,
    c.name AS client_name
FROM instances AS i
INNER JOIN clients AS c ON c.id = i.client_id
WHERE
    (%(client_id)s IS NULL OR i.client_id = %(client_id)s)
    AND (
        i.instance_id LIKE %(pattern)s ESCAPE '!'
        OR i.instance_type LIKE %(pattern)s ESCAPE '!'
        OR LOWER(i.hostname) LIKE %(pattern)s ESCAPE '!'
    )
ORDER BY i.instance_id ASC, i.agent_id ASC
LIMIT %(limit)s
