"""Notifications reach real servers: filtered, in batches, tried again, given up, once."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from ipaddress import ip_network

import pytest
from pydantic import SecretStr

from backend.domain.notification_channels import MOST_ATTEMPTS, Severity
from backend.repositories import events
from backend.services.channel_senders import AppriseSender
from backend.services.channel_targets import MailTarget, WebTarget
from backend.services.encryption import CHANNEL, Vault
from backend.services.notification_channels import (
    ChannelChange,
    ChannelWish,
    NotificationChannels,
)
from backend.services.notification_deliveries import NotificationDeliveries
from tests.api.people import ACTOR
from tests.fakes.clock import START
from tests.fakes.receivers import MailReceiver, WebReceiver
from tests.integration.jobs.rows import make_agent, make_client, query

pytestmark = pytest.mark.db

LOOPBACK = (ip_network("127.0.0.0/8"),)
SECOND = timedelta(seconds=1)
SECRET = "T000/B000/hunter2"


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def web():
    with WebReceiver().running() as receiver:
        yield receiver


@pytest.fixture
def vault():
    return Vault(SecretStr("k" * 32), CHANNEL)


@pytest.fixture
def channels(database, clock, vault):
    return NotificationChannels(database, clock, vault, AppriseSender(LOOPBACK), LOOPBACK)


@pytest.fixture
def deliveries(database, vault):
    return NotificationDeliveries(database, vault, AppriseSender(LOOPBACK))


@pytest.fixture
def make(channels, web):
    def work(kind="webhook", batch_seconds=0, min_severity=Severity.INFO, name="ops", **over):
        target = WebTarget(kind=kind, url=f"http://127.0.0.1:{web.port}/services/{SECRET}?a=b")
        values = {
            "name": name,
            "target": target,
            "min_severity": min_severity,
            "batch_seconds": batch_seconds,
            "is_enabled": True,
        }
        channel, _ = channels.create(ChannelWish(**(values | over)), ACTOR)
        return channel["id"]

    return work


@pytest.fixture
def tell(database):
    def work(message, severity="error", at=START, kind="agent_lost", **over):
        database.run(
            "notify",
            lambda s: events.notify(
                s, notification_type=kind, message=message, severity=severity, now=at, **over
            ),
        )

    return work


def log(database):
    return query(
        database,
        "SELECT status, attempts, item_count, last_error, next_attempt_at"
        " FROM notification_deliveries ORDER BY created_at ASC, id ASC",
    )


def test_webhook_gets_a_batch_of_what_is_grave_enough(database, deliveries, web, make, tell):
    client_id = make_client(database)
    agent_id = make_agent(database, client_id)
    make(batch_seconds=30, min_severity=Severity.WARNING)
    tell("too slight", "info")
    tell("a warning", "warning")
    assert deliveries.deliver(START) == 0
    tell("an error", at=START + SECOND * 20, client_id=client_id, agent_id=agent_id)
    assert deliveries.deliver(START + SECOND * 29) == 0
    assert deliveries.deliver(START + SECOND * 30) == 1
    assert deliveries.deliver(START + SECOND * 31) == 0

    ((path, headers, body),) = web.requests
    assert path == f"/services/{SECRET}?a=b"
    assert headers["X-Delivery-Id"] == body["delivery_id"]
    assert body["severity"] == "error"
    assert body["title"] == "Spot Optimizer: 2 notifications, gravest: error"
    assert [item["message"] for item in body["notifications"]] == ["an error", "a warning"]
    assert body["notifications"][0]["agent_id"] == agent_id
    assert body["notifications"][0]["client_id"] == client_id
    assert "server-" in body["message"]


def test_channel_of_a_client_hears_of_nobody_else(database, deliveries, web, make, tell):
    mine, other = make_client(database), make_client(database)
    make(client_id=mine)
    for client_id in (mine, other, None):
        tell(f"about {client_id}", client_id=client_id)

    deliveries.deliver(START)

    (body,) = web.bodies
    assert [item["client_id"] for item in body["notifications"]] == [mine]


def test_slack_compatible_webhook_gets_text_without_mentions(deliveries, web, make, tell):
    make(kind="slack")
    tell("<!channel> fell & broke")

    deliveries.deliver(START)

    (body,) = web.bodies
    assert set(body) == {"text"}
    assert "&lt;!channel&gt; fell &amp; broke" in body["text"]


def test_mail_reaches_all_recipients_in_one_message(deliveries, channels, make, tell):
    with MailReceiver().running() as mail:
        target = MailTarget(
            kind="email",
            host="127.0.0.1",
            port=mail.port,
            security="none",
            sender="spot@example.com",
            recipients=["a@example.com", "b@example.com"],
        )
        make(target=target)
        tell("an error")

        deliveries.deliver(START)

    (message,) = mail.mails
    assert message["X-RcptTo"] == "a@example.com, b@example.com"
    assert message["X-MailFrom"] == "spot@example.com"
    assert message["Subject"] == "Spot Optimizer: 1 notification, gravest: error"
    assert "an error" in message.get_payload(decode=True).decode()


def test_refused_message_is_tried_again_later_and_arrives(database, deliveries, web, make, tell):
    web.statuses = [500, 503]
    make()
    tell("an error")

    assert deliveries.deliver(START) == 1
    (row,) = log(database)
    assert (row["status"], row["attempts"]) == ("retrying", 1)
    assert row["next_attempt_at"] == START + SECOND * 30
    assert "500" in row["last_error"]
    assert deliveries.deliver(START + SECOND * 29) == 0
    assert deliveries.deliver(START + SECOND * 30) == 1
    assert deliveries.deliver(START + SECOND * 89) == 0
    assert deliveries.deliver(START + SECOND * 90) == 1

    (row,) = log(database)
    assert (row["status"], row["attempts"], row["last_error"]) == ("delivered", 3, None)
    assert len({body["delivery_id"] for body in web.bodies}) == 1


def test_message_is_given_up_and_that_is_told_once(database, deliveries, web, make, tell, caplog):
    web.statuses = [500] * MOST_ATTEMPTS
    make()
    tell("an error")
    now = START
    for _ in range(MOST_ATTEMPTS):
        assert deliveries.deliver(now) == 1
        (row,) = log(database)
        now = max(now, row["next_attempt_at"])

    assert (row["status"], row["attempts"]) == ("dead", MOST_ATTEMPTS)
    assert deliveries.deliver(now + SECOND) == 0, "a failing channel is not told of its failure"
    told = query(
        database,
        "SELECT message FROM notifications WHERE notification_type = 'notification_undelivered'",
    )
    assert len(told) == 1
    assert "hunter2" not in caplog.text + told[0]["message"] + row["last_error"]


def test_two_nodes_deliver_every_notification_once(database, vault, web, make, tell):
    make()
    make(name="second")
    for number in range(30):
        tell(f"error {number}")

    def node(_):
        deliveries = NotificationDeliveries(database, vault, AppriseSender(LOOPBACK))
        return sum(deliveries.deliver(START + SECOND * step) for step in range(3))

    with ThreadPoolExecutor(4) as threads:
        attempts = sum(threads.map(node, range(4)))

    assert attempts == len(web.requests)
    assert len({body["delivery_id"] for body in web.bodies}) == len(web.requests)
    sent = sorted(item["id"] for body in web.bodies for item in body["notifications"])
    told = sum(row["item_count"] for row in log(database))
    assert told == 60
    assert all(sent.count(one) <= 2 for one in sent)


def test_node_that_died_is_followed_by_another_after_its_lease(
    database, deliveries, web, make, tell
):
    make()
    tell("an error")
    deliveries._gather(START)
    query(
        database,
        "UPDATE notification_deliveries SET status = 'sending', lease_owner = 'dead', attempts = 1,"
        " lease_until = %(until)s",
        until=START + SECOND * 60,
    )

    assert deliveries.deliver(START + SECOND * 59) == 0
    assert deliveries.deliver(START + SECOND * 60) == 1
    assert log(database)[0]["status"] == "delivered"


def test_switched_off_channel_gets_nothing_of_meanwhile(
    database, deliveries, channels, clock, web, make, tell
):
    channel_id = make(batch_seconds=30)
    tell("before")
    deliveries.deliver(START)
    channels.update(channel_id, ChannelChange(is_enabled=False), None, ACTOR)
    tell("meanwhile", at=START + SECOND)
    deliveries.deliver(clock.advance(SECOND * 60))
    channels.update(channel_id, ChannelChange(is_enabled=True), None, ACTOR)
    deliveries.deliver(clock.advance(SECOND * 60))

    assert web.requests == []
    assert [row["status"] for row in log(database)] == ["dead"]


def test_redirect_is_not_followed(database, deliveries, web, make, tell):
    web.statuses, web.location = [307], "http://169.254.169.254/latest/meta-data"
    make()
    tell("an error")

    deliveries.deliver(START)

    assert log(database)[0]["status"] == "retrying"
    assert "307" in log(database)[0]["last_error"]


def test_target_is_given_up_at_once_when_the_key_has_changed(database, web, make, tell):
    make()
    tell("an error")
    other = Vault(SecretStr("another key, as long"), CHANNEL)

    NotificationDeliveries(database, other, AppriseSender(LOOPBACK)).deliver(START)

    (row,) = log(database)
    assert row["status"] == "dead"
    assert "SECRET_KEY" in row["last_error"]


def test_late_commit_of_an_older_notification_is_not_lost(deliveries, web, make, tell):
    make()
    tell("first", at=START + SECOND * 60)
    deliveries.deliver(START + SECOND * 60)
    tell("written earlier, seen later", at=START + SECOND * 30)
    deliveries.deliver(START + SECOND * 75)

    texts = [item["message"] for body in web.bodies for item in body["notifications"]]
    assert texts == ["first", "written earlier, seen later"]
