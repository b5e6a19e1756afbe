-- read_database_clock --
-- The instant that all nodes agree on: slots and leases are counted in the database's time.
SELECT UTC_TIMESTAMP(3) AS now

-- list_recent_runs --
-- The newest runs of a job, newest slot first. Index: job_runs_pk.
SELECT
    job,
    slot,
    status,
    node,
    attempt,
    lease_until,
    started_at,
    finished_at,
    row_count,
    error
FROM job_runs
WHERE job = %(job)s
ORDER BY slot DESC
LIMIT %(limit)s

-- list_newest_runs --
-- The run of the newest slot of every job, by name; there are as many as jobs. Index: job_runs_pk.
SELECT
    r.job,
    r.slot,
    r.status,
    r.node,
    r.attempt,
    r.lease_until,
    r.started_at,
    r.finished_at,
    r.row_count,
    r.error
FROM job_runs AS r
INNER JOIN (
    SELECT
        n.job,
        MAX(n.slot) AS slot
    FROM job_runs AS n
    GROUP BY n.job
) AS newest
    ON newest.job = r.job AND newest.slot = r.slot
ORDER BY r.job ASC
LIMIT 1000

-- start_run --
-- Claim a slot for the first time. A duplicate key means that the slot is taken (job_runs_pk) or
-- that a run of this job is still open (job_runs_running_uq).
INSERT INTO job_runs (job, slot, status, node, attempt, lease_until, started_at)
VALUES (%(job)s, %(slot)s, 'running', %(node)s, 1, %(lease_until)s, %(now)s)

-- retake_run --
-- Claim a slot again after a failure or an expired lease. Compare-and-set on the attempt: one row
-- matched means that this caller owns the run. Index: job_runs_pk.
UPDATE job_runs
SET
    status = 'running',
    node = %(node)s,
    attempt = attempt + 1,
    lease_until = %(lease_until)s,
    started_at = %(now)s,
    finished_at = NULL,
    row_count = NULL,
    error = NULL
WHERE
    job = %(job)s
    AND slot = %(slot)s
    AND attempt = %(attempt)s
    AND status = %(status)s
    AND (status <> 'running' OR lease_until <= %(now)s)

-- extend_lease --
-- Keep a run; no row matched means that it belongs to somebody else by now. Index: job_runs_pk.
UPDATE job_runs
SET lease_until = %(lease_until)s
WHERE
    job = %(job)s
    AND slot = %(slot)s
    AND attempt = %(attempt)s
    AND node = %(node)s
    AND status = 'running'

-- finish_run --
-- Close a run; no row matched means that it belongs to somebody else by now. Index: job_runs_pk.
UPDATE job_runs
SET
    status = %(status)s,
    finished_at = %(now)s,
    row_count = %(row_count)s,
    error = %(error)s
WHERE
    job = %(job)s
    AND slot = %(slot)s
    AND attempt = %(attempt)s
    AND node = %(node)s
    AND status = 'running'

-- abandon_run --
-- Give up a run whose lease has ended and whose attempts are used up. Index: job_runs_pk.
UPDATE job_runs
SET
    status = 'failed',
    finished_at = %(now)s,
    error = %(error)s
WHERE
    job = %(job)s
    AND slot = %(slot)s
    AND attempt = %(attempt)s
    AND status = 'running'
    AND lease_until <= %(now)s
