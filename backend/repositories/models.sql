-- insert_session --
-- An upload begins. Index: model_upload_sessions_pk.
INSERT INTO model_upload_sessions (
    id, session_type, file_count, file_names, total_size_bytes, uploaded_by, notes, created_at
)
VALUES (
    %(session_id)s, %(session_type)s, %(file_count)s, %(file_names)s, %(total_size_bytes)s,
    %(uploaded_by)s, %(notes)s, %(now)s
)

-- insert_model --
-- A version whose bytes are about to be stored and verified; scored as it came until known better.
INSERT INTO model_registry (
    id, session_id, model_name, version, engine_kind, status, file_name, file_format, file_sha256,
    file_size_bytes, scored_format, scored_sha256, scored_size_bytes, manifest, created_at,
    updated_at
)
VALUES (
    %(model_id)s, %(session_id)s, %(model_name)s, %(version)s, %(engine_kind)s, 'uploaded',
    %(file_name)s, %(file_format)s, UNHEX(%(sha256)s), %(size_bytes)s, %(file_format)s,
    UNHEX(%(sha256)s), %(size_bytes)s, %(manifest)s, %(now)s, %(now)s
)

-- set_verified --
-- The sandbox has scored it: what is scored from now on, and the completed manifest.
UPDATE model_registry
SET
    status = 'verified',
    scored_format = %(scored_format)s,
    scored_sha256 = UNHEX(%(scored_sha256)s),
    scored_size_bytes = %(scored_size_bytes)s,
    manifest = %(manifest)s,
    updated_at = %(now)s
WHERE
    id = %(model_id)s
    AND status = 'uploaded'

-- reject_session --
-- One bad file spoils its upload; what already serves is never touched.
UPDATE model_registry
SET
    status = 'rejected',
    rejection = %(rejection)s,
    updated_at = %(now)s
WHERE
    session_id = %(session_id)s
    AND status IN ('uploaded', 'verified')

-- reject_abandoned --
-- Uploads whose node died before it could verify them. Index: model_registry_created_idx.
UPDATE model_registry
SET
    status = 'rejected',
    rejection = 'the upload was never finished',
    updated_at = %(now)s
WHERE
    status = 'uploaded'
    AND created_at < %(before)s

-- set_status --
-- Compare and set. Index: model_registry_pk.
UPDATE model_registry
SET
    status = %(after)s,
    activated_at = CASE WHEN %(after)s = 'live' THEN %(now)s ELSE activated_at END,
    updated_at = %(now)s
WHERE
    id = %(model_id)s
    AND status = %(before)s

-- mark_activated --
-- An upload went live. Index: model_upload_sessions_pk.
UPDATE model_upload_sessions
SET activated_at = %(now)s
WHERE id = %(session_id)s

-- find_session --
-- An upload by id. Index: model_upload_sessions_pk.
SELECT
    s.id,
    s.session_type,
    s.created_at,
    s.activated_at
FROM model_upload_sessions AS s
WHERE s.id = %(session_id)s

-- list_sessions --
-- Uploads that serve, may return or wait to be activated. Index: model_upload_sessions_created_idx.
SELECT
    s.id,
    s.session_type,
    s.file_count,
    s.file_names,
    s.total_size_bytes,
    s.uploaded_by,
    s.notes,
    s.created_at,
    s.activated_at,
    MAX(m.status = 'live') AS is_live,
    MAX(m.status = 'fallback') AS is_fallback,
    MAX(m.status = 'archived') AS is_archived,
    MAX(m.status = 'rejected') AS is_rejected,
    MAX(m.rejection) AS rejection
FROM model_upload_sessions AS s
INNER JOIN model_registry AS m ON m.session_id = s.id
WHERE
    s.session_type = 'models'
    AND m.status IN ('verified', 'live', 'fallback')
GROUP BY
    s.id, s.session_type, s.file_count, s.file_names, s.total_size_bytes, s.uploaded_by, s.notes,
    s.created_at, s.activated_at
