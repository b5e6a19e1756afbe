-- save_launch_spec --
-- The newest description wins. Index: launch_specs_pk.
INSERT INTO launch_specs (
    agent_id, client_id, instance_id, spec, user_data_encrypted, spec_hash, created_at, updated_at
)
VALUES (
    %(agent_id)s, %(client_id)s, %(instance_id)s, %(spec)s, %(user_data_encrypted)s,
    UNHEX(%(spec_hash)s), %(now)s, %(now)s
)
ON DUPLICATE KEY UPDATE
    instance_id = VALUES(instance_id),
    spec = VALUES(spec),
    user_data_encrypted = VALUES(user_data_encrypted),
    spec_hash = VALUES(spec_hash),
    updated_at = VALUES(updated_at)

-- find_launch_spec --
-- How to launch another instance of an agent. Index: launch_specs_pk.
SELECT
    l.instance_id,
    l.spec,
    l.user_data_encrypted,
    HEX(l.spec_hash) AS spec_hash,
    l.updated_at
FROM launch_specs AS l
WHERE
    l.agent_id = %(agent_id)s
    AND l.client_id = %(client_id)s
