-- Spread the oldest pending reports over the price tables and forget them: raw rows within the
-- volume cap (a further report in a slot only counts), each client's newest price of a pool, and
-- the newest on-demand price of a bucket. In one transaction, so that each report counts once; a
-- report that another caller holds is left to it. The order in which reports are unfolded does not
-- matter, but for which of several gives a slot its price: the first.
-- kind: sealed
-- caller: repositories.price_reports.unfold_price_reports (repeated while p_limit were taken)
-- locks: pending_price_reports, spot_price_snapshots, pool_prices, ondemand_price_snapshots, the
-- rows of p_limit reports, in key order
-- result: p_report_count, the reports that were taken
CREATE PROCEDURE unfold_price_reports(
    IN p_limit INT,
    OUT p_report_count BIGINT
)
SQL SECURITY INVOKER
BEGIN
    DECLARE EXIT HANDLER FOR SQLEXCEPTION
    BEGIN
        ROLLBACK;
        RESIGNAL;
    END;

    DROP TEMPORARY TABLE IF EXISTS taken_reports;
    DROP TEMPORARY TABLE IF EXISTS unfolded_prices;
    CREATE TEMPORARY TABLE taken_reports (
        report_id BIGINT NOT NULL,
        PRIMARY KEY (report_id)
    ) ENGINE = InnoDB;
    CREATE TEMPORARY TABLE unfolded_prices (
        report_id BIGINT NOT NULL,
        place INT NOT NULL,
        client_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
        pool_id BIGINT NOT NULL,
        az VARCHAR(48) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
        bucket_at DATETIME(3) NOT NULL,
        reporter_slot VARCHAR(100) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
        price_usd_per_hour DECIMAL(12, 6) NOT NULL,
        observed_at DATETIME(3) NOT NULL,
        received_at DATETIME(3) NOT NULL,
        agent_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
        instance_id VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
        source VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
        PRIMARY KEY (report_id, place)
    ) ENGINE = InnoDB;

    START TRANSACTION;
    INSERT INTO taken_reports (report_id)
    SELECT r.id
    FROM pending_price_reports AS r
    ORDER BY r.id ASC
    LIMIT p_limit
    FOR UPDATE SKIP LOCKED;
    SET p_report_count = ROW_COUNT();

    INSERT INTO unfolded_prices (
        report_id, place, client_id, pool_id, az, bucket_at, reporter_slot, price_usd_per_hour,
        observed_at, received_at, agent_id, instance_id, source
    )
    SELECT
        r.id,
        e.place,
        r.client_id,
        e.pool_id,
        e.az,
        r.bucket_at,
        IF(e.is_own = 1 AND r.own_source <> 'other', r.own_slot, r.shared_slot),
        e.price_usd_per_hour,
        r.observed_at,
        r.received_at,
        r.agent_id,
        r.instance_id,
        IF(e.is_own = 1, r.own_source, 'other')
    FROM taken_reports AS t
    STRAIGHT_JOIN pending_price_reports AS r ON r.id = t.report_id
    STRAIGHT_JOIN clients AS c ON c.id = r.client_id
    STRAIGHT_JOIN JSON_TABLE(
        r.entries, '$[*]' COLUMNS (
            place FOR ORDINALITY,
            pool_id BIGINT PATH '$.p',
            az VARCHAR(48) CHARACTER SET utf8mb4 PATH '$.z',
            price_usd_per_hour DECIMAL(12, 6) PATH '$.c',
            is_own TINYINT PATH '$.o'
        )
    ) AS e
    STRAIGHT_JOIN spot_pools AS p ON p.id = e.pool_id;

    INSERT INTO spot_price_snapshots (
        client_id, pool_id, bucket_at, reporter_slot, price_usd_per_hour, observed_at, received_at,
        agent_id, instance_id, source, report_count
    )
    SELECT
        f.client_id,
        f.pool_id,
        f.bucket_at,
        f.reporter_slot,
        f.price_usd_per_hour,
        f.observed_at,
        f.received_at,
        f.agent_id,
        f.instance_id,
        f.source,
        f.report_count
    FROM (
        SELECT
            u.report_id,
            u.place,
            u.client_id,
            u.pool_id,
            u.bucket_at,
            u.reporter_slot,
            u.price_usd_per_hour,
            u.observed_at,
            u.received_at,
            u.agent_id,
            u.instance_id,
            u.source,
            ROW_NUMBER() OVER (
                PARTITION BY u.client_id, u.pool_id, u.bucket_at, u.reporter_slot
                ORDER BY u.report_id ASC, u.place ASC
            ) AS turn,
            COUNT(*) OVER (
                PARTITION BY u.client_id, u.pool_id, u.bucket_at, u.reporter_slot
            ) AS report_count
        FROM unfolded_prices AS u
    ) AS f
    WHERE f.turn = 1
    ORDER BY f.report_id ASC, f.place ASC
    ON DUPLICATE KEY UPDATE
        report_count = spot_price_snapshots.report_count + VALUES(report_count);

    INSERT INTO pool_prices (client_id, pool_id, az, price_usd_per_hour, observed_at, reported_at)
    SELECT
        f.client_id,
        f.pool_id,
        f.az,
        f.price_usd_per_hour,
        f.observed_at,
        f.reported_at
    FROM (
        SELECT
            u.client_id,
            u.pool_id,
            u.az,
            u.price_usd_per_hour,
            u.observed_at,
            ROW_NUMBER() OVER (
                PARTITION BY u.client_id, u.pool_id
                ORDER BY u.observed_at DESC, u.report_id DESC, u.place DESC
            ) AS turn,
            MAX(u.received_at) OVER (PARTITION BY u.client_id, u.pool_id) AS reported_at
        FROM unfolded_prices AS u
    ) AS f
    WHERE f.turn = 1
    ORDER BY f.client_id ASC, f.pool_id ASC
    ON DUPLICATE KEY UPDATE
        az = IF(VALUES(observed_at) >= pool_prices.observed_at, VALUES(az), pool_prices.az),
        price_usd_per_hour = IF(
            VALUES(observed_at) >= pool_prices.observed_at,
            VALUES(price_usd_per_hour),
            pool_prices.price_usd_per_hour
        ),
        reported_at = GREATEST(VALUES(reported_at), pool_prices.reported_at),
        observed_at = GREATEST(VALUES(observed_at), pool_prices.observed_at);

    INSERT INTO ondemand_price_snapshots (
        client_id, region, instance_type, bucket_at, price_usd_per_hour, source, observed_at,
        agent_id
    )
    SELECT
        f.client_id,
        f.region,
        f.instance_type,
        f.bucket_at,
        f.ondemand_price_usd_per_hour,
        f.ondemand_source,
        f.observed_at,
        f.agent_id
    FROM (
        SELECT
            r.client_id,
            r.region,
            r.instance_type,
            r.bucket_at,
            r.ondemand_price_usd_per_hour,
            r.ondemand_source,
            r.observed_at,
            r.agent_id,
            ROW_NUMBER() OVER (
                PARTITION BY r.client_id, r.region, r.instance_type, r.bucket_at
                ORDER BY r.observed_at DESC, r.id DESC
            ) AS turn
        FROM taken_reports AS t
        STRAIGHT_JOIN pending_price_reports AS r ON r.id = t.report_id
        STRAIGHT_JOIN clients AS c ON c.id = r.client_id
        WHERE r.ondemand_price_usd_per_hour IS NOT NULL
    ) AS f
    WHERE f.turn = 1
    ORDER BY f.client_id ASC, f.region ASC, f.instance_type ASC, f.bucket_at ASC
    ON DUPLICATE KEY UPDATE
        price_usd_per_hour = IF(
            VALUES(observed_at) >= ondemand_price_snapshots.observed_at,
            VALUES(price_usd_per_hour),
            ondemand_price_snapshots.price_usd_per_hour
        ),
        source = IF(
            VALUES(observed_at) >= ondemand_price_snapshots.observed_at,
            VALUES(source),
            ondemand_price_snapshots.source
        ),
        observed_at = GREATEST(VALUES(observed_at), ondemand_price_snapshots.observed_at);

    DELETE r
    FROM taken_reports AS t
    INNER JOIN pending_price_reports AS r ON r.id = t.report_id;
    COMMIT;

    DROP TEMPORARY TABLE IF EXISTS taken_reports;
    DROP TEMPORARY TABLE IF EXISTS unfolded_prices;
END
