-- insert_scores --
-- The risk of many agents that still exist; the same pass again writes nothing. Index:
-- risk_scores_pass_uq.
INSERT INTO risk_scores (
    client_id, agent_id, instance_id, pool_id, risk_score, recommended_action, recommended_mode,
    recommended_pool_id, expected_savings_usd_per_hour, allowed, reason, model_version, created_at
)
SELECT
    d.client_id,
    d.agent_id,
    d.instance_id,
    d.present_pool_id,
    d.risk_score,
    d.action,
    d.recommended_mode,
    d.target_pool_id,
    d.saving,
    d.allowed,
    d.reason,
    d.model_version,
    %(now)s
FROM JSON_TABLE(
    %(decisions)s, '$[*]' COLUMNS (
        client_id VARCHAR(36) CHARACTER SET utf8mb4 PATH '$.client_id',
        agent_id VARCHAR(36) CHARACTER SET utf8mb4 PATH '$.agent_id',
        instance_id VARCHAR(64) CHARACTER SET utf8mb4 PATH '$.instance_id',
        present_pool_id VARCHAR(128) CHARACTER SET utf8mb4 PATH '$.present_pool_id',
        risk_score DECIMAL(5, 4) PATH '$.risk_score',
        action VARCHAR(16) CHARACTER SET utf8mb4 PATH '$.action',
        recommended_mode VARCHAR(16) CHARACTER SET utf8mb4 PATH '$.recommended_mode',
        target_pool_id VARCHAR(128) CHARACTER SET utf8mb4 PATH '$.target_pool_id',
        saving DECIMAL(12, 6) PATH '$.saving',
        allowed INT PATH '$.allowed',
        reason VARCHAR(500) CHARACTER SET utf8mb4 PATH '$.reason',
        model_version VARCHAR(64) CHARACTER SET utf8mb4 PATH '$.model_version'
    )
) AS d
INNER JOIN agents AS a ON a.id = d.agent_id COLLATE utf8mb4_bin
ON DUPLICATE KEY UPDATE created_at = risk_scores.created_at

-- insert_decisions --
-- Decisions about many agents that still exist; the same pass again writes nothing. Index:
-- decision_engine_log_pass_uq.
INSERT INTO decision_engine_log (
    client_id, agent_id, instance_id, trigger_source, source, fallback_cause, engine_type,
    engine_version, model_version, action, target_pool_id, risk_score,
    expected_savings_usd_per_hour, present_mode, present_pool_id, input_data, output_decision,
    guard_outcome, guard, command_id, execution_time_ms, created_at
)
SELECT
    d.client_id,
    d.agent_id,
    d.instance_id,
    %(trigger_source)s,
    d.source,
    d.fallback_cause,
    d.engine_type,
    d.engine_version,
    d.model_version,
    d.action,
    d.target_pool_id,
    d.risk_score,
    d.saving,
    d.present_mode,
    d.present_pool_id,
    d.input_data,
    d.output_decision,
    d.guard_outcome,
    d.guard,
    d.command_id,
    %(execution_time_ms)s,
    %(now)s
FROM JSON_TABLE(
    %(decisions)s, '$[*]' COLUMNS (
        client_id VARCHAR(36) CHARACTER SET utf8mb4 PATH '$.client_id',
        agent_id VARCHAR(36) CHARACTER SET utf8mb4 PATH '$.agent_id',
        instance_id VARCHAR(64) CHARACTER SET utf8mb4 PATH '$.instance_id',
        source VARCHAR(16) CHARACTER SET utf8mb4 PATH '$.source',
        fallback_cause VARCHAR(500) CHARACTER SET utf8mb4 PATH '$.fallback_cause',
        engine_type VARCHAR(64) CHARACTER SET utf8mb4 PATH '$.engine_type',
        engine_version VARCHAR(32) CHARACTER SET utf8mb4 PATH '$.engine_version',
        model_version VARCHAR(64) CHARACTER SET utf8mb4 PATH '$.model_version',
        action VARCHAR(16) CHARACTER SET utf8mb4 PATH '$.action',
        target_pool_id VARCHAR(128) CHARACTER SET utf8mb4 PATH '$.target_pool_id',
        risk_score DECIMAL(5, 4) PATH '$.risk_score',
        saving DECIMAL(12, 6) PATH '$.saving',
        present_mode VARCHAR(16) CHARACTER SET utf8mb4 PATH '$.present_mode',
        present_pool_id VARCHAR(128) CHARACTER SET utf8mb4 PATH '$.present_pool_id',
        input_data JSON PATH '$.input_data',
        output_decision JSON PATH '$.output_decision',
        guard_outcome VARCHAR(16) CHARACTER SET utf8mb4 PATH '$.guard_outcome',
        guard JSON PATH '$.guard',
        command_id VARCHAR(36) CHARACTER SET utf8mb4 PATH '$.command_id'
    )
) AS d
INNER JOIN agents AS a ON a.id = d.agent_id COLLATE utf8mb4_bin
ON DUPLICATE KEY UPDATE created_at = decision_engine_log.created_at

