-- find_plan_facts --
-- An agent, its primary, and the best replica that is ready: with an instance, without a notice of
-- its own, and heard lately where an agent of ours runs on it. Indexes: agents_pk, instances_pk,
-- replica_instances_live_uq, settings_pk.
SELECT
    a.epoch,
    f.enabled,
    a.freeze_level AS agent_freeze,
    k.freeze_level AS client_freeze,
    g.value AS global_freeze,
    p.instance_type,
    p.region,
    p.az,
    p.mode,
    r.id AS replica_id,
    r.instance_id AS replica_instance_id
FROM agents AS a
INNER JOIN agent_configs AS f ON f.agent_id = a.id
INNER JOIN clients AS k ON k.id = a.client_id
INNER JOIN instances AS p ON p.agent_id = a.id AND p.instance_id = a.primary_instance_id
LEFT JOIN settings AS g ON g.name = 'fallback.freeze'
LEFT JOIN replica_instances AS r
    ON
        r.live_slot = a.id
        AND r.status = 'ready'
        AND r.instance_id IS NOT NULL
        AND r.doomed_at IS NULL
        AND (
            r.protocol < 5
            OR EXISTS (
                SELECT 1
                FROM instances AS i
                WHERE
                    i.agent_id = r.agent_id
                    AND i.instance_id = r.instance_id
                    AND i.role = 'replica'
                    AND i.last_seen_at > %(heard_since)s
            )
        )
WHERE
    a.id = %(agent_id)s
    AND a.client_id = %(client_id)s
    AND a.status <> 'deleted'
ORDER BY r.standby_slot ASC, r.id ASC
LIMIT 1
