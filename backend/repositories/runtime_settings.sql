-- write_setting --
-- One value that SQL reads, for instance the events. Index: settings_pk.
INSERT INTO settings (name, value, updated_at)
VALUES (%(name)s, %(value)s, %(now)s)
ON DUPLICATE KEY UPDATE
    updated_at = CASE WHEN value = VALUES(value) THEN updated_at ELSE VALUES(updated_at) END,
    value = VALUES(value)

-- list_settings --
-- Every value that SQL reads, by name.
SELECT
    name,
    value
FROM settings
ORDER BY name ASC
LIMIT 1000
