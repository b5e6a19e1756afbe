"""Whatever is sent: a JSON answer that names the fault, and nothing half-written."""

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.contract.orders import order_switch, registered, registration
from tests.contract.serving import Tenant, World, blamed

HUGE = "x" * 100_000
CONTROL = "a\u0000b\u001bc"
DEEP = "[" * 500 + "]" * 500
MACHINE = {"instance_id": "i-0aaa", "instance_type": "m5.large", "region": "us-east-1"}
# Every route with a body, and a body that it accepts.
GOOD: dict[str, dict[str, Any]] = {
    "register": registration("i-0aaa"),
    "@agent/heartbeat": {"status": "online", "instance_id": "i-0aaa"},
    "@agent/cleanup-report": {"timestamp": "2026-03-02T11:59:00Z"},
    "@agent/pricing-report": {"instance": MACHINE, "pricing": {"spot_pools": []}},
    "@agent/switch-report": {
        "old_instance": MACHINE,
        "new_instance": {**MACHINE, "instance_id": "i-0bbb"},
    },
    "@agent/commands/@command/executed": {"success": True},
    "@agent/mark-command-executed": {"command_id": "@command"},
    "@agent/issue-switch-command": {"target_mode": "ondemand"},
    "@agent/sync": {"instance_id": "i-0aaa"},
}
EVERY_ROUTE = sorted(GOOD)


