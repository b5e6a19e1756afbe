-- create_lock_table --
-- The table of the lock itself: a single row.
CREATE TABLE IF NOT EXISTS schema_lock (
    name VARCHAR(32) NOT NULL,
    owner VARCHAR(100) NOT NULL,
    expires_at DATETIME(3) NOT NULL,
    CONSTRAINT schema_lock_pk PRIMARY KEY (name)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin

-- acquire --
-- Take the lock if it is free or its lease has ended; the assignments happen from left to right.
INSERT INTO schema_lock (name, owner, expires_at)
VALUES ('schema', %(owner)s, %(expires_at)s)
ON DUPLICATE KEY UPDATE
    owner = IF(expires_at <= %(now)s, VALUES(owner), owner),
    expires_at = IF(owner = VALUES(owner), VALUES(expires_at), expires_at)

-- holder --
-- Who has the lock, and until when.
SELECT
    owner,
    expires_at
FROM schema_lock
WHERE name = 'schema'

-- renew --
-- Move the expiry, if the lock is still ours.
UPDATE schema_lock
SET expires_at = %(expires_at)s
WHERE name = 'schema' AND owner = %(owner)s

-- release --
-- Give the lock back, if it is still ours.
DELETE FROM schema_lock
WHERE name = 'schema' AND owner = %(owner)s
