-- record_bucket --
-- One row per agent and bucket, from its primary; an agent that has its row is left alone.
INSERT INTO agent_health_metrics (
    agent_id,
    bucket_at,
    client_id,
    instance_id,
    silent_seconds,
    cpu_percent,
    memory_percent,
    disk_percent
)
SELECT
    a.id,
    %(bucket_at)s,
    a.client_id,
    i.instance_id,
    GREATEST(
        0, TIMESTAMPDIFF(SECOND, COALESCE(i.last_seen_at, i.role_changed_at), %(now)s)
    ),
    i.cpu_percent,
    i.memory_percent,
    i.disk_percent
FROM agents AS a
INNER JOIN instances AS i ON i.agent_id = a.id AND i.instance_id = a.primary_instance_id
LEFT JOIN agent_health_metrics AS m ON m.agent_id = a.id AND m.bucket_at = %(bucket_at)s
WHERE
    a.deleted_at IS NULL
    AND m.agent_id IS NULL
