-- Fill the short gaps in what each client sees of a pool, and record the long ones. A client sees
-- its own clean points, and where it has none what other clients agree on. Looked at are the series
-- of which a point changed in (p_since, p_until], each from the last point before the change on:
-- fills whose two neighbours are no longer neighbours are withdrawn, and so are gaps that are none.
-- More than 10 minutes between points is a gap; one of up to 30 is filled linearly by time, on the
-- 5-minute grid, strictly inside. Rules as in backend/sef/quality.py, which the tests hold against
-- this.
-- kind: sealed
-- caller: repositories.clean_prices.interpolate_pricing
-- locks: pricing_snapshots_interpolated, then pricing_data_gaps, p_batch_rows series in a
-- transaction
-- result: p_row_count, the fills and long gaps that these series have now
CREATE PROCEDURE interpolate_pricing(
    IN p_now DATETIME(3),
    IN p_since DATETIME(3),
    IN p_until DATETIME(3),
    IN p_batch_rows INT,
    OUT p_row_count BIGINT
)
SQL SECURITY INVOKER
BEGIN
    DECLARE v_first INT DEFAULT 1;
    DECLARE v_last INT DEFAULT 0;
    DECLARE v_day DATE;
    DECLARE v_last_day DATE DEFAULT TIMESTAMPADD(DAY, 1, DATE(p_now));
    DECLARE EXIT HANDLER FOR SQLEXCEPTION
    BEGIN
        ROLLBACK;
        RESIGNAL;
    END;

    SET p_row_count = 0;
    DROP TEMPORARY TABLE IF EXISTS touched_series;
    DROP TEMPORARY TABLE IF EXISTS touched_days;
    DROP TEMPORARY TABLE IF EXISTS series_points;
    DROP TEMPORARY TABLE IF EXISTS found_gaps;
    CREATE TEMPORARY TABLE touched_series (
        seq INT NOT NULL AUTO_INCREMENT,
        client_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
        pool_id BIGINT NOT NULL,
        first_at DATETIME(3) NOT NULL,
        from_at DATETIME(3) NULL,
        PRIMARY KEY (seq),
        UNIQUE KEY (client_id, pool_id)
    ) ENGINE = InnoDB;
    CREATE TEMPORARY TABLE touched_days (
        day_on DATE NOT NULL,
        PRIMARY KEY (day_on)
    ) ENGINE = InnoDB;
    CREATE TEMPORARY TABLE series_points (
        client_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
        pool_id BIGINT NOT NULL,
        bucket_at DATETIME(3) NOT NULL,
        price_usd_per_hour DECIMAL(12, 6) NOT NULL,
        PRIMARY KEY (client_id, pool_id, bucket_at)
    ) ENGINE = InnoDB;
    CREATE TEMPORARY TABLE found_gaps (
        client_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
        pool_id BIGINT NOT NULL,
        last_point_at DATETIME(3) NOT NULL,
        next_point_at DATETIME(3) NOT NULL,
        last_price DECIMAL(12, 6) NOT NULL,
        next_price DECIMAL(12, 6) NOT NULL,
        step_count INT NOT NULL,
        PRIMARY KEY (client_id, pool_id, last_point_at)
    ) ENGINE = InnoDB;

    INSERT INTO touched_series (client_id, pool_id, first_at)
    SELECT
        c.scope,
        c.pool_id,
        MIN(c.bucket_at)
    FROM pricing_snapshots_clean AS c
    WHERE c.updated_at > p_since AND c.updated_at <= p_until AND c.scope <> ''
    GROUP BY c.scope, c.pool_id
    ORDER BY c.scope ASC, c.pool_id ASC;

    INSERT INTO touched_series (client_id, pool_id, first_at)
    SELECT
        v.client_id,
        c.pool_id,
        MIN(c.bucket_at)
    FROM pricing_snapshots_clean AS c
    INNER JOIN pool_prices AS v ON v.pool_id = c.pool_id
    WHERE c.updated_at > p_since AND c.updated_at <= p_until AND c.scope = ''
    GROUP BY v.client_id, c.pool_id
    ORDER BY v.client_id ASC, c.pool_id ASC
    ON DUPLICATE KEY UPDATE first_at = LEAST(touched_series.first_at, VALUES(first_at));

    UPDATE touched_series AS t
    SET
        t.from_at = GREATEST(
            COALESCE((
                SELECT c.bucket_at
                FROM pricing_snapshots_clean AS c
                    FORCE INDEX (pricing_snapshots_clean_series_idx)
                WHERE
                    c.client_id = t.client_id
                    AND c.pool_id = t.pool_id
                    AND c.bucket_at < t.first_at
                ORDER BY c.day_on DESC, c.bucket_at DESC
                LIMIT 1
            ), '1970-01-01'),
            COALESCE((
                SELECT c.bucket_at
                FROM pricing_snapshots_clean AS c
                    FORCE INDEX (pricing_snapshots_clean_series_idx)
                WHERE
                    c.client_id IS NULL
                    AND c.pool_id = t.pool_id
                    AND c.bucket_at < t.first_at
                    AND c.is_discrepant = 0
                ORDER BY c.day_on DESC, c.bucket_at DESC
                LIMIT 1
            ), '1970-01-01')
        );
    UPDATE touched_series AS t
    SET t.from_at = t.first_at
    WHERE t.from_at = '1970-01-01';

    -- Every day that may hold points: a join looks up days, for it cannot look up "from then on".
    SELECT MIN(DATE(t.from_at)) INTO v_day FROM touched_series AS t;
    WHILE v_day <= v_last_day DO
        INSERT INTO touched_days (day_on) VALUES (v_day);
        SET v_day = TIMESTAMPADD(DAY, 1, v_day);
    END WHILE;

    SELECT COALESCE(MAX(t.seq), 0) INTO v_last FROM touched_series AS t;
    WHILE v_first <= v_last DO
        START TRANSACTION;
        DELETE FROM series_points;
        DELETE FROM found_gaps;

        INSERT INTO series_points (client_id, pool_id, bucket_at, price_usd_per_hour)
        SELECT
            t.client_id,
            t.pool_id,
            c.bucket_at,
            c.price_usd_per_hour
        FROM touched_series AS t
        INNER JOIN touched_days AS d ON d.day_on >= DATE(t.from_at)
        INNER JOIN pricing_snapshots_clean AS c FORCE INDEX (pricing_snapshots_clean_series_idx)
            ON
                c.client_id = t.client_id
                AND c.pool_id = t.pool_id
                AND c.day_on = d.day_on
                AND c.bucket_at >= t.from_at
        WHERE t.seq >= v_first AND t.seq < v_first + p_batch_rows;

        INSERT IGNORE INTO series_points (client_id, pool_id, bucket_at, price_usd_per_hour)
        SELECT
            t.client_id,
            t.pool_id,
            c.bucket_at,
            c.price_usd_per_hour
        FROM touched_series AS t
        INNER JOIN touched_days AS d ON d.day_on >= DATE(t.from_at)
        INNER JOIN pricing_snapshots_clean AS c FORCE INDEX (pricing_snapshots_clean_series_idx)
            ON
                c.client_id IS NULL
                AND c.pool_id = t.pool_id
                AND c.day_on = d.day_on
                AND c.bucket_at >= t.from_at
        WHERE t.seq >= v_first AND t.seq < v_first + p_batch_rows AND c.is_discrepant = 0;

        INSERT INTO found_gaps (
            client_id, pool_id, last_point_at, next_point_at, last_price, next_price, step_count
        )
        SELECT
            n.client_id,
            n.pool_id,
            n.bucket_at,
            n.next_at,
            n.price_usd_per_hour,
            n.next_price,
            TIMESTAMPDIFF(MINUTE, n.bucket_at, n.next_at) DIV 5
        FROM (
            SELECT
                p.client_id,
                p.pool_id,
                p.bucket_at,
                p.price_usd_per_hour,
                LEAD(p.bucket_at) OVER (
                    PARTITION BY p.client_id, p.pool_id ORDER BY p.bucket_at ASC
                ) AS next_at,
                LEAD(p.price_usd_per_hour) OVER (
                    PARTITION BY p.client_id, p.pool_id ORDER BY p.bucket_at ASC
                ) AS next_price
            FROM series_points AS p
        ) AS n
        WHERE n.next_at > TIMESTAMPADD(MINUTE, 10, n.bucket_at);

        DELETE f
        FROM touched_series AS t
        STRAIGHT_JOIN pricing_snapshots_interpolated AS f
            ON f.client_id = t.client_id AND f.pool_id = t.pool_id AND f.bucket_at > t.from_at
        LEFT JOIN found_gaps AS g
            ON
                g.client_id = f.client_id
                AND g.pool_id = f.pool_id
                AND g.last_point_at = f.before_at
                AND g.next_point_at = f.after_at
                AND g.last_price = f.before_price_usd_per_hour
                AND g.next_price = f.after_price_usd_per_hour
        WHERE
            t.seq >= v_first
            AND t.seq < v_first + p_batch_rows
            AND f.method = 'linear'
            AND g.client_id IS NULL;

        DELETE f
        FROM series_points AS p
        STRAIGHT_JOIN pricing_snapshots_interpolated AS f
            ON
                f.client_id = p.client_id
                AND f.pool_id = p.pool_id
                AND f.day_on = DATE(p.bucket_at)
                AND f.bucket_at = p.bucket_at;

        -- IGNORE: what EC2's own record says of a bucket stays.
        INSERT IGNORE INTO pricing_snapshots_interpolated (
            client_id, pool_id, day_on, bucket_at, price_usd_per_hour, method, before_at,
            before_price_usd_per_hour, after_at, after_price_usd_per_hour, filled_at
        )
        SELECT
            g.client_id,
            g.pool_id,
            DATE(TIMESTAMPADD(MINUTE, 5 * k.step, g.last_point_at)),
            TIMESTAMPADD(MINUTE, 5 * k.step, g.last_point_at),
            ROUND(
                (g.last_price * (g.step_count - k.step) + g.next_price * k.step) / g.step_count, 6
            ),
            'linear',
            g.last_point_at,
            g.last_price,
            g.next_point_at,
            g.next_price,
            p_now
        FROM found_gaps AS g
        INNER JOIN (
            SELECT 1 AS step
            UNION ALL SELECT 2
            UNION ALL SELECT 3
            UNION ALL SELECT 4
            UNION ALL SELECT 5
        ) AS k ON k.step < g.step_count
        WHERE g.step_count <= 6;

        INSERT INTO pricing_data_gaps (
            client_id, pool_id, last_point_at, next_point_at, status, next_ask_at, created_at
        )
        SELECT
            g.client_id,
            g.pool_id,
            g.last_point_at,
            g.next_point_at,
            'open',
            p_now,
            p_now
        FROM found_gaps AS g
        WHERE g.step_count > 6
        ORDER BY g.client_id ASC, g.pool_id ASC, g.last_point_at ASC
        ON DUPLICATE KEY UPDATE
            ask_count = IF(pricing_data_gaps.outcome = 'data', 0, pricing_data_gaps.ask_count),
            next_ask_at = IF(
                pricing_data_gaps.outcome = 'data',
                VALUES(next_ask_at),
                pricing_data_gaps.next_ask_at
            ),
            status = IF(pricing_data_gaps.outcome = 'data', 'open', pricing_data_gaps.status),
            ended_at = IF(pricing_data_gaps.outcome = 'data', NULL, pricing_data_gaps.ended_at),
            outcome = IF(pricing_data_gaps.outcome = 'data', NULL, pricing_data_gaps.outcome);

        -- A part of a gap whose history had been fetched before the rest was observed.
        UPDATE found_gaps AS g
        STRAIGHT_JOIN pricing_data_gaps AS o
            ON
                o.client_id = g.client_id
                AND o.pool_id = g.pool_id
                AND o.last_point_at = g.last_point_at
                AND o.next_point_at = g.next_point_at
        SET
            o.status = 'closed',
            o.outcome = 'history',
            o.ended_at = p_now
        WHERE
            o.status IN ('open', 'asked')
            AND g.step_count - 1 = (
                SELECT COUNT(*)
                FROM pricing_snapshots_interpolated AS f
                WHERE
                    f.client_id = o.client_id
                    AND f.pool_id = o.pool_id
                    AND f.day_on BETWEEN DATE(o.last_point_at) AND DATE(o.next_point_at)
                    AND f.bucket_at > o.last_point_at
                    AND f.bucket_at < o.next_point_at
                    AND f.method = 'history'
            );

        UPDATE touched_series AS t
        STRAIGHT_JOIN pricing_data_gaps AS o
            ON o.client_id = t.client_id AND o.pool_id = t.pool_id
        LEFT JOIN found_gaps AS g
            ON
                g.client_id = o.client_id
                AND g.pool_id = o.pool_id
                AND g.last_point_at = o.last_point_at
                AND g.next_point_at = o.next_point_at
        SET
            o.status = 'closed',
            o.outcome = 'data',
            o.ended_at = p_now
        WHERE
            t.seq >= v_first
            AND t.seq < v_first + p_batch_rows
            AND o.last_point_at >= t.from_at
            AND o.status IN ('open', 'asked')
            AND g.client_id IS NULL;

        SELECT p_row_count + COALESCE(SUM(IF(g.step_count <= 6, g.step_count - 1, 1)), 0)
        INTO p_row_count
        FROM found_gaps AS g;
        COMMIT;
        SET v_first = v_first + p_batch_rows;
    END WHILE;

    DROP TEMPORARY TABLE IF EXISTS touched_series;
    DROP TEMPORARY TABLE IF EXISTS touched_days;
    DROP TEMPORARY TABLE IF EXISTS series_points;
    DROP TEMPORARY TABLE IF EXISTS found_gaps;
END
