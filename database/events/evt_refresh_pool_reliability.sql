-- Refresh reliability and risk of the pools, where no job has done it in this quarter of an hour.
-- Claims the same slot in job_runs as the job refresh_pool_reliability: whichever wakes first runs
-- the procedure. A run whose lease has ended is closed first, for it would block every later one.
CREATE EVENT evt_refresh_pool_reliability
ON SCHEDULE EVERY 15 MINUTE
ON COMPLETION PRESERVE
COMMENT 'job refresh_pool_reliability, shared with the scheduler process'
DO
BEGIN
    DECLARE v_now DATETIME(3) DEFAULT UTC_TIMESTAMP(3);
    DECLARE v_slot BIGINT
        DEFAULT FLOOR(TIMESTAMPDIFF(SECOND, '1970-01-01', UTC_TIMESTAMP()) / 900);
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
            job = 'refresh_pool_reliability'
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
        running_job = 'refresh_pool_reliability'
        AND lease_until <= v_now;

    INSERT IGNORE INTO job_runs (job, slot, status, node, attempt, lease_until, started_at)
    VALUES (
        'refresh_pool_reliability', v_slot, 'running', 'event', 1,
        TIMESTAMPADD(SECOND, 600, v_now), v_now
    );

    IF ROW_COUNT() = 1 THEN
        CALL refresh_pool_reliability(v_now, 500, v_row_count);

        UPDATE job_runs
        SET
            status = 'done',
            finished_at = UTC_TIMESTAMP(3),
            row_count = v_row_count
        WHERE
            job = 'refresh_pool_reliability'
            AND slot = v_slot
            AND status = 'running'
            AND node = 'event';
    END IF;
END