class Target:
    """An agent with a leased command, and the routes that speak of it."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.agent = registered(world)
        self.command_id = order_switch(world.alpha, self.agent.agent_id)
        self.agent.poll()

    def post(self, route: str, body: Any = None, **options: Any):
        path = route.replace("@agent", str(self.agent.agent_id))
        if isinstance(body, dict) and body.get("command_id") == "@command":
            body = {**body, "command_id": self.command_id}
        return self.world.alpha.post(
            f"agents/{path.replace('@command', self.command_id)}",
            body,
            instance="i-0aaa" if route.endswith("sync") else None,
            **options,
        )

    def refuses(self, route: str, body: Any = None, status: int = 400, **options: Any):
        before = self.world.fingerprint()
        answer = self.post(route, body, **options)
        assert answer.status_code == status, answer.text
        error = answer.json()
        assert set(error) == {"error", "code", "request_id", "details"}
        assert error["error"]
        assert self.world.fingerprint() == before
        return answer


@pytest.fixture
def target(world: World) -> Target:
    return Target(world)


def test_the_good_bodies_are_good(target: Target):
    for route, body in GOOD.items():
        if "switch" not in route:
            assert target.post(route, body).status_code == 200


@pytest.mark.parametrize("route", EVERY_ROUTE)
def test_what_is_not_json_is_refused(target: Target, route: str):
    for data in (
        b"{",
        b"nonsense",
        b'{"a": NaN}',
        b'{"a": 1} trailing',
        b'{"a": "\xff"}',
        b'{"a": "\\ud800"}',
        b"\xef\xbb\xbf{}",
        ("[" * 100_000).encode(),
    ):
        answer = target.refuses(route, data=data)
        assert answer.json()["code"] == "malformed_json", data[:20]


@pytest.mark.parametrize("route", EVERY_ROUTE)
def test_json_that_is_no_object_is_refused(target: Target, route: str):
    for body in ([], [{}], "text", 1, 1.5, True):
        assert "object" in target.refuses(route, body).json()["error"]
    assert "object" in target.refuses(route, data=b"null").json()["error"]
    assert "object" in target.refuses(route, data=DEEP.encode()).json()["error"]


@pytest.mark.parametrize("route", EVERY_ROUTE)
def test_another_content_type_is_refused(target: Target, route: str):
    answer = target.refuses(route, status=415, data=b"a=1", headers={"Content-Type": "text/plain"})

    assert answer.json()["code"] == "unsupported_media_type"


@pytest.mark.parametrize("route", EVERY_ROUTE)
def test_an_oversize_body_is_refused(target: Target, route: str):
    answer = target.refuses(route, status=413, data=b'{"a": "' + b"x" * 2_000_000 + b'"}')

    assert answer.json()["code"] == "body_too_large"


BAD_FIELDS: list[tuple[str, str, Any]] = [
    ("register", "instance_id", None),
    ("register", "instance_id", ""),
    ("register", "instance_id", "i 0"),
    ("register", "instance_id", "é-0aaa"),
    ("register", "instance_id", 5),
    ("register", "instance_id", ["i-0aaa"]),
    ("register", "instance_id", {"id": "i-0aaa"}),
    ("register", "instance_id", "i" * 65),
    ("register", "instance_id", CONTROL),
    ("register", "logical_agent_id", "w" * 256),
    ("register", "logical_agent_id", 7),
    ("register", "logical_agent_id", CONTROL),
    ("register", "hostname", HUGE),
    ("register", "hostname", "h" * 256),
    ("register", "hostname", []),
    ("register", "instance_type", "t" * 65),
    ("register", "region", "r" * 33),
    ("register", "region", {}),
    ("register", "az", "z" * 49),
    ("register", "az_id", "z" * 33),
    ("register", "account_id", "1" * 33),
    ("register", "ami_id", "a" * 65),
    ("register", "private_ip", "1" * 46),
    ("register", "public_ip", "1" * 46),
    ("register", "agent_version", "5" * 33),
    ("register", "mode", "Spot"),
    ("register", "mode", 1),
    ("register", "protocol", 3),
    ("register", "protocol", 6),
    ("register", "protocol", "five"),
    ("register", "protocol", None),
    ("register", "protocol", 10**30),
    ("register", "launch_tags", []),
    ("@agent/heartbeat", "status", None),
    ("@agent/heartbeat", "status", HUGE),
    ("@agent/heartbeat", "status", ["online"]),
    ("@agent/heartbeat", "instance_id", "i" * 65),
    ("@agent/heartbeat", "instance_id", 12),
    ("@agent/heartbeat", "mode", "moon"),
    ("@agent/heartbeat", "az", "z" * 49),
    ("@agent/heartbeat", "monitored_instances", "i-0aaa"),
    ("@agent/heartbeat", "monitored_instances", {"0": "i-0aaa"}),
    ("@agent/heartbeat", "monitored_instances", ["i-0aaa"] * 101),
    ("@agent/sync", "instance_id", None),
    ("@agent/sync", "config_version", -1),
    ("@agent/sync", "config_version", "one"),
    ("@agent/sync", "cpu_percent", -0.1),
    ("@agent/sync", "cpu_percent", 100.1),
    ("@agent/sync", "memory_percent", "much"),
    ("@agent/sync", "disk_percent", []),
    ("@agent/commands/@command/executed", "success", "yes"),
    ("@agent/commands/@command/executed", "success", 1),
    ("@agent/commands/@command/executed", "success", "true"),
    ("@agent/commands/@command/executed", "message", 5),
    ("@agent/commands/@command/executed", "message", "m" * 10_001),
    ("@agent/mark-command-executed", "command_id", None),
    ("@agent/mark-command-executed", "command_id", ""),
    ("@agent/mark-command-executed", "command_id", "c" * 37),
    ("@agent/mark-command-executed", "command_id", 17),
    ("@agent/mark-command-executed", "success", "yes"),
    ("@agent/pricing-report", "instance", None),
    ("@agent/pricing-report", "instance", "i-0aaa"),
    ("@agent/pricing-report", "instance", ["i-0aaa"]),
    ("@agent/pricing-report", "pricing", "cheap"),
    ("@agent/pricing-report", "on_demand_price", 0.096),
    ("@agent/pricing-report", "spot_pools", {"m5.large.us-east-1a": 0.1}),
    ("@agent/pricing-report", "spot_pools", [{}] * 1001),
    ("@agent/cleanup-report", "timestamp", "yesterday"),
    ("@agent/cleanup-report", "timestamp", "0001-01-01T00:00:00Z"),
    ("@agent/cleanup-report", "timestamp", "9999-12-31T23:59:59Z"),
    ("@agent/cleanup-report", "timestamp", "2026-02-30T00:00:00Z"),
    ("@agent/cleanup-report", "timestamp", []),
    ("@agent/cleanup-report", "snapshots", []),
    ("@agent/cleanup-report", "amis", "none"),
    ("@agent/issue-switch-command", "target_mode", 1),
    ("@agent/issue-switch-command", "target_pool_id", "p" * 129),
    ("@agent/issue-switch-command", "priority", "high"),
    ("@agent/issue-switch-command", "priority", 76),
    ("@agent/issue-switch-command", "priority", -1),
    ("@agent/issue-switch-command", "reason", CONTROL),
]


@pytest.mark.parametrize(("route", "field", "value"), BAD_FIELDS)
def test_a_bad_field_is_named_and_nothing_is_written(
    target: Target, route: str, field: str, value: Any
):
    answer = target.refuses(route, {**GOOD[route], field: value})

    assert {name.split(".")[0] for name in blamed(answer)} == {field}
    assert len(answer.content) < 5_000  # the sender's own text is not sent back


@pytest.mark.parametrize(
    ("route", "field"),
    [
        ("register", "instance_id"),
        ("@agent/sync", "instance_id"),
        ("@agent/mark-command-executed", "command_id"),
        ("@agent/pricing-report", "instance"),
        ("@agent/switch-report", "old_instance"),
        ("@agent/switch-report", "new_instance"),
        ("@agent/issue-switch-command", "target_mode"),
    ],
)
def test_a_missing_field_is_named(target: Target, route: str, field: str):
    body = {name: value for name, value in GOOD[route].items() if name != field}

    assert blamed(target.refuses(route, body)) == {field}


@pytest.mark.parametrize(
    ("field", "value", "allowed"),
    [
        ("instance_id", "i" * 65, "64"),
        ("logical_agent_id", "w" * 256, "255"),
        ("protocol", 6, "at most 5"),
        ("protocol", 3, "at least 4"),
        ("mode", "moon", "'spot', 'ondemand' or 'unknown'"),
    ],
)
def test_the_answer_tells_what_is_allowed(target: Target, field: str, value: Any, allowed: str):
    answer = target.refuses("register", {**GOOD["register"], field: value})

    assert allowed in json.dumps(answer.json()["details"])


@pytest.mark.parametrize("agent_id", ["None", "é", "a b", "%00", "x" * 36, "..%2f..", "'; --"])
def test_an_unknown_agent_is_not_found_whatever_its_name(target: Target, agent_id: str):
    for route in ("heartbeat", "switch-report", "pricing-report", "cleanup-report"):
        target.refuses(f"{agent_id}/{route}", GOOD[f"@agent/{route}"], status=404)
    for route in ("config", "pending-commands", "replica-config"):
        assert target.world.alpha.get(f"agents/{agent_id}/{route}").status_code == 404


@pytest.mark.parametrize("command_id", ["cmd-0001", "é", "%00", "1", "x" * 36])
def test_an_unknown_command_is_not_found_whatever_its_name(target: Target, command_id: str):
    target.refuses(f"@agent/commands/{command_id}/executed", {"success": True}, status=404)


def test_an_id_that_is_too_long_is_named(target: Target):
    for length in (37, 64, 5000):
        answer = target.refuses("x" * length + "/heartbeat", {})
        assert blamed(answer) == {"agent_id"}
        answer = target.refuses("@agent/commands/" + "x" * length + "/executed", {})
        assert blamed(answer) == {"command_id"}


def test_numbers_beyond_measure_are_refused(target: Target):
    for number in ("1e400", "-1e400", "1e308", "9" * 400, "-0.0001"):
        body = f'{{"instance_id": "i-0aaa", "cpu_percent": {number}}}'
        target.refuses("@agent/sync", data=body.encode())


@pytest.mark.parametrize("number", ["1e400", "1e308", "9" * 400, "-5", "1e-300"])
def test_a_price_beyond_measure_is_refused_alone_or_with_the_body(target: Target, number: str):
    pools = f'[{{"pool_id": "m5.large.us-east-1a", "price": {number}}}]'
    body = f'{{"instance": {json.dumps(MACHINE)}, "pricing": {{"spot_pools": {pools}}}}}'

    answer = target.post("@agent/pricing-report", data=body.encode())

    assert answer.status_code in (200, 400)
    assert target.world.rows("SELECT * FROM pool_prices") == []
    if answer.status_code == 200:
        assert [entry["field"] for entry in answer.json()["refused"]] == ["price"]


@pytest.mark.parametrize("route", ["heartbeat", "cleanup-report"])
def test_an_empty_body_is_an_empty_object(target: Target, route: str):
    for data in (b"", b"  \n", b"{}"):
        assert target.post(f"@agent/{route}", data=data).status_code == 200


def test_a_get_with_a_json_type_and_no_body_is_fine(target: Target):
    for route in ("config", "pending-commands", "replicas?status=launching", "replica-config"):
        answer = target.world.alpha.get(f"agents/{target.agent.agent_id}/{route}")
        assert answer.status_code == 200


def test_a_deep_unknown_field_is_passed_over(target: Target):
    deep = json.loads("[" * 200 + "]" * 200)

    for route in ("register", "@agent/heartbeat", "@agent/pricing-report", "@agent/cleanup-report"):
        assert target.post(route, {**GOOD[route], "extra": deep}).status_code == 200


def test_a_deep_known_field_is_kept_or_refused(target: Target):
    deep = json.loads("[" * 200 + "]" * 200)

    answer = target.refuses("@agent/cleanup-report", {"snapshots": {"deleted": deep}})

    assert any(name.startswith("snapshots.deleted") for name in blamed(answer))


def test_a_thousand_faults_are_not_all_listed(target: Target):
    answer = target.refuses("@agent/cleanup-report", {"snapshots": {"deleted": [1] * 9_000}})

    assert len(answer.content) < 10_000


def test_any_text_in_an_error_report_is_kept(target: Target):
    part = {"deleted": ["snap-1"], "failed": [{"id": "snap-2", "error": "é\u0000\n"}]}

    assert target.post("@agent/cleanup-report", {"snapshots": part}).status_code == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [("PUT", "register"), ("DELETE", "@agent/heartbeat"), ("POST", "@agent/config")],
)
def test_another_method_is_refused_in_json(target: Target, method: str, path: str):
    path = path.replace("@agent", str(target.agent.agent_id))

    answer = target.world.alpha.call(method, f"agents/{path}", {})

    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
    assert answer.headers["Allow"]


def test_an_address_that_does_not_exist_is_refused_in_json(alpha: Tenant):
    answer = alpha.post("agents/a/b/c/d", {})

    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_header_text_beyond_reason_is_refused(target: Target):
    for name in ("i" * 65, "i 0", "\x7f"):
        before = target.world.fingerprint()
        answer = target.world.alpha.post(
            f"agents/{target.agent.agent_id}/heartbeat", {}, instance=name
        )
        assert (answer.status_code, blamed(answer)) == (400, {"instance_id"})
        assert target.world.fingerprint() == before


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**60), 2**60)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
    | st.sampled_from(["unknown", "spot", "i-0aaa", "2026-03-02T11:00:00Z", "9999-01-01T00:00:00"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
FIELDS = {
    "register": [
        "instance_id", "logical_agent_id", "instance_type", "region", "az", "mode", "protocol",
        "launch_tags", "public_ip", "hostname", "az_id",
    ],
    "@agent/heartbeat": ["status", "instance_id", "instance_type", "az", "mode", "monitored_instances"],
    "@agent/sync": ["instance_id", "config_version", "cpu_percent"],
    "@agent/pricing-report": ["instance", "pricing", "on_demand_price", "spot_pools"],
    "@agent/switch-report": [
        "old_instance", "new_instance", "timing", "prices", "pricing", "trigger", "command_id",
        "snapshot",
    ],
    "@agent/cleanup-report": ["timestamp", "snapshots", "amis"],
    "@agent/issue-switch-command": ["target_mode", "target_pool_id", "priority", "reason"],
    "@agent/commands/@command/executed": ["success", "message"],
    "@agent/mark-command-executed": ["command_id", "success", "message"],
}  # fmt: skip


@st.composite
def mutilated(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """A route and a good body of it, some fields of which are anything at all."""
    route = draw(st.sampled_from(sorted(FIELDS)))
    names = draw(st.lists(st.sampled_from(FIELDS[route]), min_size=1, max_size=3, unique=True))
    return route, {**GOOD[route], **{name: draw(JSON) for name in names}}


@settings(
    max_examples=150,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(sent=mutilated())
def test_anything_at_all_is_answered_in_json_and_never_with_500(
    target: Target, sent: tuple[str, dict[str, Any]]
):
    route, body = sent
    before = target.world.contents()

    answer = target.post(route, body)

    assert answer.status_code in (200, 400, 404, 409), answer.text
    assert isinstance(answer.json(), dict)
    if answer.status_code != 200:
        assert answer.json()["error"]
        assert target.world.contents() == before
