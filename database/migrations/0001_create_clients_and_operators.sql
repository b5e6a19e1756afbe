-- Tenants, the people who operate them, and the credentials of both.
-- Tokens are kept as SHA-256 only: a token is shown once, when it is made.

CREATE TABLE IF NOT EXISTS clients (
    id VARCHAR(36) NOT NULL,
    name VARCHAR(255) NOT NULL,
    email VARCHAR(255) NULL,
    status VARCHAR(16) NOT NULL DEFAULT 'active',
    created_at DATETIME(3) NOT NULL,
    updated_at DATETIME(3) NOT NULL,
    CONSTRAINT clients_pk PRIMARY KEY (id),
    CONSTRAINT clients_name_uq UNIQUE KEY (name),
    CONSTRAINT clients_status_ck CHECK (status IN ('active', 'suspended'))
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS client_tokens (
    id VARCHAR(36) NOT NULL,
    client_id VARCHAR(36) NOT NULL,
    name VARCHAR(100) NOT NULL,
    scope VARCHAR(8) NOT NULL,
    token_hash BINARY(32) NOT NULL,
    token_hint VARCHAR(8) NOT NULL,
    created_at DATETIME(3) NOT NULL,
    expires_at DATETIME(3) NULL,
    revoked_at DATETIME(3) NULL,
    last_used_at DATETIME(3) NULL,
    CONSTRAINT client_tokens_pk PRIMARY KEY (id),
    CONSTRAINT client_tokens_hash_uq UNIQUE KEY (token_hash),
    KEY client_tokens_client_idx (client_id, created_at),
    CONSTRAINT client_tokens_client_fk FOREIGN KEY (client_id) REFERENCES clients (id)
        ON DELETE CASCADE,
    CONSTRAINT client_tokens_scope_ck CHECK (scope IN ('agent', 'user', 'both'))
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS operators (
    id VARCHAR(36) NOT NULL,
    username VARCHAR(100) NOT NULL,
    password_hash VARCHAR(255) NOT NULL,
    role VARCHAR(16) NOT NULL,
    is_active TINYINT(1) NOT NULL DEFAULT 1,
    failed_login_count INT NOT NULL DEFAULT 0,
    locked_until DATETIME(3) NULL,
    last_login_at DATETIME(3) NULL,
    created_at DATETIME(3) NOT NULL,
    updated_at DATETIME(3) NOT NULL,
    CONSTRAINT operators_pk PRIMARY KEY (id),
    CONSTRAINT operators_username_uq UNIQUE KEY (username),
    CONSTRAINT operators_role_ck CHECK (role IN ('viewer', 'operator', 'admin'))
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS operator_sessions (
    id VARCHAR(36) NOT NULL,
    operator_id VARCHAR(36) NOT NULL,
    token_hash BINARY(32) NOT NULL,
    created_at DATETIME(3) NOT NULL,
    last_seen_at DATETIME(3) NOT NULL,
    expires_at DATETIME(3) NOT NULL,
    remote_address VARCHAR(64) NULL,
    user_agent VARCHAR(255) NULL,
    CONSTRAINT operator_sessions_pk PRIMARY KEY (id),
    CONSTRAINT operator_sessions_hash_uq UNIQUE KEY (token_hash),
    KEY operator_sessions_expires_idx (expires_at),
    CONSTRAINT operator_sessions_operator_fk FOREIGN KEY (operator_id) REFERENCES operators (id)
        ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;

CREATE TABLE IF NOT EXISTS operator_api_keys (
    id VARCHAR(36) NOT NULL,
    operator_id VARCHAR(36) NOT NULL,
    name VARCHAR(100) NOT NULL,
    key_hash BINARY(32) NOT NULL,
    key_hint VARCHAR(8) NOT NULL,
    created_at DATETIME(3) NOT NULL,
    expires_at DATETIME(3) NULL,
    revoked_at DATETIME(3) NULL,
    last_used_at DATETIME(3) NULL,
    CONSTRAINT operator_api_keys_pk PRIMARY KEY (id),
    CONSTRAINT operator_api_keys_hash_uq UNIQUE KEY (key_hash),
    CONSTRAINT operator_api_keys_operator_fk FOREIGN KEY (operator_id) REFERENCES operators (id)
        ON DELETE CASCADE
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