ORDER BY s.created_at DESC, s.id DESC
LIMIT 10

-- list_all_sessions --
-- The history of uploads, rejected ones included. Index: model_upload_sessions_created_idx.
SELECT
    s.id,
    s.session_type,
    s.file_count,
    s.file_names,
    s.total_size_bytes,
    s.uploaded_by,
    s.notes,
    s.created_at,
    s.activated_at,
    MAX(m.status = 'live') AS is_live,
    MAX(m.status = 'fallback') AS is_fallback,
    MAX(m.status = 'archived') AS is_archived,
    MAX(m.status = 'rejected') AS is_rejected,
    MAX(m.rejection) AS rejection
FROM model_upload_sessions AS s
INNER JOIN model_registry AS m ON m.session_id = s.id
GROUP BY
    s.id, s.session_type, s.file_count, s.file_names, s.total_size_bytes, s.uploaded_by, s.notes,
    s.created_at, s.activated_at
ORDER BY s.created_at DESC, s.id DESC
LIMIT 100

-- list_session_models --
-- The versions of one upload. Index: model_registry_session_idx.
SELECT
    m.id,
    m.session_id,
    m.model_name,
    m.version,
    m.engine_kind,
    m.status,
    m.file_name,
    m.file_format,
    LOWER(HEX(m.file_sha256)) AS file_sha256,
    m.file_size_bytes,
    m.scored_format,
    LOWER(HEX(m.scored_sha256)) AS scored_sha256,
    m.scored_size_bytes,
    m.manifest,
    m.rejection,
    m.created_at,
    m.activated_at
FROM model_registry AS m
WHERE m.session_id = %(session_id)s
ORDER BY m.engine_kind ASC, m.id ASC
LIMIT 100

-- list_models --
-- All versions, newest first. Index: model_registry_created_idx.
SELECT
    m.id,
    m.session_id,
    m.model_name,
    m.version,
    m.engine_kind,
    m.status,
    m.file_name,
    m.file_format,
    LOWER(HEX(m.file_sha256)) AS file_sha256,
    m.file_size_bytes,
    m.scored_format,
    LOWER(HEX(m.scored_sha256)) AS scored_sha256,
    m.scored_size_bytes,
    m.manifest,
    m.rejection,
    m.created_at,
    m.activated_at
FROM model_registry AS m
ORDER BY m.created_at DESC, m.id DESC
LIMIT 200

-- list_serving --
-- Live versions and those to return to.
SELECT
    m.id,
    m.session_id,
    m.model_name,
    m.version,
    m.engine_kind,
    m.status,
    m.file_name,
    m.file_format,
    LOWER(HEX(m.file_sha256)) AS file_sha256,
    m.file_size_bytes,
    m.scored_format,
    LOWER(HEX(m.scored_sha256)) AS scored_sha256,
    m.scored_size_bytes,
    m.manifest,
    m.rejection,
    m.created_at,
    m.activated_at
FROM model_registry AS m
WHERE m.status IN ('live', 'fallback')
ORDER BY m.engine_kind ASC, m.id ASC
LIMIT 100

-- find_live --
-- The live version of a kind. Index: model_registry_live_uq.
SELECT
    m.id,
    m.session_id,
    m.model_name,
    m.version,
    m.engine_kind,
    m.status,
    m.file_name,
    m.file_format,
    LOWER(HEX(m.file_sha256)) AS file_sha256,
    m.file_size_bytes,
    m.scored_format,
    LOWER(HEX(m.scored_sha256)) AS scored_sha256,
    m.scored_size_bytes,
    m.manifest,
    m.rejection,
    m.created_at,
    m.activated_at
FROM model_registry AS m
WHERE m.live_kind = %(engine_kind)s

-- find_live_id --
-- Is the live version still the one we know? Index: model_registry_live_uq.
SELECT m.id
FROM model_registry AS m
WHERE m.live_kind = %(engine_kind)s
