"""An agent with everything that its page shows."""

from datetime import datetime, timedelta

from backend.db.database import Database
from tests.api.rows import rows

AGENT = "11111111-1111-4111-8111-111111111111"
NAME = 'web <b onmouseover="alert(1)">'
POOLS = ("eu-west-1a", "eu-west-1b", "eu-west-1c")


def make_agent(database: Database, client_id: str, now: datetime, *, name: str = NAME) -> str:
    """An online agent of protocol 5 on spot in eu-west-1a, with prices of three pools."""
    at, day_ago = _text(now), _text(now - timedelta(days=1))
    quoted = name.replace("\\", "\\\\").replace("'", "''")
    for sql in _AGENT.format(
        id=AGENT, client=client_id, now=at, day_ago=day_ago, name="@NAME@"
    ).split(";\n"):
        rows(database, sql.replace("@NAME@", quoted))
    for number, az in enumerate(POOLS, start=1):
        pool = f"({number}, '{client_id}', 'eu-west-1', '{az}', 'm5.large', '{at}')"
        rows(
            database,
            "INSERT INTO spot_pools (id, client_id, region, zone, instance_type, created_at)"
            f" VALUES {pool}",
        )
        rows(
            database,
            "INSERT INTO pool_prices (client_id, pool_id, az, price_usd_per_hour, observed_at,"
            f" reported_at) VALUES ('{client_id}', {number}, '{az}', 0.03{number}, '{at}', '{at}')",
        )
    return AGENT


def make_prices(
    database: Database, client_id: str, now: datetime, *, days: int, pools: int = 3
) -> int:
    """Clean prices every five minutes with a gap and filled points; return how many."""
    began = now - timedelta(days=days)
    count = days * 288
    for pool in range(1, pools + 1):
        rows(
            database,
            "INSERT INTO pricing_snapshots_clean (pool_id, bucket_at, scope, day_on, client_id,"
            " price_usd_per_hour, source, sample_count, report_count, spread_usd_per_hour,"
            f" is_discrepant, updated_at) SELECT {pool}, TIMESTAMPADD(MINUTE, 5 * n.i,"
            f" '{_text(began)}'), '{client_id}', DATE(TIMESTAMPADD(MINUTE, 5 * n.i,"
            f" '{_text(began)}')), '{client_id}', ROUND(0.03 + 0.004 * {pool} + 0.003 *"
            f" SIN(n.i / {90 + 40 * pool}) + 0.0006 * SIN(n.i * {pool}), 6), 'primary', 1, 1, 0,"
            f" n.i % 500 = 7, '{_text(now)}' FROM ({_count(count)}) AS n"
            f" WHERE NOT (n.i BETWEEN {count // 3} AND {count // 3 + count // 30})",
        )
    rows(
        database,
        "INSERT INTO pricing_snapshots_interpolated (client_id, pool_id, day_on, bucket_at,"
        " price_usd_per_hour, method, before_at, before_price_usd_per_hour, filled_at)"
        f" SELECT '{client_id}', 1, DATE(g.at), g.at, 0.034, 'history', g.at, 0.034,"
        f" '{_text(now)}' FROM (SELECT TIMESTAMPADD(MINUTE, 5 * ({count // 3} + n.i),"
        f" '{_text(began)}') AS at FROM ({_count(count // 60)}) AS n) AS g",
    )
    return count * pools


def _count(number: int) -> str:
    digits = " UNION ALL ".join(f"SELECT {digit} AS d" for digit in range(10))
    places = ("1", "10", "100", "1000", "10000")
    joined = " CROSS JOIN ".join(f"({digits}) AS p{place}" for place in places)
    value = " + ".join(f"p{place}.d * {place}" for place in places)
    return f"SELECT v.i FROM (SELECT {value} AS i FROM {joined}) AS v WHERE v.i < {number}"


def _text(instant: datetime) -> str:
    return instant.strftime("%Y-%m-%d %H:%M:%S")


_AGENT = """
INSERT INTO agents (id, client_id, logical_agent_id, status, primary_instance_id, epoch, created_at,
 updated_at) VALUES ('{id}', '{client}', '{name}', 'online', 'i-1', 7, '{day_ago}', '{now}');
INSERT INTO agent_configs (agent_id, manual_replica_enabled, auto_switch_enabled, updated_at)
 VALUES ('{id}', 1, 0, '{now}');
INSERT INTO instances (agent_id, instance_id, client_id, role, role_reason, protocol, mode,
 instance_type, region, az, hostname, agent_version, spot_price_usd_per_hour,
 ondemand_price_usd_per_hour, cpu_percent, launched_at, last_seen_at, role_changed_at) VALUES
 ('{id}', 'i-1', '{client}', 'primary', 'first', 5, 'spot', 'm5.large', 'eu-west-1', 'eu-west-1a',
 'web-1', '5.0.0', 0.0345, 0.096, 12.5, '{day_ago}', '{now}', '{day_ago}');
INSERT INTO instances (agent_id, instance_id, client_id, role, role_reason, protocol, mode,
 instance_type, region, az, launched_at, last_seen_at, role_changed_at) VALUES
 ('{id}', 'i-2', '{client}', 'replica', 'replica', 5, 'spot', 'm5.large', 'eu-west-1', 'eu-west-1b',
 '{now}', '{now}', '{now}');
INSERT INTO replica_instances (id, client_id, agent_id, kind, status, standby_slot, instance_id,
 instance_type, region, az, mode, pool_name, pools, protocol, sync_status, sync_progress_percent,
 price_usd_per_hour, created_by, confirmed_running_at, last_sync_at, created_at, launched_at,
 ready_at)
 VALUES ('r1', '{client}', '{id}', 'manual', 'ready', 1, 'i-2', 'm5.large', 'eu-west-1',
 'eu-west-1b', 'spot', 'm5.large.eu-west-1b', '["m5.large.eu-west-1b"]', 5, 'synced', 100, 0.032,
 'eve', '{now}', '{now}', '{now}', '{now}', '{now}');
INSERT INTO decision_engine_log (client_id, agent_id, instance_id, trigger_source, source,
 engine_type, engine_version, action, target_pool_id, risk_score, expected_savings_usd_per_hour,
 present_mode, input_data, output_decision, guard_outcome, guard, execution_time_ms, created_at)
 VALUES ('{client}', '{id}', 'i-1', 'job', 'rules', 'rules', '1.0', 'switch_spot',
 'm5.large.eu-west-1b', 0.0123, 0.0021, 'spot', '{{}}',
 '{{"reasons": ["The pool is cheaper by a tenth."]}}', 'refused',
 '[["too_soon", "The agent moved less than 2 h ago."]]', 3, '{now}');
INSERT INTO switches (id, client_id, agent_id, cause, status, old_mode, old_pool_id, new_mode,
 new_pool_id, reason, requested_at, cut_over_at, ended_at) VALUES ('s1', '{client}', '{id}',
 'manual', 'completed', 'ondemand', NULL, 'spot', 'm5.large.eu-west-1a', 'first move', '{day_ago}',
 '{day_ago}', '{day_ago}');
INSERT INTO system_events (event_type, severity, client_id, agent_id, message, created_at) VALUES
 ('agent_registered', 'info', '{client}', '{id}', 'The agent has registered', '{day_ago}')
""".strip()
