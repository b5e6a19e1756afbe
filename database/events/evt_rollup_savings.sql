-- Sum the last week of the savings ledger anew, where no job has done it today.
-- Claims the same slot in job_runs as the job rollup_savings: whichever wakes first runs
-- the procedure. A run whose lease has ended is closed first, for it would block every later one.
CREATE EVENT evt_rollup_savings
ON SCHEDULE EVERY 1 DAY
ON COMPLETION PRESERVE
COMMENT 'job rollup_savings, shared with the scheduler process'
DO
BEGIN
    DECLARE v_now DATETIME(3) DEFAULT UTC_TIMESTAMP(3);
    DECLARE v_slot BIGINT
        DEFAULT FLOOR(TIMESTAMPDIFF(SECOND, '1970-01-01', UTC_TIMESTAMP()) / 86400);
    DECLARE v_row_count BIGINT;
    DECLARE v_errno INT;
    DECLARE EXIT HANDLER FOR SQLEXCEPTION
    BEGIN
        GET DIAGNOSTICS CONDITION 1 v_errno = MYSQL_ERRNO;
        ROLLBACK;
        UPDATE job_runs
        SET
            status = 'failed',
            finished_at = UTC_TIMESTAMP(3),
            error = CONCAT('database error ', v_errno)
        WHERE
            job = 'rollup_savings'
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
        running_job = 'rollup_savings'
        AND lease_until <= v_now;

    INSERT IGNORE INTO job_runs (job, slot, status, node, attempt, lease_until, started_at)
    VALUES (
        'rollup_savings', v_slot, 'running', 'event', 1,
        TIMESTAMPADD(SECOND, 600, v_now), v_now
    );

    IF ROW_COUNT() = 1 THEN
        START TRANSACTION;
        CALL rollup_savings(v_now, NULL, DATE(TIMESTAMPADD(DAY, -8, v_now)), v_row_count);
        COMMIT;

        UPDATE job_runs
        SET
            status = 'done',
            finished_at = UTC_TIMESTAMP(3),
            row_count = v_row_count
        WHERE
            job = 'rollup_savings'
            AND slot = v_slot
            AND status = 'running'
            AND node = 'event';
    END IF;
END
