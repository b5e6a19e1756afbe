-- read_session --
-- The server's version, and what this very session got, whatever stands in between. No table.
SELECT
    VERSION() AS version,
    @@SESSION.collation_connection AS collation,
    @@SESSION.time_zone AS time_zone

-- list_rights --
-- Privileges granted to this very account, everywhere or on one database; roles are not followed.
SELECT
    p.privilege_type AS privilege
FROM information_schema.user_privileges AS p
WHERE
    p.grantee = CONCAT(
        '''', SUBSTRING_INDEX(CURRENT_USER(), '@', 1), '''@''',
        SUBSTRING_INDEX(CURRENT_USER(), '@', -1), ''''
    )
UNION
SELECT
    p.privilege_type AS privilege
FROM information_schema.schema_privileges AS p
WHERE
    p.grantee = CONCAT(
        '''', SUBSTRING_INDEX(CURRENT_USER(), '@', 1), '''@''',
        SUBSTRING_INDEX(CURRENT_USER(), '@', -1), ''''
    )
    AND DATABASE() LIKE p.table_schema
