-- Make the clean points of every (client, pool, bucket) for which a raw report was received in
-- (p_since, p_until], each from all its raw rows, so that late, repeated and reordered reports and
-- a call made twice all end in the same points. History answers gaps; it is no observation and
-- takes no part. Then, for pools that clients share, what the clients agree on: the mean of those
-- within 0.5 % of the median of the clients' own undisputed points, when they are two at least and
-- more than half. Rules as in backend/sef/quality.py, which the tests hold against this.
-- kind: sealed
-- caller: repositories.clean_prices.dedup_pricing
-- locks: pricing_snapshots_clean, p_batch_rows points in a transaction, in key order
-- result: p_point_count, the own points that were computed
CREATE PROCEDURE dedup_pricing(
    IN p_now DATETIME(3),
    IN p_since DATETIME(3),
    IN p_until DATETIME(3),
    IN p_batch_rows INT,
    OUT p_point_count BIGINT
)
SQL SECURITY INVOKER
BEGIN
    DECLARE v_first INT DEFAULT 1;
    DECLARE v_last INT DEFAULT 0;
    DECLARE v_first_id BIGINT;
    DECLARE v_last_id BIGINT;
    DECLARE EXIT HANDLER FOR SQLEXCEPTION
    BEGIN
        ROLLBACK;
        RESIGNAL;
    END;

    DROP TEMPORARY TABLE IF EXISTS touched_points;
    DROP TEMPORARY TABLE IF EXISTS touched_buckets;
    DROP TEMPORARY TABLE IF EXISTS agreements;
    CREATE TEMPORARY TABLE touched_points (
        seq INT NOT NULL AUTO_INCREMENT,
        pool_id BIGINT NOT NULL,
        bucket_at DATETIME(3) NOT NULL,
        client_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
        PRIMARY KEY (seq)
    ) ENGINE = InnoDB;
    CREATE TEMPORARY TABLE touched_buckets (
        seq INT NOT NULL AUTO_INCREMENT,
        pool_id BIGINT NOT NULL,
        bucket_at DATETIME(3) NOT NULL,
        PRIMARY KEY (seq)
    ) ENGINE = InnoDB;
    CREATE TEMPORARY TABLE agreements (
        pool_id BIGINT NOT NULL,
        bucket_at DATETIME(3) NOT NULL,
        price_usd_per_hour DECIMAL(12, 6) NOT NULL,
        sample_count INT NOT NULL,
        report_count INT NOT NULL,
        spread_usd_per_hour DECIMAL(12, 6) NOT NULL,
        PRIMARY KEY (pool_id, bucket_at)
    ) ENGINE = InnoDB;

    -- What was received together lies together: the rows are read in the table's own order, which
    -- is three times as fast as one by one through the index.
    SELECT
        MIN(s.id),
        MAX(s.id)
    INTO v_first_id, v_last_id
    FROM spot_price_snapshots AS s FORCE INDEX (spot_price_snapshots_received_idx)
    WHERE s.received_at > p_since AND s.received_at <= p_until;

    INSERT INTO touched_points (pool_id, bucket_at, client_id)
    SELECT DISTINCT
        s.pool_id,
        s.bucket_at,
        s.client_id
    FROM spot_price_snapshots AS s FORCE INDEX (PRIMARY)
    WHERE
        s.id BETWEEN v_first_id AND v_last_id
        AND s.received_at > p_since
        AND s.received_at <= p_until
        AND s.source <> 'history'
    ORDER BY s.pool_id ASC, s.bucket_at ASC, s.client_id ASC;
    SET p_point_count = ROW_COUNT();

    SELECT COALESCE(MAX(t.seq), 0) INTO v_last FROM touched_points AS t;
    -- Grouped by seq, which stands for the key: rows come in that order, so nothing is sorted.
    WHILE v_first <= v_last DO
        START TRANSACTION;
        INSERT INTO pricing_snapshots_clean (
            pool_id, bucket_at, scope, day_on, client_id, price_usd_per_hour, source,
            sample_count, report_count, spread_usd_per_hour, is_discrepant, updated_at
        )
        SELECT
            MIN(t.pool_id),
            MIN(t.bucket_at),
            MIN(t.client_id),
            MIN(DATE(t.bucket_at)),
            MIN(t.client_id),
            ROUND(SUM(s.price_usd_per_hour) / COUNT(*), 6),
            CASE
                WHEN SUM(s.source = 'primary') > 0 THEN 'primary'
                WHEN SUM(s.source = 'replica') > 0 THEN 'replica'
                ELSE 'other'
            END,
            COUNT(*),
            SUM(s.report_count),
            MAX(s.price_usd_per_hour) - MIN(s.price_usd_per_hour),
            MAX(s.price_usd_per_hour) > MIN(s.price_usd_per_hour) * 1.005,
            p_now
        FROM touched_points AS t
        STRAIGHT_JOIN spot_price_snapshots AS s FORCE INDEX (spot_price_snapshots_slot_uq)
            ON
                s.client_id = t.client_id
                AND s.pool_id = t.pool_id
                AND s.bucket_at = t.bucket_at
                AND s.source <> 'history'
        WHERE t.seq >= v_first AND t.seq < v_first + p_batch_rows
        GROUP BY t.seq
        ON DUPLICATE KEY UPDATE
            updated_at = IF(
                pricing_snapshots_clean.price_usd_per_hour = VALUES(price_usd_per_hour)
                AND pricing_snapshots_clean.source = VALUES(source)
                AND pricing_snapshots_clean.sample_count = VALUES(sample_count)
                AND pricing_snapshots_clean.spread_usd_per_hour = VALUES(spread_usd_per_hour)
                AND pricing_snapshots_clean.is_discrepant = VALUES(is_discrepant),
                pricing_snapshots_clean.updated_at,
                VALUES(updated_at)
            ),
            price_usd_per_hour = VALUES(price_usd_per_hour),
            source = VALUES(source),
            sample_count = VALUES(sample_count),
            report_count = VALUES(report_count),
            spread_usd_per_hour = VALUES(spread_usd_per_hour),
            is_discrepant = VALUES(is_discrepant);
        COMMIT;
        SET v_first = v_first + p_batch_rows;
    END WHILE;

    INSERT INTO touched_buckets (pool_id, bucket_at)
    SELECT DISTINCT
        t.pool_id,
        t.bucket_at
    FROM touched_points AS t
    INNER JOIN spot_pools AS p ON p.id = t.pool_id
    WHERE p.client_id IS NULL
    ORDER BY t.pool_id ASC, t.bucket_at ASC;

    SET v_first = 1;
    SELECT COALESCE(MAX(b.seq), 0) INTO v_last FROM touched_buckets AS b;
    WHILE v_first <= v_last DO
        START TRANSACTION;
        DELETE FROM agreements;
        INSERT INTO agreements (
            pool_id, bucket_at, price_usd_per_hour, sample_count, report_count,
            spread_usd_per_hour
        )
        SELECT
            v.pool_id,
            v.bucket_at,
            ROUND(SUM(v.price_usd_per_hour) / COUNT(*), 6),
            COUNT(*),
            SUM(v.report_count),
            MAX(v.price_usd_per_hour) - MIN(v.price_usd_per_hour)
        FROM (
            SELECT
                r.pool_id,
                r.bucket_at,
                r.price_usd_per_hour,
                r.report_count,
                r.voter_count,
                MAX(
                    CASE WHEN r.place = FLOOR((r.voter_count + 1) / 2)
                    THEN r.price_usd_per_hour END
                ) OVER (PARTITION BY r.pool_id, r.bucket_at) AS median
            FROM (
                SELECT
                    c.pool_id,
                    c.bucket_at,
                    c.price_usd_per_hour,
                    c.report_count,
                    ROW_NUMBER() OVER (
                        PARTITION BY c.pool_id, c.bucket_at
                        ORDER BY c.price_usd_per_hour ASC, c.scope ASC
                    ) AS place,
                    COUNT(*) OVER (PARTITION BY c.pool_id, c.bucket_at) AS voter_count
                FROM touched_buckets AS b
                STRAIGHT_JOIN pricing_snapshots_clean AS c
                    ON c.pool_id = b.pool_id AND c.bucket_at = b.bucket_at
                WHERE
                    b.seq >= v_first
                    AND b.seq < v_first + p_batch_rows
                    AND c.scope <> ''
                    AND c.is_discrepant = 0
            ) AS r
        ) AS v
        WHERE
            GREATEST(v.price_usd_per_hour, v.median)
            <= LEAST(v.price_usd_per_hour, v.median) * 1.005
        GROUP BY v.pool_id, v.bucket_at, v.voter_count
        HAVING COUNT(*) >= 2 AND COUNT(*) * 2 > v.voter_count;

        INSERT INTO pricing_snapshots_clean (
            pool_id, bucket_at, scope, day_on, client_id, price_usd_per_hour, source,
            sample_count, report_count, spread_usd_per_hour, is_discrepant, updated_at
        )
        SELECT
            a.pool_id,
            a.bucket_at,
            '',
            DATE(a.bucket_at),
            NULL,
            a.price_usd_per_hour,
            'agreed',
            a.sample_count,
            a.report_count,
            a.spread_usd_per_hour,
            0,
            p_now
        FROM agreements AS a
        ORDER BY a.pool_id ASC, a.bucket_at ASC
        ON DUPLICATE KEY UPDATE
            updated_at = IF(
                pricing_snapshots_clean.price_usd_per_hour = VALUES(price_usd_per_hour)
                AND pricing_snapshots_clean.sample_count = VALUES(sample_count)
                AND pricing_snapshots_clean.spread_usd_per_hour = VALUES(spread_usd_per_hour)
                AND pricing_snapshots_clean.is_discrepant = 0,
                pricing_snapshots_clean.updated_at,
                VALUES(updated_at)
            ),
            price_usd_per_hour = VALUES(price_usd_per_hour),
            sample_count = VALUES(sample_count),
            report_count = VALUES(report_count),
            spread_usd_per_hour = VALUES(spread_usd_per_hour),
            is_discrepant = 0;

        -- They agreed once and do so no longer: a later report was the doubt.
        UPDATE touched_buckets AS b
        STRAIGHT_JOIN pricing_snapshots_clean AS c
            ON c.pool_id = b.pool_id AND c.bucket_at = b.bucket_at AND c.scope = ''
        LEFT JOIN agreements AS a
            ON a.pool_id = c.pool_id AND a.bucket_at = c.bucket_at
        SET
            c.is_discrepant = 1,
            c.updated_at = p_now
        WHERE
            b.seq >= v_first
            AND b.seq < v_first + p_batch_rows
            AND a.pool_id IS NULL
            AND c.is_discrepant = 0;
        COMMIT;
        SET v_first = v_first + p_batch_rows;
    END WHILE;

    DROP TEMPORARY TABLE IF EXISTS touched_points;
    DROP TEMPORARY TABLE IF EXISTS touched_buckets;
    DROP TEMPORARY TABLE IF EXISTS agreements;
END
