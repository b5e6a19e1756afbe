-- read_server --
-- The database's own clock is the thing measured here, so this statement may read it.
SELECT
    UTC_TIMESTAMP(3) AS now,
    @@GLOBAL.event_scheduler AS event_scheduler

-- find_last_job_start --
-- The youngest run of any job by a scheduler; the database's own events prove no scheduler.
-- Index: job_runs_started_idx.
SELECT started_at
FROM job_runs
WHERE node <> 'event'
ORDER BY started_at DESC
LIMIT 1