-- list_recent --
-- The newest decisions of some agents, at most five each, newest first. Index:
-- decision_engine_log_pass_uq.
SELECT
    n.agent_id,
    d.action,
    d.risk_score,
    d.expected_savings_usd_per_hour,
    d.present_mode,
    d.guard_outcome,
    d.source,
    d.created_at
FROM (
    SELECT
        l.id,
        l.agent_id,
        ROW_NUMBER() OVER (PARTITION BY l.agent_id ORDER BY l.created_at DESC) AS place
    FROM JSON_TABLE(
        %(agents)s, '$[*]' COLUMNS (agent_id VARCHAR(36) CHARACTER SET utf8mb4 PATH '$')
    ) AS w
    INNER JOIN decision_engine_log AS l
        ON l.agent_id = w.agent_id COLLATE utf8mb4_bin AND l.created_at > %(since)s
) AS n
INNER JOIN decision_engine_log AS d ON d.id = n.id
WHERE n.place <= 5
ORDER BY n.agent_id ASC, d.created_at DESC
LIMIT 1000

-- label_scores --
-- Whether the instances of a span of scores were lost within an hour of each. Censored: replaced
-- for another reason within that hour, so that nobody knows. Index: risk_scores_created_idx.
UPDATE risk_scores AS r
SET
    r.outcome = CASE
        WHEN EXISTS (
            SELECT 1
            FROM switches AS s
            WHERE
                s.agent_id = r.agent_id
                AND s.old_instance_id = r.instance_id
                AND s.cause IN ('termination', 'loss')
                AND s.requested_at > r.created_at
                AND s.requested_at <= TIMESTAMPADD(MINUTE, 60, r.created_at)
        ) THEN 'lost'
        WHEN EXISTS (
            SELECT 1
            FROM spot_interruption_events AS e
            WHERE
                e.agent_id = r.agent_id
                AND e.instance_id = r.instance_id
                AND e.signal_type IN ('termination-notice', 'loss')
                AND e.is_drill = 0
                AND e.status <> 'stood_down'
                AND e.received_at > r.created_at
                AND e.received_at <= TIMESTAMPADD(MINUTE, 60, r.created_at)
        ) THEN 'lost'
        WHEN EXISTS (
            SELECT 1
            FROM instances AS i
            WHERE
                i.agent_id = r.agent_id
                AND i.instance_id = r.instance_id
                AND i.role IN ('superseded', 'terminated')
                AND i.role_changed_at <= TIMESTAMPADD(MINUTE, 60, r.created_at)
        ) THEN 'censored'
        ELSE 'survived'
    END
WHERE
    r.created_at > %(since)s
    AND r.created_at <= %(until)s
    AND r.outcome IS NULL

