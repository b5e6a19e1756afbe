"""Notification channels in admins' hands: made, changed, tested, deleted, and their log."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from pydantic import TypeAdapter, ValidationError

from backend.clock import Clock
from backend.db.database import Database, Transaction
from backend.db.session import Row, Session
from backend.domain.addresses import Network
from backend.domain.notification_channels import DeliveryStatus, Severity, trial_message
from backend.errors import AlreadyExists, NotFound, StaleVersion, UniqueViolation
from backend.repositories import clients, notification_channels, notification_deliveries
from backend.services import audit
from backend.services.callers import Actor
from backend.services.channel_senders import LONGEST_ERROR, Attempt, Sender
from backend.services.channel_targets import MailTarget, Target, WebTarget, check_place
from backend.services.clients import unknown_client
from backend.services.encryption import Vault

TEST_LEASE = timedelta(seconds=60)  # four times what an attempt may take
SWITCHED_OFF = "The channel was switched off"
UNREADABLE = "The target cannot be read: SECRET_KEY has changed. Set the target again"
_TARGET: TypeAdapter[WebTarget | MailTarget] = TypeAdapter(Target)
_SHOWN = ("name", "min_severity", "batch_seconds", "is_enabled")
_SEALED = ("kind", "target_sealed", "target_hint")


@dataclass(frozen=True, slots=True)
class ChannelWish:
    """A channel as it shall be; ``client_id`` None: everything that concerns anybody."""

    name: str
    target: WebTarget | MailTarget
    min_severity: Severity
    batch_seconds: int
    is_enabled: bool
    client_id: str | None = None


@dataclass(frozen=True, slots=True)
class ChannelChange:
    """What of a channel shall be another; None stays as it is."""

    name: str | None = None
    target: WebTarget | MailTarget | None = None
    min_severity: Severity | None = None
    batch_seconds: int | None = None
    is_enabled: bool | None = None


def read_target(vault: Vault, sealed: str) -> WebTarget | MailTarget | None:
    """Return a target as it was saved, or None when it cannot be read any more."""
    text = vault.open(sealed)
    if text is None:
        return None
    try:
        return _TARGET.validate_json(text)
    except ValidationError:
        return None


class NotificationChannels:
    """Keeps channels. Targets are encrypted and never returned. Every change is audited."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        vault: Vault,
        sender: Sender,
        allowed: Sequence[Network],
    ) -> None:
        self._database = database
        self._clock = clock
        self._vault = vault
        self._sender = sender
        self._allowed = allowed

    def page(
        self, client_id: str | None, *, limit: int, offset: int
    ) -> tuple[list[dict[str, Any]], int]:
        """Return a page of channels by name, targets masked, and how many there are."""
        rows, total = self._database.run(
            "list_channels",
            lambda s: notification_channels.list_channels(s, client_id, limit=limit, offset=offset),
        )
        return [_shown(row) for row in rows], total

    def get(self, channel_id: str) -> dict[str, Any]:
        """Return a channel, its target masked.

        Raises:
            NotFound: there is no such channel.
        """
        return _shown(self._find(channel_id))

    def create(self, wish: ChannelWish, actor: Actor) -> tuple[dict[str, Any], bool]:
        """Make a channel; return it, and whether it is new. A repetition makes no second one.

        Raises:
            AlreadyExists: another channel has this name.
            InvalidRequest: the target leads where nobody may be sent to.
            NotFound: there is no such client.
        """
        check_place(wish.target, self._allowed)
        channel_id, now = str(uuid4()), self._clock.now()

        def work(tx: Transaction) -> None:
            if wish.client_id and clients.find_client(tx, wish.client_id) is None:
                raise unknown_client(wish.client_id)
            values = {name: getattr(wish, name) for name in (*_SHOWN, "client_id")}
            values |= self._target_columns(wish.target)
            notification_channels.insert_channel(
                tx, {**values, "channel_id": channel_id, "now": now}
            )
            details = {"before": None, "after": _told(values)}
            subject = audit.Change(
                "channel_created", "notification_channel", channel_id, wish.client_id, details
            )
            audit.record(tx, actor, subject, now)
            tx.commit()

        try:
            self._database.transact("create_channel", work)
        except UniqueViolation as error:
            present = self._same(wish)
            if present is None:
                raise AlreadyExists(
                    "A channel of this name exists already", name=wish.name
                ) from error
            return _shown(present), False
        return self.get(channel_id), True

    def update(
        self, channel_id: str, change: ChannelChange, version: int | None, actor: Actor
    ) -> dict[str, Any]:
        """Change a channel; return it. What changes nothing leaves the version alone.

        Raises:
            NotFound: there is no such channel.
            StaleVersion: it is not of ``version``, or changed while this was done.
            AlreadyExists: another channel has this name.
            InvalidRequest: the target leads where nobody may be sent to.
        """
        if change.target is not None:
            check_place(change.target, self._allowed)
        now = self._clock.now()

        def work(tx: Transaction) -> None:
            row = notification_channels.find_channel(tx, channel_id)
            if row is None:
                raise _unknown(channel_id)
            if version is not None and row["version"] != version:
                raise StaleVersion("The channel was changed meanwhile", version=row["version"])
            values = self._merged(row, change)
            details = _differences(row, values)
            if details:
                _write(tx, row, values, now)
                subject = audit.Change(
                    "channel_changed", "notification_channel", channel_id, row["client_id"], details
                )
                audit.record(tx, actor, subject, now)
            tx.commit()

        try:
            self._database.transact("update_channel", work)
        except UniqueViolation as error:
            raise AlreadyExists("A channel of this name exists already") from error
        return self.get(channel_id)

    def delete(self, channel_id: str, actor: Actor) -> None:
        """Delete a channel with its log; what waits for it is not sent.

        Raises:
            NotFound: there is no such channel.
        """
        now = self._clock.now()

        def work(tx: Transaction) -> None:
            row = notification_channels.find_channel(tx, channel_id)
            if row is None or not notification_channels.delete_channel(tx, channel_id):
                raise _unknown(channel_id)
            subject = audit.Change(
                "channel_deleted",
                "notification_channel",
                channel_id,
                row["client_id"],
                {"before": _told(row), "after": None},
            )
            audit.record(tx, actor, subject, now)
            tx.commit()

        self._database.transact("delete_channel", work)

    def test(self, channel_id: str, actor: Actor) -> dict[str, Any]:
        """Send a message at once and return how that ended. It is not repeated, but logged.

        Raises:
            NotFound: there is no such channel.
        """
        row = self._find(channel_id)
        delivery_id, owner, now = str(uuid4()), str(uuid4()), self._clock.now()

        def begin(tx: Transaction) -> None:
            notification_deliveries.insert_delivery(
                tx,
                delivery_id=delivery_id,
                channel_id=channel_id,
                status=DeliveryStatus.SENDING,
                next_attempt_at=now,
                now=now,
                lease_owner=owner,
                lease_until=now + TEST_LEASE,
            )
            subject = audit.Change(
                "channel_tested", "notification_channel", channel_id, row["client_id"]
            )
            audit.record(tx, actor, subject, now)
            tx.commit()

        self._database.transact("test_channel", begin)
        target = read_target(self._vault, row["target_sealed"])
        if target is None:
            attempt = Attempt(UNREADABLE)
        else:
            attempt = self._sender.send(target, trial_message(delivery_id, row["name"]))
        self._end_test(channel_id, delivery_id, owner, attempt)
        return {"delivered": attempt.error is None, "error": attempt.error, "id": delivery_id}

    def list_deliveries(
        self, channel_id: str, *, limit: int, offset: int
    ) -> tuple[list[dict[str, Any]], int]:
        """Return a page of a channel's log, newest first, and how long it is.

        Raises:
            NotFound: there is no such channel.
        """
        self._find(channel_id)
        rows, total = self._database.run(
            "list_deliveries",
            lambda s: notification_deliveries.list_deliveries(
                s, channel_id, limit=limit, offset=offset
            ),
        )
        return [{**row, "is_test": bool(row["is_test"])} for row in rows], total

    def count_by_status(self) -> dict[str, int]:
        """Return how many messages are where, over all channels; absent means none."""
        return self._database.run("count_deliveries", notification_deliveries.count_by_status)

    def _end_test(self, channel_id: str, delivery_id: str, owner: str, attempt: Attempt) -> None:
        is_good = attempt.error is None
        values = {
            "delivery_id": delivery_id,
            "lease_owner": owner,
            "status": DeliveryStatus.DELIVERED if is_good else DeliveryStatus.DEAD,
            "next_attempt_at": None,
            "last_error": attempt.error[:LONGEST_ERROR] if attempt.error else None,
            "ended_at": self._clock.now(),
        }

        def work(tx: Transaction) -> None:
            notification_deliveries.settle_delivery(tx, values)
            if is_good:
                notification_channels.note_working(tx, channel_id)
            tx.commit()

        self._database.transact("end_channel_test", work)

    def _find(self, channel_id: str) -> Row:
        row = self._database.run(
            "find_channel", lambda s: notification_channels.find_channel(s, channel_id)
        )
        if row is None:
            raise _unknown(channel_id)
        return row

    def _target_columns(self, target: WebTarget | MailTarget) -> dict[str, Any]:
        return {
            "kind": target.kind.value,
            "target_sealed": self._vault.seal(target.model_dump_json()),
            "target_hint": target.hint,
        }

    def _merged(self, row: Row, change: ChannelChange) -> dict[str, Any]:
        """Return the columns as they shall be; the target is sealed anew only when it differs."""
        wished = {name: getattr(change, name) for name in _SHOWN}
        columns = {name: row[name] for name in (*_SHOWN, *_SEALED)}
        columns.update({name: value for name, value in wished.items() if value is not None})
        target = change.target
        if target is not None and target != read_target(self._vault, row["target_sealed"]):
            columns.update(self._target_columns(target))
        return columns

    def _same(self, wish: ChannelWish) -> Row | None:
        """Return the channel of this name if it is exactly what is wished for."""

        def find(session: Session) -> Row | None:
            found = notification_channels.find_channel_by_name(session, wish.name)
            return notification_channels.find_channel(session, found) if found else None

        row = self._database.run("find_channel_by_name", find)
        if row is None or row["client_id"] != wish.client_id:
            return None
        change = ChannelChange(**{name: getattr(wish, name) for name in (*_SHOWN, "target")})
        return None if _differences(row, self._merged(row, change)) else row


