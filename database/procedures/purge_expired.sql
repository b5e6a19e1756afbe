-- Delete what has outlived its retention. The retention table is the cursor below, and only here:
-- one line per rule, the age in seconds. Small tables come first, raw prices last, so that a large
-- backlog there starves nobody when p_max_rows ends the call.
-- kind: sealed
-- caller: repositories.retention.purge_expired (repeated until it deletes less than p_max_rows),
-- and the event evt_purge_expired
-- locks: the deleted rows, p_batch_rows at a time, each batch its own transaction
-- result: p_deleted_count, the rows deleted over all tables
CREATE PROCEDURE purge_expired(
    IN p_now DATETIME(3),
    IN p_batch_rows INT,
    IN p_max_rows INT,
    OUT p_deleted_count BIGINT
)
SQL SECURITY INVOKER
BEGIN
    DECLARE v_age_seconds INT;
    DECLARE v_target VARCHAR(1000) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
    DECLARE v_is_last TINYINT DEFAULT 0;
    DECLARE v_batch_count INT;
    DECLARE rules CURSOR FOR
        SELECT 0 AS age_seconds, 'operator_sessions WHERE expires_at < ?' AS target
        UNION ALL SELECT 30 * 86400, 'operator_sessions WHERE last_seen_at < ?'
        UNION ALL SELECT 30 * 86400, 'operator_api_keys WHERE revoked_at < ?'
        UNION ALL SELECT 30 * 86400, 'operator_api_keys WHERE expires_at < ?'
        UNION ALL SELECT 30 * 86400, 'client_tokens WHERE revoked_at < ?'
        UNION ALL SELECT 30 * 86400, 'client_tokens WHERE expires_at < ?'
        UNION ALL SELECT 14 * 86400, CONCAT(
            'job_runs WHERE started_at < ? AND status <> ''running'' AND (job, slot) NOT IN (',
            'SELECT job, newest_slot FROM (SELECT job, MAX(slot) AS newest_slot FROM job_runs ',
            'WHERE status = ''done'' GROUP BY job) AS newest)'
        )
        UNION ALL SELECT 30 * 86400, 'notification_deliveries WHERE ended_at < ?'
        UNION ALL SELECT 90 * 86400, 'notifications WHERE created_at < ? AND is_read = 1'
        UNION ALL SELECT 180 * 86400, 'notifications WHERE created_at < ?'
        UNION ALL SELECT 180 * 86400, 'system_events WHERE created_at < ?'
        UNION ALL SELECT 180 * 86400, 'cleanup_logs WHERE created_at < ?'
        UNION ALL SELECT 400 * 86400, 'audit_logs WHERE created_at < ?'
        UNION ALL SELECT 400 * 86400, 'agent_config_history WHERE changed_at < ?'
        UNION ALL SELECT 30 * 86400, 'commands WHERE ended_at < ?'
        UNION ALL SELECT 30 * 86400, 'agent_health_metrics WHERE bucket_at < ?'
        UNION ALL SELECT 400 * 86400, 'ondemand_price_snapshots WHERE bucket_at < ?'
        UNION ALL SELECT 180 * 86400, 'pricing_data_gaps WHERE ended_at < ?'
        UNION ALL SELECT 90 * 86400, 'pool_cooldowns WHERE ends_at < ?'
        UNION ALL SELECT 30 * 86400, 'pool_risk_analysis WHERE analysed_at < ?'
        UNION ALL SELECT 400 * 86400, 'pool_reliability_metrics WHERE period_start < ?'
        UNION ALL SELECT 400 * 86400, 'pricing_snapshots_interpolated WHERE bucket_at < ?'
        UNION ALL SELECT 400 * 86400, 'pricing_snapshots_clean WHERE updated_at < ?'
        UNION ALL SELECT 400 * 86400, 'cost_corrections WHERE corrected_at < ?'
        UNION ALL SELECT 400 * 86400, 'cost_hours WHERE hour_at < ?'
        UNION ALL SELECT 400 * 86400, 'cost_records WHERE hour_at < ?'
        UNION ALL SELECT 90 * 86400, 'decision_engine_log WHERE created_at < ?'
        UNION ALL SELECT 90 * 86400, 'risk_scores WHERE created_at < ?'
        UNION ALL SELECT 30 * 86400, 'model_predictions WHERE made_at < ?'
        UNION ALL SELECT 7 * 86400, 'pricing_reports WHERE received_at < ?'
        UNION ALL SELECT 2 * 86400, 'spot_price_snapshots WHERE received_at < ?';
    DECLARE CONTINUE HANDLER FOR NOT FOUND SET v_is_last = 1;
    DECLARE EXIT HANDLER FOR SQLEXCEPTION
    BEGIN
        ROLLBACK;
        RESIGNAL;
    END;

    SET p_deleted_count = 0;
    OPEN rules;
    FETCH rules INTO v_age_seconds, v_target;
    WHILE v_is_last = 0 DO
        SET @purge_statement = CONCAT('DELETE FROM ', v_target, ' LIMIT ?');
        SET @purge_before = TIMESTAMPADD(SECOND, -v_age_seconds, p_now);
        PREPARE purge_batch FROM @purge_statement;
        SET v_batch_count = 1;
        WHILE v_batch_count > 0 AND p_deleted_count < p_max_rows DO
            SET @purge_limit = LEAST(p_batch_rows, p_max_rows - p_deleted_count);
            START TRANSACTION;
            EXECUTE purge_batch USING @purge_before, @purge_limit;
            SET v_batch_count = ROW_COUNT();
            COMMIT;
            SET p_deleted_count = p_deleted_count + v_batch_count;
        END WHILE;
        DEALLOCATE PREPARE purge_batch;
        FETCH rules INTO v_age_seconds, v_target;
    END WHILE;
    CLOSE rules;
END
