-- find_token --
-- A token and its client, whatever state they are in. Index: client_tokens_hash_uq.
SELECT
    t.id,
    t.client_id,
    t.scope,
    t.expires_at,
    t.revoked_at,
    t.last_used_at,
    c.name AS client_name,
    c.email AS client_email,
    c.status AS client_status
FROM client_tokens AS t
INNER JOIN clients AS c ON c.id = t.client_id
WHERE t.token_hash = UNHEX(%(token_hash)s)

-- touch_token --
-- Note a use, at most once a minute over all nodes. Index: primary key.
UPDATE client_tokens
SET last_used_at = %(now)s
WHERE
    id = %(token_id)s
    AND (last_used_at IS NULL OR last_used_at <= %(before)s)

-- insert_token --
-- Store a new token by its hash.
INSERT INTO client_tokens (
    id,
    client_id,
    name,
    scope,
    token_hash,
    token_hint,
    created_at,
    expires_at
)
VALUES (
    %(token_id)s,
    %(client_id)s,
    %(name)s,
    %(scope)s,
    UNHEX(%(token_hash)s),
    %(token_hint)s,
    %(now)s,
    %(expires_at)s
)

-- list_tokens --
-- A client's tokens, newest first. Index: client_tokens_client_idx.
SELECT
    id,
    name,
    scope,
    token_hint,
    created_at,
    expires_at,
    revoked_at,
    last_used_at
FROM client_tokens
WHERE client_id = %(client_id)s
ORDER BY created_at DESC, id DESC
LIMIT 200

-- find_current_token --
-- The newest living token of a name. Index: client_tokens_client_idx.
SELECT
    id,
    name,
    scope,
    token_hint,
    created_at
FROM client_tokens
WHERE
    client_id = %(client_id)s
    AND name = %(name)s
    AND revoked_at IS NULL
    AND (expires_at IS NULL OR expires_at > %(now)s)
ORDER BY (expires_at IS NULL) DESC, created_at DESC, id DESC
LIMIT 1

-- revoke_token --
-- Revoke for good; a repeat keeps the first instant. Index: primary key.
UPDATE client_tokens
SET revoked_at = COALESCE(revoked_at, %(now)s)
WHERE
    id = %(token_id)s
    AND client_id = %(client_id)s

-- limit_tokens --
-- Shorten the life of a client's living tokens of a name. Index: client_tokens_client_idx.
UPDATE client_tokens
SET expires_at = %(until)s
WHERE
    client_id = %(client_id)s
    AND name = %(name)s
    AND revoked_at IS NULL
    AND (expires_at IS NULL OR expires_at > %(until)s)