-- label_decisions --
-- What became of a span of decisions: of the ordered moves by their commands, of the others by what
-- happened to the instance within an hour. A move under way is left for later. Index:
-- decision_engine_log_created_idx.
UPDATE decision_engine_log AS d
LEFT JOIN commands AS c ON c.id = d.command_id
LEFT JOIN switches AS m ON m.command_id = d.command_id
SET
    d.outcome = CASE
        WHEN m.status = 'completed' THEN 'moved'
        WHEN c.status = 'expired' OR c.status = 'cancelled' THEN 'not_fetched'
        WHEN m.status = 'failed' THEN 'move_failed'
        WHEN EXISTS (
            SELECT 1
            FROM switches AS s
            WHERE
                s.agent_id = d.agent_id
                AND s.old_instance_id = d.instance_id
                AND s.cause IN ('termination', 'loss')
                AND s.requested_at > d.created_at
                AND s.requested_at <= TIMESTAMPADD(MINUTE, 60, d.created_at)
        ) THEN 'lost'
        WHEN EXISTS (
            SELECT 1
            FROM spot_interruption_events AS e
            WHERE
                e.agent_id = d.agent_id
                AND e.instance_id = d.instance_id
                AND e.signal_type IN ('termination-notice', 'loss')
                AND e.is_drill = 0
                AND e.status <> 'stood_down'
                AND e.received_at > d.created_at
                AND e.received_at <= TIMESTAMPADD(MINUTE, 60, d.created_at)
        ) THEN 'lost'
        WHEN EXISTS (
            SELECT 1
            FROM instances AS i
            WHERE
                i.agent_id = d.agent_id
                AND i.instance_id = d.instance_id
                AND i.role IN ('superseded', 'terminated')
                AND i.role_changed_at <= TIMESTAMPADD(MINUTE, 60, d.created_at)
        ) THEN 'replaced'
        ELSE 'kept'
    END,
    d.outcome_at = %(now)s
WHERE
    d.created_at > %(since)s
    AND d.created_at <= %(until)s
    AND d.outcome IS NULL
    AND (d.command_id IS NULL OR m.id IS NULL OR m.status IN ('completed', 'failed'))

-- label_prices --
-- What the hour after a permitted move really cost in the pool left and in the pool advised: means of
-- the client's clean prices, USD per hour. Indexes: decision_engine_log_created_idx,
-- pricing_snapshots_clean_series_idx.
UPDATE decision_engine_log AS d
SET
    d.realized_present_usd_per_hour = (
        SELECT ROUND(AVG(n.price_usd_per_hour), 6)
        FROM pool_prices AS v
        INNER JOIN spot_pools AS p ON p.id = v.pool_id
        INNER JOIN pricing_snapshots_clean AS n
            ON
                n.client_id = v.client_id
                AND n.pool_id = v.pool_id
                AND n.day_on BETWEEN DATE(d.created_at)
                AND DATE(TIMESTAMPADD(MINUTE, 60, d.created_at))
                AND n.bucket_at >= d.created_at
                AND n.bucket_at < TIMESTAMPADD(MINUTE, 60, d.created_at)
        WHERE
            v.client_id = d.client_id
            AND CONCAT(p.instance_type, '.', v.az) = d.present_pool_id
    ),
    d.realized_target_usd_per_hour = (
        SELECT ROUND(AVG(n.price_usd_per_hour), 6)
        FROM pool_prices AS v
        INNER JOIN spot_pools AS p ON p.id = v.pool_id
        INNER JOIN pricing_snapshots_clean AS n
            ON
                n.client_id = v.client_id
                AND n.pool_id = v.pool_id
                AND n.day_on BETWEEN DATE(d.created_at)
                AND DATE(TIMESTAMPADD(MINUTE, 60, d.created_at))
                AND n.bucket_at >= d.created_at
                AND n.bucket_at < TIMESTAMPADD(MINUTE, 60, d.created_at)
        WHERE
            v.client_id = d.client_id
            AND CONCAT(p.instance_type, '.', v.az) = d.target_pool_id
    )
WHERE
    d.created_at > %(since)s
    AND d.created_at <= %(until)s
    AND d.guard_outcome = 'allowed'
    AND d.realized_present_usd_per_hour IS NULL
    AND d.realized_target_usd_per_hour IS NULL

-- list_calibration --
-- What was said of risk and what came of it, by tenths of the score; censored scores do not count.
-- Index: risk_scores_created_idx.
SELECT
    LEAST(FLOOR(r.risk_score * 10), 9) AS tenth,
    COUNT(*) AS score_count,
    AVG(r.risk_score) AS mean_score,
    AVG(r.outcome = 'lost') AS lost_share
FROM risk_scores AS r
WHERE
    r.created_at > %(since)s
    AND r.outcome IN ('survived', 'lost')
    AND r.pool_id IS NOT NULL
GROUP BY tenth
ORDER BY tenth ASC
LIMIT 10
