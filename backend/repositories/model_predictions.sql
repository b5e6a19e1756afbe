-- insert_predictions --
-- What the live model said of many pools at one instant, of clients that still exist; the same pass
-- again writes nothing. Index: model_predictions_pk.
INSERT INTO model_predictions (
    made_at, client_id, pool_id, instance_type, az, model_version, horizon_minutes, probability,
    ends_at
)
SELECT
    %(now)s,
    d.client_id,
    d.pool_id,
    d.instance_type,
    d.az,
    %(model_version)s,
    %(horizon_minutes)s,
    d.probability,
    TIMESTAMPADD(MINUTE, %(horizon_minutes)s, %(now)s)
FROM JSON_TABLE(
    %(predictions)s, '$[*]' COLUMNS (
        client_id VARCHAR(36) CHARACTER SET utf8mb4 PATH '$.client_id',
        pool_id VARCHAR(128) CHARACTER SET utf8mb4 PATH '$.pool_id',
        instance_type VARCHAR(64) CHARACTER SET utf8mb4 PATH '$.instance_type',
        az VARCHAR(48) CHARACTER SET utf8mb4 PATH '$.az',
        probability DECIMAL(7, 6) PATH '$.probability'
    )
) AS d
INNER JOIN clients AS k ON k.id = d.client_id COLLATE utf8mb4_bin
ON DUPLICATE KEY UPDATE made_at = model_predictions.made_at

-- label_predictions --
-- Whether a loss of the client in the pool followed the predictions whose time ended in a span.
-- Survived: an instance stood there all the time. Indexes: model_predictions_ends_idx,
-- spot_interruption_events_client_idx, switches_client_idx, instances_place_idx.
UPDATE model_predictions AS p
SET
    p.outcome = CASE
        WHEN EXISTS (
            SELECT 1
            FROM spot_interruption_events AS e
            WHERE
                e.client_id = p.client_id
                AND e.received_at > p.made_at
                AND e.received_at <= p.ends_at
                AND e.instance_type = p.instance_type
                AND e.az = p.az
                AND e.mode = 'spot'
                AND e.signal_type IN ('termination-notice', 'loss')
                AND e.is_drill = 0
                AND e.status <> 'stood_down'
        ) THEN 'lost'
        WHEN EXISTS (
            SELECT 1
            FROM switches AS s
            WHERE
                s.client_id = p.client_id
                AND s.requested_at > p.made_at
                AND s.requested_at <= p.ends_at
                AND s.old_pool_id = p.pool_id
                AND s.cause IN ('termination', 'loss')
        ) THEN 'lost'
        WHEN EXISTS (
            SELECT 1
            FROM instances AS i
            WHERE
                i.client_id = p.client_id
                AND i.mode = 'spot'
                AND i.instance_type = p.instance_type
                AND i.az = p.az
                AND COALESCE(i.launched_at, i.first_seen_at, i.role_changed_at) <= p.made_at
                AND (
                    i.role IN ('primary', 'successor', 'replica', 'candidate')
                    OR i.role_changed_at > p.ends_at
                )
        ) THEN 'survived'
        ELSE 'unseen'
    END
WHERE
    p.ends_at > %(since)s
    AND p.ends_at <= %(until)s
    AND p.outcome IS NULL

-- list_judged --
-- Predictions whose outcome is known, by model, horizon and tenth of the chance: how many, their sum,
-- the losses, the squared errors. Index: model_predictions_ends_idx.
SELECT
    p.model_version,
    p.horizon_minutes,
    LEAST(FLOOR(p.probability * 10), 9) AS tenth,
    COUNT(*) AS prediction_count,
    SUM(p.probability) AS chance_sum,
    SUM(p.outcome = 'lost') AS lost_count,
    SUM(POW(p.probability - (p.outcome = 'lost'), 2)) AS squared_error_sum,
    MAX(p.made_at) AS newest_at
FROM model_predictions AS p
WHERE
    p.ends_at > %(since)s
    AND p.outcome IN ('lost', 'survived')
GROUP BY p.model_version, p.horizon_minutes, tenth
ORDER BY p.model_version ASC, p.horizon_minutes ASC, tenth ASC
LIMIT 1000
