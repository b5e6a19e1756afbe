-- Refresh what is known about the pools that clients heard of within 24 hours: the row of the UTC
-- day (yesterday's until 01:00, so that it ends complete) and the row of the hour, with the chance
-- of losing an instance there within an hour. A loss is an incident of 30 minutes, for instances of
-- one pool go together; a client counts its own incidents, and of others' those that two clients
-- met, so that no single one can talk a pool down. Capacity errors concern only who met them. The
-- formula is backend/sef/risk.py's, which the tests hold against this.
-- kind: sealed
-- caller: repositories.pool_reliability.refresh_pool_reliability, and the event
-- evt_refresh_pool_reliability
-- locks: pool_reliability_metrics, then pool_risk_analysis, p_batch_rows pools in a transaction
-- result: p_row_count, the pools looked at, once for each client
CREATE PROCEDURE refresh_pool_reliability(
    IN p_now DATETIME(3),
    IN p_batch_rows INT,
    OUT p_row_count BIGINT
)
SQL SECURITY INVOKER
BEGIN
    DECLARE v_first INT DEFAULT 1;
    DECLARE v_last INT DEFAULT 0;
    DECLARE v_day_at DATETIME(3) DEFAULT DATE(TIMESTAMPADD(HOUR, -1, p_now));
    DECLARE v_day_end DATETIME(3) DEFAULT TIMESTAMPADD(DAY, 1, v_day_at);
    DECLARE v_hour_at DATETIME(3)
        DEFAULT TIMESTAMPADD(HOUR, HOUR(p_now), CAST(DATE(p_now) AS DATETIME(3)));
    DECLARE v_fresh_after DATETIME(3) DEFAULT TIMESTAMPADD(HOUR, -24, p_now);
    DECLARE v_losses_after DATETIME(3) DEFAULT TIMESTAMPADD(DAY, -30, p_now);
    DECLARE v_from_at DATETIME(3) DEFAULT LEAST(v_day_at, v_fresh_after);
    DECLARE EXIT HANDLER FOR SQLEXCEPTION
    BEGIN
        ROLLBACK;
        RESIGNAL;
    END;

    DROP TEMPORARY TABLE IF EXISTS watched_pools;
    DROP TEMPORARY TABLE IF EXISTS watched_days;
    DROP TEMPORARY TABLE IF EXISTS incidents;
    DROP TEMPORARY TABLE IF EXISTS shared_incidents;
    DROP TEMPORARY TABLE IF EXISTS pool_incidents;
    DROP TEMPORARY TABLE IF EXISTS loss_facts;
    DROP TEMPORARY TABLE IF EXISTS trouble_facts;
    DROP TEMPORARY TABLE IF EXISTS recent_points;
    DROP TEMPORARY TABLE IF EXISTS price_facts;
    CREATE TEMPORARY TABLE watched_pools (
        seq INT NOT NULL AUTO_INCREMENT,
        client_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
        pool_id BIGINT NOT NULL,
        price_usd_per_hour DECIMAL(12, 6) NOT NULL,
        ondemand_price_usd_per_hour DECIMAL(12, 6) NULL,
        PRIMARY KEY (seq),
        UNIQUE KEY (client_id, pool_id)
    ) ENGINE = InnoDB;
    CREATE TEMPORARY TABLE watched_days (
        day_on DATE NOT NULL,
        PRIMARY KEY (day_on)
    ) ENGINE = InnoDB;
    CREATE TEMPORARY TABLE incidents (
        pool_id BIGINT NOT NULL,
        slot BIGINT NOT NULL,
        client_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
        occurred_at DATETIME(3) NOT NULL,
        PRIMARY KEY (pool_id, slot, client_id),
        KEY (client_id, pool_id)
    ) ENGINE = InnoDB;
    CREATE TEMPORARY TABLE shared_incidents (
        pool_id BIGINT NOT NULL,
        slot BIGINT NOT NULL,
        occurred_at DATETIME(3) NOT NULL,
        PRIMARY KEY (pool_id, slot)
    ) ENGINE = InnoDB;
    CREATE TEMPORARY TABLE pool_incidents (
        client_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
        pool_id BIGINT NOT NULL,
        slot BIGINT NOT NULL,
        occurred_at DATETIME(3) NOT NULL,
        PRIMARY KEY (client_id, pool_id, slot)
    ) ENGINE = InnoDB;
    CREATE TEMPORARY TABLE loss_facts (
        client_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
        pool_id BIGINT NOT NULL,
        loss_count INT NOT NULL,
        decayed_count DOUBLE NOT NULL,
        last_loss_at DATETIME(3) NOT NULL,
        day_count INT NOT NULL,
        PRIMARY KEY (client_id, pool_id)
    ) ENGINE = InnoDB;
    CREATE TEMPORARY TABLE trouble_facts (
        client_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
        pool_id BIGINT NOT NULL,
        decayed_capacity_count DOUBLE NOT NULL,
        day_rebalance_count INT NOT NULL,
        day_capacity_count INT NOT NULL,
        PRIMARY KEY (client_id, pool_id)
    ) ENGINE = InnoDB;
    CREATE TEMPORARY TABLE recent_points (
        client_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
        pool_id BIGINT NOT NULL,
        bucket_at DATETIME(3) NOT NULL,
        price_usd_per_hour DECIMAL(12, 6) NOT NULL,
        PRIMARY KEY (client_id, pool_id, bucket_at)
    ) ENGINE = InnoDB;
    CREATE TEMPORARY TABLE price_facts (
        client_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
        pool_id BIGINT NOT NULL,
        volatility DOUBLE NULL,
        day_point_count INT NOT NULL,
        day_average DECIMAL(12, 6) NULL,
        day_lowest DECIMAL(12, 6) NULL,
        day_highest DECIMAL(12, 6) NULL,
        day_volatility DOUBLE NULL,
        PRIMARY KEY (client_id, pool_id)
    ) ENGINE = InnoDB;

    INSERT INTO watched_pools (
        client_id, pool_id, price_usd_per_hour, ondemand_price_usd_per_hour
    )
    SELECT
        v.client_id,
        v.pool_id,
        v.price_usd_per_hour,
        (
            SELECT o.price_usd_per_hour
            FROM ondemand_price_snapshots AS o
            WHERE
                o.client_id = v.client_id
                AND o.region = p.region
                AND o.instance_type = p.instance_type
            ORDER BY o.bucket_at DESC
            LIMIT 1
        )
    FROM pool_prices AS v
    INNER JOIN spot_pools AS p ON p.id = v.pool_id
    WHERE v.reported_at > v_fresh_after
    ORDER BY v.client_id ASC, v.pool_id ASC;
    SET p_row_count = ROW_COUNT();

    WHILE DATE(v_from_at) <= DATE(TIMESTAMPADD(DAY, 1, p_now)) DO
        INSERT INTO watched_days (day_on) VALUES (DATE(v_from_at));
        SET v_from_at = TIMESTAMPADD(DAY, 1, v_from_at);
    END WHILE;
    SET v_from_at = LEAST(v_day_at, v_fresh_after);

    INSERT INTO incidents (pool_id, slot, client_id, occurred_at)
    SELECT
        c.pool_id,
        TIMESTAMPDIFF(SECOND, '1970-01-01', c.occurred_at) DIV 1800 AS slot,
        c.client_id,
        MAX(c.occurred_at)
    FROM pool_cooldowns AS c
    WHERE
        c.reason = 'interruption'
        AND c.occurred_at > v_losses_after
        AND c.occurred_at <= p_now
    GROUP BY c.pool_id, slot, c.client_id;

    INSERT INTO shared_incidents (pool_id, slot, occurred_at)
    SELECT
        i.pool_id,
        i.slot,
        MAX(i.occurred_at)
    FROM incidents AS i
    GROUP BY i.pool_id, i.slot
    HAVING COUNT(*) >= 2;

    INSERT INTO pool_incidents (client_id, pool_id, slot, occurred_at)
    SELECT
        w.client_id,
        w.pool_id,
        i.slot,
        i.occurred_at
    FROM watched_pools AS w
    INNER JOIN incidents AS i ON i.client_id = w.client_id AND i.pool_id = w.pool_id;

    -- IGNORE: what the client met itself stays.
    INSERT IGNORE INTO pool_incidents (client_id, pool_id, slot, occurred_at)
    SELECT
        w.client_id,
        w.pool_id,
        i.slot,
        i.occurred_at
    FROM watched_pools AS w
    INNER JOIN shared_incidents AS i ON i.pool_id = w.pool_id;

    INSERT INTO loss_facts (
        client_id, pool_id, loss_count, decayed_count, last_loss_at, day_count
    )
    SELECT
        i.client_id,
        i.pool_id,
        COUNT(*),
        SUM(EXP(-LN(2) * TIMESTAMPDIFF(SECOND, i.occurred_at, p_now) / (7 * 86400))),
        MAX(i.occurred_at),
        SUM(i.occurred_at >= v_day_at AND i.occurred_at < v_day_end)
    FROM pool_incidents AS i
    GROUP BY i.client_id, i.pool_id;

    INSERT INTO trouble_facts (
        client_id, pool_id, decayed_capacity_count, day_rebalance_count, day_capacity_count
    )
    SELECT
        c.client_id,
        c.pool_id,
        SUM(
            IF(
                c.reason = 'capacity' AND c.occurred_at > v_fresh_after,
                EXP(-LN(2) * TIMESTAMPDIFF(SECOND, c.occurred_at, p_now) / (3 * 3600)),
                0
            )
        ),
        SUM(
            c.reason = 'rebalance' AND c.occurred_at >= v_day_at AND c.occurred_at < v_day_end
        ),
        SUM(c.reason = 'capacity' AND c.occurred_at >= v_day_at AND c.occurred_at < v_day_end)
    FROM pool_cooldowns AS c
    WHERE c.occurred_at > v_from_at AND c.occurred_at <= p_now AND c.reason <> 'interruption'
    GROUP BY c.client_id, c.pool_id;

    SELECT COALESCE(MAX(w.seq), 0) INTO v_last FROM watched_pools AS w;
    WHILE v_first <= v_last DO
        START TRANSACTION;
        DELETE FROM recent_points;
        DELETE FROM price_facts;

        INSERT INTO recent_points (client_id, pool_id, bucket_at, price_usd_per_hour)
        SELECT
            w.client_id,
            w.pool_id,
            c.bucket_at,
            c.price_usd_per_hour
        FROM watched_pools AS w
        CROSS JOIN watched_days AS d
        INNER JOIN pricing_snapshots_clean AS c FORCE INDEX (pricing_snapshots_clean_series_idx)
            ON c.client_id = w.client_id AND c.pool_id = w.pool_id AND c.day_on = d.day_on
        WHERE
            w.seq >= v_first AND w.seq < v_first + p_batch_rows AND c.bucket_at >= v_from_at;

        INSERT IGNORE INTO recent_points (client_id, pool_id, bucket_at, price_usd_per_hour)
        SELECT
            w.client_id,
            w.pool_id,
            c.bucket_at,
            c.price_usd_per_hour
        FROM watched_pools AS w
        CROSS JOIN watched_days AS d
        INNER JOIN pricing_snapshots_clean AS c FORCE INDEX (pricing_snapshots_clean_series_idx)
            ON c.client_id IS NULL AND c.pool_id = w.pool_id AND c.day_on = d.day_on
        WHERE
            w.seq >= v_first
            AND w.seq < v_first + p_batch_rows
            AND c.bucket_at >= v_from_at
            AND c.is_discrepant = 0;

        INSERT INTO price_facts (
            client_id, pool_id, volatility, day_point_count, day_average, day_lowest,
            day_highest, day_volatility
        )
        SELECT
            r.client_id,
            r.pool_id,
            STDDEV_POP(IF(r.bucket_at > v_fresh_after, r.price_usd_per_hour, NULL))
            / AVG(IF(r.bucket_at > v_fresh_after, r.price_usd_per_hour, NULL)),
            SUM(r.bucket_at >= v_day_at AND r.bucket_at < v_day_end),
            ROUND(
                AVG(
                    IF(
                        r.bucket_at >= v_day_at AND r.bucket_at < v_day_end,
                        r.price_usd_per_hour,
                        NULL
                    )
                ), 6
            ),
            MIN(
                IF(
                    r.bucket_at >= v_day_at AND r.bucket_at < v_day_end,
                    r.price_usd_per_hour,
                    NULL
                )
            ),
            MAX(
                IF(
                    r.bucket_at >= v_day_at AND r.bucket_at < v_day_end,
                    r.price_usd_per_hour,
                    NULL
                )
            ),
            STDDEV_POP(
                IF(
                    r.bucket_at >= v_day_at AND r.bucket_at < v_day_end,
                    r.price_usd_per_hour,
                    NULL
                )
            ) / AVG(
                IF(
                    r.bucket_at >= v_day_at AND r.bucket_at < v_day_end,
                    r.price_usd_per_hour,
                    NULL
                )
            )
        FROM recent_points AS r
        GROUP BY r.client_id, r.pool_id;

        INSERT INTO pool_reliability_metrics (
            client_id, pool_id, period_start, period_end, loss_count, rebalance_count,
            capacity_error_count, point_count, average_price_usd_per_hour,
            lowest_price_usd_per_hour, highest_price_usd_per_hour, volatility_ratio, computed_at
        )
        SELECT
            w.client_id,
            w.pool_id,
            v_day_at,
            v_day_end,
            COALESCE(l.day_count, 0),
            COALESCE(t.day_rebalance_count, 0),
            COALESCE(t.day_capacity_count, 0),
            COALESCE(f.day_point_count, 0),
            f.day_average,
            f.day_lowest,
            f.day_highest,
            ROUND(LEAST(f.day_volatility, 999), 6),
            p_now
        FROM watched_pools AS w
        LEFT JOIN loss_facts AS l ON l.client_id = w.client_id AND l.pool_id = w.pool_id
        LEFT JOIN trouble_facts AS t ON t.client_id = w.client_id AND t.pool_id = w.pool_id
        LEFT JOIN price_facts AS f ON f.client_id = w.client_id AND f.pool_id = w.pool_id
        WHERE w.seq >= v_first AND w.seq < v_first + p_batch_rows
        ON DUPLICATE KEY UPDATE
            loss_count = VALUES(loss_count),
            rebalance_count = VALUES(rebalance_count),
            capacity_error_count = VALUES(capacity_error_count),
            point_count = VALUES(point_count),
            average_price_usd_per_hour = VALUES(average_price_usd_per_hour),
            lowest_price_usd_per_hour = VALUES(lowest_price_usd_per_hour),
            highest_price_usd_per_hour = VALUES(highest_price_usd_per_hour),
            volatility_ratio = VALUES(volatility_ratio),
            computed_at = VALUES(computed_at);

        INSERT INTO pool_risk_analysis (
            client_id, pool_id, analysed_at, computed_at, loss_count, decayed_loss_count,
            last_loss_at, decayed_capacity_error_count, price_usd_per_hour,
            ondemand_price_usd_per_hour, volatility_ratio, risk_score, recommendation
        )
        SELECT
            s.client_id,
            s.pool_id,
            v_hour_at,
            p_now,
            s.loss_count,
            s.losses,
            s.last_loss_at,
            s.capacity_errors,
            s.price_usd_per_hour,
            s.ondemand_price_usd_per_hour,
            s.volatility,
            ROUND(s.risk, 4),
            CASE WHEN s.risk >= 0.3 THEN 'avoid' WHEN s.risk >= 0.05 THEN 'caution' ELSE 'safe' END
        FROM (
            SELECT
                h.client_id,
                h.pool_id,
                h.loss_count,
                h.losses,
                h.last_loss_at,
                h.capacity_errors,
                h.price_usd_per_hour,
                h.ondemand_price_usd_per_hour,
                h.volatility,
                1 - EXP(
                    -(
                        6e-1 / (h.age_hours + 1e0 / 3)
                        * (5e-1 + 5e-1 * LEAST(h.losses, 7))
                        * (1 + 2 * h.pressure + 5e-1 * LEAST(COALESCE(h.volatility, 0) / 1e-1, 1))
                        + 2e-2 * h.pressure
                        + 5e-2 * LEAST(h.capacity_errors, 4)
                    )
                ) AS risk
            FROM (
                SELECT
                    w.client_id,
                    w.pool_id,
                    w.price_usd_per_hour,
                    w.ondemand_price_usd_per_hour,
                    COALESCE(l.loss_count, 0) AS loss_count,
                    ROUND(COALESCE(l.decayed_count, 0), 6) AS losses,
                    l.last_loss_at,
                    COALESCE(
                        LEAST(TIMESTAMPDIFF(SECOND, l.last_loss_at, p_now) / 36e2, 720), 720
                    ) AS age_hours,
                    ROUND(COALESCE(t.decayed_capacity_count, 0), 6) AS capacity_errors,
                    COALESCE(
                        GREATEST(
                            LEAST(
                                (w.price_usd_per_hour / w.ondemand_price_usd_per_hour - 0.5) / 0.5,
                                1
                            ),
                            0
                        ), 0
                    ) AS pressure,
                    ROUND(LEAST(f.volatility, 999), 6) AS volatility
                FROM watched_pools AS w
                LEFT JOIN loss_facts AS l ON l.client_id = w.client_id AND l.pool_id = w.pool_id
                LEFT JOIN trouble_facts AS t
                    ON t.client_id = w.client_id AND t.pool_id = w.pool_id
                LEFT JOIN price_facts AS f ON f.client_id = w.client_id AND f.pool_id = w.pool_id
                WHERE w.seq >= v_first AND w.seq < v_first + p_batch_rows
            ) AS h
        ) AS s
        ON DUPLICATE KEY UPDATE
            computed_at = VALUES(computed_at),
            loss_count = VALUES(loss_count),
            decayed_loss_count = VALUES(decayed_loss_count),
            last_loss_at = VALUES(last_loss_at),
            decayed_capacity_error_count = VALUES(decayed_capacity_error_count),
            price_usd_per_hour = VALUES(price_usd_per_hour),
            ondemand_price_usd_per_hour = VALUES(ondemand_price_usd_per_hour),
            volatility_ratio = VALUES(volatility_ratio),
            risk_score = VALUES(risk_score),
            recommendation = VALUES(recommendation);
        COMMIT;
        SET v_first = v_first + p_batch_rows;
    END WHILE;

    DROP TEMPORARY TABLE IF EXISTS watched_pools;
    DROP TEMPORARY TABLE IF EXISTS watched_days;
    DROP TEMPORARY TABLE IF EXISTS incidents;
    DROP TEMPORARY TABLE IF EXISTS shared_incidents;
    DROP TEMPORARY TABLE IF EXISTS pool_incidents;
    DROP TEMPORARY TABLE IF EXISTS loss_facts;
    DROP TEMPORARY TABLE IF EXISTS trouble_facts;
    DROP TEMPORARY TABLE IF EXISTS recent_points;
    DROP TEMPORARY TABLE IF EXISTS price_facts;
END
