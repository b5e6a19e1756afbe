-- record_cleanup --
-- One clean-up run of an agent; a repeated report is the same run. Index: cleanup_logs_run_uq.
INSERT IGNORE INTO cleanup_logs (
    client_id, agent_id, executed_at, deleted_snapshot_count, deleted_image_count, failed_count,
    report, created_at
)
VALUES (
    %(client_id)s, %(agent_id)s, %(executed_at)s, %(deleted_snapshot_count)s,
    %(deleted_image_count)s, %(failed_count)s, %(report)s, %(now)s
)