def _write(tx: Transaction, row: Row, values: Mapping[str, Any], now: datetime) -> None:
    known = {"channel_id": row["id"], "version": row["version"], "now": now}
    if not notification_channels.update_channel(tx, {**values, **known}):
        raise StaleVersion("The channel was changed meanwhile")
    if row["is_enabled"] and not values["is_enabled"]:
        notification_deliveries.end_open(tx, row["id"], SWITCHED_OFF, now)


def _unknown(channel_id: str) -> NotFound:
    return NotFound("There is no such channel", channel_id=channel_id)


def _told(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the audit log may say of a channel."""
    told = {name: row[name] for name in (*_SHOWN, "kind", "target_hint")}
    return {**told, "is_enabled": bool(told["is_enabled"])}


def _differences(row: Row, values: Mapping[str, Any]) -> dict[str, Any]:
    before, after = _told(row), _told(values)
    details: dict[str, Any] = {
        name: {"before": before[name], "after": after[name]}
        for name in before
        if before[name] != after[name]
    }
    if row["target_sealed"] != values["target_sealed"]:  # what may be shown of it can be equal
        details.setdefault(
            "target_hint", {"before": row["target_hint"], "after": values["target_hint"]}
        )
    return details


def _shown(row: Row) -> dict[str, Any]:
    hidden = {"target_sealed", "target_hint"}
    shown = {name: value for name, value in row.items() if name not in hidden}
    return {**shown, "target": row["target_hint"], "is_enabled": bool(row["is_enabled"])}
