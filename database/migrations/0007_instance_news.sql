-- Idle syncs become one UPDATE: a process that remembers the last answer need only know that it still holds.

-- news_count grows with every change of what a sync of this instance answers (docs/adr/0011-idle-sync.md).
ALTER TABLE instances
    ADD COLUMN news_count INT NOT NULL DEFAULT 0 AFTER is_steady;
