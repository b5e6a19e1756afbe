-- Machine-learning models: their versions, how they came, and their bytes.

CREATE TABLE IF NOT EXISTS model_upload_sessions (
    id VARCHAR(36) NOT NULL,
    session_type VARCHAR(20) NOT NULL,
    file_count INT NOT NULL,
    file_names JSON NOT NULL,
    total_size_bytes BIGINT NOT NULL,
    uploaded_by VARCHAR(255) NOT NULL,
    notes VARCHAR(500) NULL,
    created_at DATETIME(3) NOT NULL,
    activated_at DATETIME(3) NULL,
    CONSTRAINT model_upload_sessions_pk PRIMARY KEY (id),
    KEY model_upload_sessions_created_idx (created_at),
    CONSTRAINT model_upload_sessions_type_ck CHECK (session_type IN ('models', 'engine'))
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- live_kind makes "exactly one live version per engine kind" a unique key, fallback_kind the same
-- for the version to return to. taken_version leaves the number of a rejected upload free.
CREATE TABLE IF NOT EXISTS model_registry (
    id VARCHAR(36) NOT NULL,
    session_id VARCHAR(36) NOT NULL,
    model_name VARCHAR(64) NOT NULL,
    version VARCHAR(64) NOT NULL,
    engine_kind VARCHAR(32) NOT NULL,
    status VARCHAR(16) NOT NULL,
    file_name VARCHAR(255) NOT NULL,
    file_format VARCHAR(16) NOT NULL,
    file_sha256 BINARY(32) NOT NULL,
    file_size_bytes BIGINT NOT NULL,
    scored_format VARCHAR(16) NOT NULL,
    scored_sha256 BINARY(32) NOT NULL,
    scored_size_bytes BIGINT NOT NULL,
    manifest JSON NOT NULL,
    rejection VARCHAR(1000) NULL,
    created_at DATETIME(3) NOT NULL,
    updated_at DATETIME(3) NOT NULL,
    activated_at DATETIME(3) NULL,
    live_kind VARCHAR(32) AS (CASE WHEN status = 'live' THEN engine_kind END) VIRTUAL,
    fallback_kind VARCHAR(32) AS (CASE WHEN status = 'fallback' THEN engine_kind END) VIRTUAL,
    taken_version VARCHAR(64) AS (CASE WHEN status <> 'rejected' THEN version END) VIRTUAL,
    CONSTRAINT model_registry_pk PRIMARY KEY (id),
    CONSTRAINT model_registry_live_uq UNIQUE KEY (live_kind),
    CONSTRAINT model_registry_fallback_uq UNIQUE KEY (fallback_kind),
    CONSTRAINT model_registry_version_uq UNIQUE KEY (model_name, taken_version),
    KEY model_registry_session_idx (session_id),
    KEY model_registry_created_idx (created_at),
    KEY model_registry_file_idx (file_sha256),
    KEY model_registry_scored_idx (scored_sha256),
    CONSTRAINT model_registry_session_fk FOREIGN KEY (session_id)
        REFERENCES model_upload_sessions (id) ON DELETE CASCADE,
    CONSTRAINT model_registry_status_ck CHECK (
        status IN ('uploaded', 'verified', 'live', 'fallback', 'archived', 'rejected')
    ),
    CONSTRAINT model_registry_format_ck CHECK (
        file_format IN ('json', 'onnx', 'pickle', 'h5', 'torch', 'python')
    )
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

-- Bytes by their SHA-256, in pieces of 1 MB: the same bytes are stored once, and never changed.
CREATE TABLE IF NOT EXISTS model_files (
    sha256 BINARY(32) NOT NULL,
    chunk_number INT NOT NULL,
    content MEDIUMBLOB NOT NULL,
    created_at DATETIME(3) NOT NULL,
    CONSTRAINT model_files_pk PRIMARY KEY (sha256, chunk_number)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
