-- Keep one price report: the report itself, the instance's own prices, and one pending row that
-- unfold_price_reports spreads over the price tables within a minute, many reports at a time.
-- p_is_due = 1 brings the client's current prices up at once: the caller says so where it has not
-- done it lately, so that the first price of a pool is seen immediately.
-- kind: sealed
-- caller: repositories.price_reports.record_pricing_report
-- locks: instances, and where p_is_due pool_prices, ondemand_price_snapshots
-- p_entries is a JSON array of {"p": pool id, "z": AZ name, "c": price, "o": 1 for the reporter's
-- own pool}, ordered by pool id so that concurrent reports lock in one order.
-- result: is_known = 0 when the instance is not registered (nothing is kept); is_repeat = 1 when
-- this very report had been kept before.
CREATE PROCEDURE record_pricing_report(
    p_now DATETIME(3),
    p_client_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_agent_id VARCHAR(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_instance_id VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_observed_at DATETIME(3),
    p_bucket_at DATETIME(3),
    p_shared_slot VARCHAR(100) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_own_slot VARCHAR(100) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_region VARCHAR(32) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_instance_type VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_mode VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_ondemand_price DECIMAL(12, 6),
    p_ondemand_source VARCHAR(32) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_spot_price DECIMAL(12, 6),
    p_entries LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
    p_accepted_count INT,
    p_refused_count INT,
    p_is_due TINYINT
)
SQL SECURITY INVOKER
record_pricing_report: BEGIN
    DECLARE v_role VARCHAR(16) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT NULL;
    DECLARE EXIT HANDLER FOR SQLEXCEPTION
    BEGIN
        ROLLBACK;
        RESIGNAL;
    END;

    SELECT i.role
    INTO v_role
    FROM instances AS i
    WHERE
        i.agent_id = p_agent_id
        AND i.instance_id = p_instance_id
        AND i.client_id = p_client_id;

    IF v_role IS NULL THEN
        SELECT 0 AS is_known, 0 AS is_repeat;
        LEAVE record_pricing_report;
    END IF;

    START TRANSACTION;

    INSERT IGNORE INTO pricing_reports (
        agent_id, instance_id, observed_at, client_id, received_at,
        ondemand_price_usd_per_hour, spot_price_usd_per_hour, accepted_count, refused_count
    )
    VALUES (
        p_agent_id, p_instance_id, p_observed_at, p_client_id, p_now,
        p_ondemand_price, p_spot_price, p_accepted_count, p_refused_count
    );
    IF ROW_COUNT() = 0 THEN
        ROLLBACK;
        SELECT 1 AS is_known, 1 AS is_repeat;
        LEAVE record_pricing_report;
    END IF;

    -- An absent price says nothing: it never overwrites a known one.
    UPDATE instances
    SET
        ondemand_price_usd_per_hour = COALESCE(p_ondemand_price, ondemand_price_usd_per_hour),
        spot_price_usd_per_hour = COALESCE(p_spot_price, spot_price_usd_per_hour),
        mode = IF(mode = 'unknown', p_mode, mode),
        prices_at = p_observed_at
    WHERE
        agent_id = p_agent_id
        AND instance_id = p_instance_id
        AND COALESCE(prices_at, p_observed_at) <= p_observed_at;

    IF p_accepted_count > 0 OR p_ondemand_price IS NOT NULL THEN
        INSERT INTO pending_price_reports (
            client_id, agent_id, instance_id, own_source, observed_at, bucket_at, received_at,
            shared_slot, own_slot, region, instance_type, ondemand_price_usd_per_hour,
            ondemand_source, entries
        )
        VALUES (
            p_client_id, p_agent_id, p_instance_id,
            IF(v_role IN ('primary', 'replica'), v_role, 'other'), p_observed_at, p_bucket_at,
            p_now, p_shared_slot, p_own_slot, p_region, p_instance_type, p_ondemand_price,
            p_ondemand_source, p_entries
        );
    END IF;

    IF p_is_due = 1 AND p_accepted_count > 0 THEN
        INSERT INTO pool_prices (
            client_id, pool_id, az, price_usd_per_hour, observed_at, reported_at
        )
        SELECT
            p_client_id,
            e.pool_id,
            e.az,
            e.price_usd_per_hour,
            p_observed_at,
            p_now
        FROM JSON_TABLE(
            p_entries, '$[*]' COLUMNS (
                pool_id BIGINT PATH '$.p',
                az VARCHAR(48) CHARACTER SET utf8mb4 PATH '$.z',
                price_usd_per_hour DECIMAL(12, 6) PATH '$.c'
            )
        ) AS e
        ON DUPLICATE KEY UPDATE
            az = IF(VALUES(observed_at) >= pool_prices.observed_at, VALUES(az), pool_prices.az),
            price_usd_per_hour = IF(
                VALUES(observed_at) >= pool_prices.observed_at,
                VALUES(price_usd_per_hour),
                pool_prices.price_usd_per_hour
            ),
            reported_at = VALUES(reported_at),
            observed_at = GREATEST(VALUES(observed_at), pool_prices.observed_at);
    END IF;

    IF p_is_due = 1 AND p_ondemand_price IS NOT NULL THEN
        INSERT INTO ondemand_price_snapshots (
            client_id, region, instance_type, bucket_at, price_usd_per_hour, source, observed_at,
            agent_id
        )
        VALUES (
            p_client_id, p_region, p_instance_type, p_bucket_at, p_ondemand_price,
            p_ondemand_source, p_observed_at, p_agent_id
        )
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
    END IF;

    COMMIT;
    SELECT 1 AS is_known, 0 AS is_repeat;
END
