"""Channels through the API: roles, secrets that stay inside, versions, pages, refusals."""

import pytest

from backend.config import load_settings
from backend.services.callers import Role
from tests.api.rows import rows
from tests.fakes.receivers import WebReceiver

CHANNELS = "/api/admin/channels"
SECRET = "T000/B000/hunter2"
SLACK = {"kind": "slack", "url": f"https://192.0.2.7/services/{SECRET}"}
MAIL = {
    "kind": "email",
    "host": "192.0.2.9",
    "username": "spot",
    "password": "hunter2",
    "sender": "spot@example.com",
    "recipients": ["ops@example.com"],
}


@pytest.fixture
def settings(tmp_path):
    return load_settings(
        {
            "SECRET_KEY": "only-for-these-tests",
            "LOCAL_DIR": str(tmp_path / "local"),
            "CHANNEL_ALLOWED_NETWORKS": "127.0.0.0/8",
        },
        None,
    )


def _create(http, admin, **over):
    body = {"name": "ops", "target": SLACK, **over}
    return http.post(CHANNELS, json=body, headers=admin)


def test_a_channel_lives_and_its_secrets_stay_inside(http, admin, database, caplog):
    answers = [_create(http, admin), _create(http, admin, name="mail", target=MAIL)]
    assert [answer.status_code for answer in answers] == [201, 201]
    path = f"{CHANNELS}/{answers[1].json['channel']['id']}"
    answers += [
        http.get(CHANNELS, headers=admin),
        http.get(path, headers=admin),
        http.patch(path, json={"target": {**MAIL, "password": "hunter2b"}}, headers=admin),
        http.patch(path, json={"min_severity": "error", "version": 2}, headers=admin),
        http.get(f"{path}/deliveries", headers=admin),
        http.delete(path, headers=admin),
    ]

    assert [answer.status_code for answer in answers[2:]] == [200] * 6
    assert answers[2].json["total"] == 2
    assert answers[0].json["channel"]["target"] == "https://192.0.2.7:443/***"
    assert answers[5].json["channel"]["version"] == 3
    stored = str(rows(database, "SELECT target_sealed, target_hint FROM notification_channels"))
    audited = rows(
        database,
        "SELECT action, details, actor_name, remote_address FROM audit_logs"
        " WHERE subject_type = 'notification_channel' ORDER BY id ASC",
    )
    told = "".join(answer.text for answer in answers) + stored + str(audited) + caplog.text
    assert "hunter2" not in told
    assert [row["action"] for row in audited] == [
        "channel_created", "channel_created", "channel_changed", "channel_changed", "channel_deleted"
    ]  # fmt: skip
    assert '"before"' in audited[3]["details"]
    assert all(row["remote_address"] for row in audited)


def test_repeated_calls_change_nothing_and_are_not_audited(http, admin, database):
    first = _create(http, admin)
    path = f"{CHANNELS}/{first.json['channel']['id']}"

    again = _create(http, admin)
    same = http.patch(path, json={"name": "ops", "target": SLACK}, headers=admin)
    other = _create(http, admin, batch_seconds=1)
    stale = http.patch(path, json={"name": "x", "version": 9}, headers=admin)

    assert (again.status_code, again.json["channel"]) == (200, first.json["channel"])
    assert same.json["channel"]["version"] == 1
    assert (other.status_code, other.json["code"]) == (409, "already_exists")
    assert (stale.status_code, stale.json["code"]) == (409, "stale_version")
    assert len(rows(database, "SELECT id FROM audit_logs WHERE action LIKE 'channel%%'")) == 1


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest/meta-data",
        "http://[fe80::1]/",
        "http://[fd00:ec2::254]/",
        "http://[::ffff:169.254.169.254]/",
        "http://[64:ff9b::a9fe:a9fe]/",
        "http://[::1]/",
        "http://0.0.0.0/",
        "http://0xa9fea9fe/",
        "http://2852039166/",
        "http://nowhere.invalid/",
        "ftp://192.0.2.1/",
        "http:///x",
        "http://192.0.2.1:99999/",
        "http://192.0.2.1/\nX: y",
        "x",
    ],
)
def test_target_that_must_not_be_spoken_to_is_refused(http, admin, url):
    answer = _create(http, admin, target={"kind": "webhook", "url": url})

    assert answer.status_code == 400, answer.json
    assert http.get(CHANNELS, headers=admin).json["total"] == 0


@pytest.mark.parametrize(
    "wrong",
    [
        {"target": {"kind": "pigeon"}},
        {"target": {**MAIL, "recipients": []}},
        {"target": {**MAIL, "sender": "a\r\nBcc: b@example.com"}},
        {"batch_seconds": 3601},
        {"min_severity": "fatal"},
        {"name": ""},
        {"surprise": 1},
    ],
)
def test_wrong_field_is_named_and_its_value_is_not(http, admin, wrong):
    answer = _create(http, admin, **wrong)

    assert answer.status_code == 400
    assert "hunter2" not in answer.text


@pytest.mark.parametrize(("role", "status"), [(Role.VIEWER, 403), (Role.OPERATOR, 403)])
def test_only_admins_change_channels(http, admin, door, role, status):
    channel = _create(http, admin).json["channel"]
    headers = door.operator_headers(role)

    assert _create(http, headers).status_code == status
    assert http.get(CHANNELS, headers=headers).status_code == 200
    assert http.delete(f"{CHANNELS}/{channel['id']}", headers=headers).status_code == status


def test_test_button_sends_at_once_and_logs_it(http, admin, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with WebReceiver().running() as web:
        target = {"kind": "webhook", "url": f"http://127.0.0.1:{web.port}/x"}
        path = f"{CHANNELS}/{_create(http, admin, target=target).json['channel']['id']}"
        web.statuses = [200, 500]
        good = http.post(f"{path}/test", headers=admin)
        bad = http.post(f"{path}/test", headers=admin)

    assert (good.status_code, good.json["success"]) == (200, True)
    assert (bad.json["success"], "500" in bad.json["delivery"]["error"]) == (False, True)
    assert web.bodies[0]["title"] == "Spot Optimizer: test"
    log = http.get(f"{path}/deliveries?limit=1", headers=admin).json
    assert (log["total"], len(log["deliveries"])) == (2, 1)
    shown = http.get("/metrics").get_data(as_text=True)
    assert 'notification_deliveries{status="dead"} 1.0' in shown


@pytest.mark.parametrize("call", ["get", "patch", "delete"])
def test_unknown_channel_is_404(http, admin, call):
    body = {"json": {"name": "x"}} if call == "patch" else {}
    assert getattr(http, call)(f"{CHANNELS}/nope", headers=admin, **body).status_code == 404
