-- insert_operator --
-- A new operator, active.
INSERT INTO operators (
    id,
    username,
    password_hash,
    role,
    created_at,
    updated_at
)
VALUES (
    %(operator_id)s,
    %(username)s,
    %(password_hash)s,
    %(role)s,
    %(now)s,
    %(now)s
)

-- find_operator --
-- One operator, without the password. Index: primary key.
SELECT
    id,
    username,
    role,
    is_active,
    locked_until,
    last_login_at,
    created_at
FROM operators
WHERE id = %(operator_id)s

-- find_by_username --
-- One operator as signing in needs them. Index: operators_username_uq.
SELECT
    id,
    username,
    password_hash,
    role,
    is_active,
    failed_login_count,
    locked_until
FROM operators
WHERE username = %(username)s

-- list_operators --
-- All operators by name. Index: operators_username_uq.
SELECT
    id,
    username,
    role,
    is_active,
    locked_until,
    last_login_at,
    created_at
FROM operators
ORDER BY username ASC
LIMIT 500

-- claim_active_admins --
-- Write to all of them, so that two changes of different admins conflict, on any number of nodes.
UPDATE operators
SET updated_at = %(now)s
WHERE
    role = 'admin'
    AND is_active = 1

-- list_active_admins --
-- The admins who can sign in.
SELECT id
FROM operators
WHERE
    role = 'admin'
    AND is_active = 1
ORDER BY id ASC
LIMIT 500

-- count_operators --
-- How many operators exist.
SELECT COUNT(*) AS number
FROM operators

-- update_operator --
-- Set role and activity. Index: primary key.
UPDATE operators
SET
    role = %(role)s,
    is_active = %(is_active)s,
    updated_at = %(now)s
WHERE id = %(operator_id)s

-- set_password --
-- Replace the password and lift a lock. Index: primary key.
UPDATE operators
SET
    password_hash = %(password_hash)s,
    failed_login_count = 0,
    locked_until = NULL,
    updated_at = %(now)s
WHERE id = %(operator_id)s

-- delete_operator --
-- Sessions and keys go with their operator. Index: primary key.
DELETE FROM operators
WHERE id = %(operator_id)s

-- note_sign_in --
-- A success forgets earlier failures. Index: primary key.
UPDATE operators
SET
    failed_login_count = 0,
    locked_until = NULL,
    last_login_at = %(now)s
WHERE id = %(operator_id)s

-- note_failure --
-- Count a failure; the one that reaches the limit locks and starts a new count. MySQL assigns from
-- left to right, so the lock is decided before the count changes. Index: primary key.
UPDATE operators
SET
    locked_until = CASE
        WHEN failed_login_count + 1 >= %(limit)s THEN %(locked_until)s
        ELSE locked_until
    END,
    failed_login_count = CASE
        WHEN failed_login_count + 1 >= %(limit)s THEN 0
        ELSE failed_login_count + 1
    END,
    updated_at = %(now)s
WHERE id = %(operator_id)s

-- insert_session --
-- A browser session, by the hash of its cookie.
INSERT INTO operator_sessions (
    id,
    operator_id,
    token_hash,
    created_at,
    last_seen_at,
    expires_at,
    remote_address,
    user_agent
)
VALUES (
    %(session_id)s,
    %(operator_id)s,
    UNHEX(%(token_hash)s),
    %(now)s,
    %(now)s,
    %(expires_at)s,
    %(remote_address)s,
    %(user_agent)s
)

-- find_session --
-- A session and its operator. Index: operator_sessions_hash_uq.
SELECT
    s.id,
    s.operator_id,
    s.last_seen_at,
    s.expires_at,
    o.username,
    o.role,
    o.is_active
FROM operator_sessions AS s
INNER JOIN operators AS o ON o.id = s.operator_id
WHERE s.token_hash = UNHEX(%(token_hash)s)

-- touch_session --
-- Note a use. Index: primary key.
UPDATE operator_sessions
SET last_seen_at = %(now)s
WHERE id = %(session_id)s

-- delete_session --
-- End one session. Index: operator_sessions_hash_uq.
DELETE FROM operator_sessions
WHERE token_hash = UNHEX(%(token_hash)s)

-- delete_sessions_of --
-- End all sessions of an operator. Index: operator_sessions_operator_fk.
DELETE FROM operator_sessions
WHERE operator_id = %(operator_id)s

-- delete_expired_sessions --
-- Forget what is over, when the same operator signs in again. Index: operator_sessions_operator_fk.
DELETE FROM operator_sessions
WHERE
    operator_id = %(operator_id)s
    AND expires_at <= %(now)s

-- insert_api_key --
-- A key, by its hash.
INSERT INTO operator_api_keys (
    id,
    operator_id,
    name,
    key_hash,
    key_hint,
    created_at,
    expires_at
)
VALUES (
    %(key_id)s,
    %(operator_id)s,
    %(name)s,
    UNHEX(%(key_hash)s),
    %(key_hint)s,
    %(now)s,
    %(expires_at)s
)

-- find_api_key --
-- A key and its operator. Index: operator_api_keys_hash_uq.
SELECT
    k.id,
    k.operator_id,
    k.expires_at,
    k.revoked_at,
    k.last_used_at,
    o.username,
    o.role,
    o.is_active
FROM operator_api_keys AS k
INNER JOIN operators AS o ON o.id = k.operator_id
WHERE k.key_hash = UNHEX(%(key_hash)s)

-- list_api_keys --
-- The keys of one operator or of all, newest first.
SELECT
    k.id,
    k.operator_id,
    o.username,
    k.name,
    k.key_hint,
    k.created_at,
    k.expires_at,
    k.revoked_at,
    k.last_used_at
FROM operator_api_keys AS k
INNER JOIN operators AS o ON o.id = k.operator_id
WHERE %(operator_id)s IS NULL OR k.operator_id = %(operator_id)s
ORDER BY k.created_at DESC, k.id DESC
LIMIT 500

-- revoke_api_key --
-- Revoke for good; a repeat keeps the first instant. Index: primary key.
UPDATE operator_api_keys
SET revoked_at = COALESCE(revoked_at, %(now)s)
WHERE
    id = %(key_id)s
    AND (%(operator_id)s IS NULL OR operator_id = %(operator_id)s)

-- touch_api_key --
-- Note a use, at most once a minute over all nodes. Index: primary key.
UPDATE operator_api_keys
SET last_used_at = %(now)s
WHERE
    id = %(key_id)s
    AND (last_used_at IS NULL OR last_used_at <= %(before)s)
