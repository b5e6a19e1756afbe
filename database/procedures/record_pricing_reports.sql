-- Keep several price reports at once, as record_pricing_report does one that brings no current price
-- up; all of them or none.
-- kind: sealed
-- caller: repositories.price_reports.record_pricing_reports
-- locks: instances
-- p_reports is a JSON array, ordered by agent and instance so that two groups lock in one order;
-- each of its objects has the parameters of record_pricing_report under their names.
-- result: is_kept = 0 when one of them is not registered or was kept before: then nothing is kept,
-- and each has to be told by itself.
CREATE PROCEDURE record_pricing_reports(
    p_now DATETIME(3),
    p_reports LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin
)
SQL SECURITY INVOKER
record_pricing_reports: BEGIN
    DECLARE v_kept_count INT DEFAULT 0;
    DECLARE EXIT HANDLER FOR SQLEXCEPTION
    BEGIN
        ROLLBACK;
        RESIGNAL;
    END;

    START TRANSACTION;

    INSERT IGNORE INTO pricing_reports (
        agent_id, instance_id, observed_at, client_id, received_at,
        ondemand_price_usd_per_hour, spot_price_usd_per_hour, accepted_count, refused_count
    )
    SELECT
        i.agent_id, i.instance_id, r.observed_at, i.client_id, p_now,
        r.ondemand_price, r.spot_price, r.accepted_count, r.refused_count
    FROM JSON_TABLE(
        p_reports, '$[*]' COLUMNS (
            client_id VARCHAR(36) CHARACTER SET utf8mb4 PATH '$.client_id',
            agent_id VARCHAR(36) CHARACTER SET utf8mb4 PATH '$.agent_id',
            instance_id VARCHAR(64) CHARACTER SET utf8mb4 PATH '$.instance_id',
            observed_at DATETIME(3) PATH '$.observed_at',
            ondemand_price DECIMAL(12, 6) PATH '$.ondemand_price',
            spot_price DECIMAL(12, 6) PATH '$.spot_price',
            accepted_count INT PATH '$.accepted_count',
            refused_count INT PATH '$.refused_count'
        )
    ) AS r
    STRAIGHT_JOIN instances AS i
        ON
            i.agent_id = r.agent_id COLLATE utf8mb4_bin
            AND i.instance_id = r.instance_id COLLATE utf8mb4_bin
            AND i.client_id = r.client_id COLLATE utf8mb4_bin;
    SET v_kept_count = ROW_COUNT();
    IF v_kept_count <> JSON_LENGTH(p_reports) THEN
        ROLLBACK;
        SELECT 0 AS is_kept;
        LEAVE record_pricing_reports;
    END IF;

    -- An absent price says nothing: it never overwrites a known one.
    UPDATE JSON_TABLE(
        p_reports, '$[*]' COLUMNS (
            agent_id VARCHAR(36) CHARACTER SET utf8mb4 PATH '$.agent_id',
            instance_id VARCHAR(64) CHARACTER SET utf8mb4 PATH '$.instance_id',
            observed_at DATETIME(3) PATH '$.observed_at',
            ondemand_price DECIMAL(12, 6) PATH '$.ondemand_price',
            spot_price DECIMAL(12, 6) PATH '$.spot_price',
            mode VARCHAR(16) CHARACTER SET utf8mb4 PATH '$.mode'
        )
    ) AS r
    STRAIGHT_JOIN instances AS i
        ON
            i.agent_id = r.agent_id COLLATE utf8mb4_bin
            AND i.instance_id = r.instance_id COLLATE utf8mb4_bin
    SET
        i.ondemand_price_usd_per_hour = COALESCE(r.ondemand_price, i.ondemand_price_usd_per_hour),
        i.spot_price_usd_per_hour = COALESCE(r.spot_price, i.spot_price_usd_per_hour),
        i.mode = IF(i.mode = 'unknown', r.mode, i.mode),
        i.prices_at = r.observed_at
    WHERE COALESCE(i.prices_at, r.observed_at) <= r.observed_at;

    INSERT INTO pending_price_reports (
        client_id, agent_id, instance_id, own_source, observed_at, bucket_at, received_at,
        shared_slot, own_slot, region, instance_type, ondemand_price_usd_per_hour,
        ondemand_source, entries
    )
    SELECT
        i.client_id, i.agent_id, i.instance_id,
        IF(i.role IN ('primary', 'replica'), i.role, 'other'), r.observed_at, r.bucket_at, p_now,
        r.shared_slot, r.own_slot, r.region, r.instance_type, r.ondemand_price,
        r.ondemand_source, r.entries
    FROM JSON_TABLE(
        p_reports, '$[*]' COLUMNS (
            agent_id VARCHAR(36) CHARACTER SET utf8mb4 PATH '$.agent_id',
            instance_id VARCHAR(64) CHARACTER SET utf8mb4 PATH '$.instance_id',
            observed_at DATETIME(3) PATH '$.observed_at',
            bucket_at DATETIME(3) PATH '$.bucket_at',
            shared_slot VARCHAR(100) CHARACTER SET utf8mb4 PATH '$.shared_slot',
            own_slot VARCHAR(100) CHARACTER SET utf8mb4 PATH '$.own_slot',
            region VARCHAR(32) CHARACTER SET utf8mb4 PATH '$.region',
            instance_type VARCHAR(64) CHARACTER SET utf8mb4 PATH '$.instance_type',
            ondemand_price DECIMAL(12, 6) PATH '$.ondemand_price',
            ondemand_source VARCHAR(32) CHARACTER SET utf8mb4 PATH '$.ondemand_source',
            entries LONGTEXT CHARACTER SET utf8mb4 PATH '$.entries'
        )
    ) AS r
    STRAIGHT_JOIN instances AS i
        ON
            i.agent_id = r.agent_id COLLATE utf8mb4_bin
            AND i.instance_id = r.instance_id COLLATE utf8mb4_bin;

    COMMIT;
    SELECT 1 AS is_kept;
END
