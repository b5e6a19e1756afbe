-- What the live model said of each pool at each pass, and whether a loss followed.

-- One row per client, pool and pass: features are those that the client knows. ends_at: made_at and
-- the horizon. outcome: known after ends_at; 'unseen' where no instance of the client stood in the pool
-- for all of that time, so that nobody could have lost one.
CREATE TABLE IF NOT EXISTS model_predictions (
    made_at DATETIME(3) NOT NULL,
    client_id VARCHAR(36) NOT NULL,
    pool_id VARCHAR(128) NOT NULL,
    instance_type VARCHAR(64) NOT NULL,
    az VARCHAR(48) NOT NULL,
    model_version VARCHAR(64) NOT NULL,
    horizon_minutes INT NOT NULL,
    probability DECIMAL(7, 6) NOT NULL,
    ends_at DATETIME(3) NOT NULL,
    outcome VARCHAR(16) NULL,
    CONSTRAINT model_predictions_pk PRIMARY KEY (made_at, client_id, pool_id),
    KEY model_predictions_ends_idx (ends_at, outcome),
    KEY model_predictions_client_idx (client_id),
    CONSTRAINT model_predictions_client_fk FOREIGN KEY (client_id) REFERENCES clients (id)
        ON DELETE CASCADE,
    CONSTRAINT model_predictions_chance_ck CHECK (probability BETWEEN 0 AND 1),
    CONSTRAINT model_predictions_outcome_ck CHECK (outcome IN ('lost', 'survived', 'unseen'))
) ENGINE = InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
