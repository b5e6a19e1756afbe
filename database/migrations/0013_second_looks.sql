-- A silent instance that the one who was asked could not see is looked at again, by somebody else.

-- look_count: how many were asked to look, the first included; looked_at: when the last of them was.
ALTER TABLE spot_interruption_events
    ADD COLUMN look_count INT NOT NULL DEFAULT 1 AFTER finding,
    ADD COLUMN looked_at DATETIME(3) NULL AFTER look_count;
