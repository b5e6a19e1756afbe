"""Background work: the job table, the runner, one module a job."""
