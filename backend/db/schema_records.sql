-- has_table --
-- Whether a table of this name exists in the present database.
SELECT 1 AS found
FROM information_schema.TABLES
WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = %(name)s

-- create_table --
-- What was done to this database. applied_at is NULL while a migration is under way.
CREATE TABLE IF NOT EXISTS schema_migrations (
    kind VARCHAR(16) NOT NULL,
    name VARCHAR(128) NOT NULL,
    version INT NOT NULL,
    checksum VARCHAR(64) NOT NULL,
    fingerprint VARCHAR(64) NULL,
    statements_begun INT NOT NULL,
    statements_done INT NOT NULL,
    applied_at DATETIME(3) NULL,
    CONSTRAINT schema_migrations_pk PRIMARY KEY (kind, name)
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin

-- list_records --
-- Everything recorded, migrations and objects.
SELECT
    kind,
    name,
    version,
    checksum,
    fingerprint,
    statements_begun,
    statements_done,
    applied_at
FROM schema_migrations
ORDER BY kind ASC, version ASC, name ASC

-- begin_migration --
-- Announce a migration before its first statement.
INSERT INTO schema_migrations (
    kind, name, version, checksum, fingerprint, statements_begun, statements_done, applied_at
) VALUES ('migration', %(name)s, %(version)s, %(checksum)s, NULL, 0, 0, NULL)

-- begin_statement --
-- Announce a statement before it runs: after a crash it may or may not have happened.
UPDATE schema_migrations
SET statements_begun = %(number)s
WHERE kind = 'migration' AND name = %(name)s

-- finish_statement --
-- Record that the first so many statements are done; checksum is theirs.
UPDATE schema_migrations
SET
    statements_begun = %(number)s,
    statements_done = %(number)s,
    checksum = %(checksum)s
WHERE kind = 'migration' AND name = %(name)s

-- finish_migration --
-- Record that a migration is complete; checksum is its file's.
UPDATE schema_migrations
SET
    checksum = %(checksum)s,
    applied_at = %(now)s
WHERE kind = 'migration' AND name = %(name)s

-- record_object --
-- Record that a procedure, view or event was created, or refused to this account.
INSERT INTO schema_migrations (
    kind, name, version, checksum, fingerprint, statements_begun, statements_done, applied_at
) VALUES (%(kind)s, %(name)s, 0, %(checksum)s, %(fingerprint)s, 1, 1, %(now)s)
ON DUPLICATE KEY UPDATE
    checksum = VALUES(checksum),
    fingerprint = VALUES(fingerprint),
    applied_at = VALUES(applied_at)

-- forget_object --
-- Forget an object before it is dropped, so that a crash in between is repaired by the next run.
DELETE FROM schema_migrations
WHERE kind = %(kind)s AND name = %(name)s

-- list_fingerprints --
-- The objects that exist, each with a digest of how the server itself renders them (NULL when this
-- account may not see it): it changes when somebody replaces an object by hand.
SELECT
    'procedure' AS kind,
    r.ROUTINE_NAME AS name,
    SHA2(CONCAT(r.ROUTINE_DEFINITION, '|', r.SECURITY_TYPE, '|', r.SQL_MODE), 256) AS fingerprint
FROM information_schema.ROUTINES AS r
WHERE r.ROUTINE_SCHEMA = DATABASE() AND r.ROUTINE_TYPE = 'PROCEDURE'
UNION ALL
SELECT
    'view' AS kind,
    v.TABLE_NAME AS name,
    SHA2(CONCAT(NULLIF(v.VIEW_DEFINITION, ''), '|', v.SECURITY_TYPE), 256) AS fingerprint
FROM information_schema.VIEWS AS v
WHERE v.TABLE_SCHEMA = DATABASE()
UNION ALL
SELECT
    'event' AS kind,
    e.EVENT_NAME AS name,
    SHA2(
        CONCAT(e.EVENT_DEFINITION, '|', e.INTERVAL_VALUE, '|', e.INTERVAL_FIELD, '|', e.SQL_MODE),
        256
    ) AS fingerprint
FROM information_schema.EVENTS AS e
WHERE e.EVENT_SCHEMA = DATABASE()

-- database_collation --
-- The default collation of the present database.
SELECT DEFAULT_COLLATION_NAME AS collation_name
FROM information_schema.SCHEMATA
WHERE SCHEMA_NAME = DATABASE()
