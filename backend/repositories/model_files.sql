-- insert_chunk --
-- Content never changes under its hash: a repeat is no news. Index: model_files_pk.
INSERT IGNORE INTO model_files (sha256, chunk_number, content, created_at)
VALUES (UNHEX(%(sha256)s), %(chunk_number)s, UNHEX(%(content)s), %(now)s)

-- find_chunk --
-- One piece of a file. Index: model_files_pk.
SELECT f.content
FROM model_files AS f
WHERE
    f.sha256 = UNHEX(%(sha256)s)
    AND f.chunk_number = %(chunk_number)s

-- list_unused --
-- Files that belong only to archived or rejected versions, or to none. Index: model_files_pk.
SELECT HEX(f.sha256) AS sha256
FROM model_files AS f
LEFT JOIN model_registry AS m ON
    m.status IN ('uploaded', 'verified', 'live', 'fallback')
    AND (m.file_sha256 = f.sha256 OR m.scored_sha256 = f.sha256)
WHERE
    m.id IS NULL
    AND f.chunk_number = 0
    AND f.created_at < %(before)s
ORDER BY f.sha256 ASC
LIMIT 20

-- delete_chunks --
-- Every piece of one file. Index: model_files_pk.
DELETE FROM model_files
WHERE sha256 = UNHEX(%(sha256)s)
