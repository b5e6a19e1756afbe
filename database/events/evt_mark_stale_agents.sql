-- Mark silent agents offline, where no job has done it in this minute. Claims the same slot in
-- job_runs as the job mark_stale_agents: whichever wakes first runs the procedure. A run whose
-- lease has ended is closed first, for it would block every later one.
CREATE EVENT evt_mark_stale_agents
ON SCHEDULE EVERY 1 MINUTE
ON COMPLETION PRESERVE
COMMENT 'job mark_stale_agents, shared with the scheduler process'
DO
BEGIN
    DECLARE v_now DATETIME(3) DEFAULT UTC_TIMESTAMP(3);
    DECLARE v_slot BIGINT
        DEFAULT FLOOR(TIMESTAMPDIFF(SECOND, '1970-01-01', UTC_TIMESTAMP()) / 60);
    DECLARE v_timeout_seconds INT;
    DECLARE v_confirm_seconds INT;
    DECLARE v_row_count BIGINT;
    DECLARE v_errno INT;
    DECLARE EXIT HANDLER FOR SQLEXCEPTION
    BEGIN
        GET DIAGNOSTICS CONDITION 1 v_errno = MYSQL_ERRNO;
        UPDATE job_runs
        SET
            status = 'failed',
            finished_at = UTC_TIMESTAMP(3),
            error = CONCAT('database error ', v_errno)
        WHERE
            job = 'mark_stale_agents'
            AND slot = v_slot
            AND status = 'running'
            AND node = 'event';
    END;

    SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED;

    UPDATE job_runs
    SET
        status = 'failed',
        finished_at = v_now,
        error = 'the lease ended before the run did'
    WHERE
        running_job = 'mark_stale_agents'
        AND lease_until <= v_now;

    INSERT IGNORE INTO job_runs (job, slot, status, node, attempt, lease_until, started_at)
    VALUES (
        'mark_stale_agents', v_slot, 'running', 'event', 1,
        TIMESTAMPADD(SECOND, 300, v_now), v_now
    );

    IF ROW_COUNT() = 1 THEN
        SELECT
            COALESCE(
                MAX(
                    CASE WHEN s.name = 'agent_heartbeat_timeout_seconds'
                    THEN CAST(s.value AS SIGNED) END
                ), 120
            ),
            COALESCE(
                MAX(
                    CASE WHEN s.name = 'agent_offline_confirm_seconds'
                    THEN CAST(s.value AS SIGNED) END
                ), 60
            )
        INTO v_timeout_seconds, v_confirm_seconds
        FROM settings AS s;

        CALL mark_stale_agents(v_now, v_timeout_seconds, v_confirm_seconds, 500, v_row_count);

        UPDATE job_runs
        SET
            status = 'done',
            finished_at = UTC_TIMESTAMP(3),
            row_count = v_row_count
        WHERE
            job = 'mark_stale_agents'
            AND slot = v_slot
            AND status = 'running'
            AND node = 'event';
    END IF;
END
