"""Deliver notifications to channels: gathered in batches, claimed, sent, tried again, given up.

Any number of nodes may do this at once. A notification goes to a channel once because the table of
items has a key that says so, and a message is sent by whoever changed its row to ``sending``. A
node that dies between sending and noting it causes a repetition, with the same delivery id.
"""

import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from uuid import uuid4

from backend.db.database import Database, Transaction
from backend.db.session import Row
from backend.domain.notification_channels import (
    MOST_ITEMS,
    MOST_LINES,
    DeliveryStatus,
    Message,
    message_of,
    pause_after,
)
from backend.errors import UniqueViolation
from backend.repositories import events, notification_channels, notification_deliveries
from backend.services.channel_senders import LONGEST_ERROR, Attempt, Sender
from backend.services.encryption import Vault
from backend.services.notification_channels import UNREADABLE, read_target

logger = logging.getLogger(__name__)

OLDEST = timedelta(days=1)  # what is older wakes nobody any more
OVERLAP = timedelta(minutes=10)  # longer than any transaction that writes a notification
LEASE = timedelta(seconds=60)  # four times what an attempt may take
CHANNELS_PER_RUN = 500
MESSAGES_PER_RUN = 16  # sent side by side, so a run takes no longer than its slowest message
GONE = "Its notifications were deleted"
LOST_TEST = "The process that sent it died"
UNDELIVERED = "notification_undelivered"


class NotificationDeliveries:
    """Gathers and sends. Idempotent; safe beside others of its kind."""

    def __init__(self, database: Database, vault: Vault, sender: Sender) -> None:
        self._database = database
        self._vault = vault
        self._sender = sender

    def deliver(self, now: datetime) -> int:
        """Gather what waits and send what is due; return how many attempts were made."""
        self._gather(now)
        self._database.run(
            "end_lost_tests", lambda s: notification_deliveries.end_lost_tests(s, LOST_TEST, now)
        )
        due = self._database.run(
            "list_due",
            lambda s: notification_deliveries.list_due(s, now=now, limit=MESSAGES_PER_RUN),
        )
        if not due:
            return 0
        with ThreadPoolExecutor(len(due), thread_name_prefix="deliver") as threads:
            return sum(threads.map(lambda delivery_id: self._attempt(delivery_id, now), due))

    def _gather(self, now: datetime) -> None:
        channels = self._database.run(
            "list_waiting_channels",
            lambda s: notification_deliveries.list_waiting_channels(
                s, since=now - OLDEST, overlap=OVERLAP, limit=CHANNELS_PER_RUN
            ),
        )
        overfull = []
        for channel in channels:
            added = self._fill(channel, now)
            if added is None or added < channel["waiting"]:
                overfull.append(str(channel["id"]))
        if len(channels) < CHANNELS_PER_RUN:
            self._database.run(
                "note_looked", lambda s: notification_channels.note_looked(s, overfull, now)
            )

    def _fill(self, channel: Row, now: datetime) -> int | None:
        """Put what waits for a channel into its batch; None when another node was quicker."""
        channel_id = str(channel["id"])
        since = max(channel["looked_at"] - OVERLAP, channel["active_since"], now - OLDEST)

        def work(tx: Transaction) -> int | None:
            batch = notification_deliveries.find_collecting(tx, channel_id)
            delivery_id = str(batch["id"]) if batch else str(uuid4())
            if batch is None:
                notification_deliveries.insert_delivery(
                    tx,
                    delivery_id=delivery_id,
                    channel_id=channel_id,
                    status=DeliveryStatus.COLLECTING,
                    next_attempt_at=now + timedelta(seconds=channel["batch_seconds"]),
                    now=now,
                )
            values = {
                "channel_id": channel_id,
                "client_id": channel["client_id"],
                "min_severity": channel["min_severity"],
                "is_failing": channel["failing_since"] is not None,
                "since": since,
                "limit": MOST_ITEMS - (batch["item_count"] if batch else 0),
            }
            added = notification_deliveries.add_items(tx, delivery_id, values)
            if added or batch:
                tx.commit()
            return added

        try:
            return self._database.transact("gather_notifications", work)
        except UniqueViolation:
            return None

    def _attempt(self, delivery_id: str, now: datetime) -> int:
        owner = str(uuid4())
        is_mine = self._database.run(
            "claim_delivery",
            lambda s: notification_deliveries.claim_delivery(
                s, delivery_id, lease_owner=owner, lease_until=now + LEASE, now=now
            ),
        )
        if not is_mine:
            return 0
        row = self._database.run(
            "find_claimed", lambda s: notification_deliveries.find_claimed(s, delivery_id, owner)
        )
        if row is None:
            return 0  # the channel was deleted in between
        message = self._message(row)
        target = read_target(self._vault, row["target_sealed"])
        if message is None or target is None:
            self._settle(row, owner, Attempt(GONE if message is None else UNREADABLE), None, now)
            return 1
        attempt = self._sender.send(target, message)
        self._settle(row, owner, attempt, pause_after(row["attempts"]), now)
        return 1

    def _message(self, row: Row) -> Message | None:
        items = self._database.run(
            "list_delivery_items",
            lambda s: notification_deliveries.list_items(s, row["id"], limit=MOST_LINES),
        )
        return message_of(row["id"], items, max(row["item_count"], len(items))) if items else None

    def _settle(
        self, row: Row, owner: str, attempt: Attempt, pause: timedelta | None, now: datetime
    ) -> None:
        """Note how an attempt ended; ``pause`` None: there will be no other one."""
        if attempt.error is None:
            status = DeliveryStatus.DELIVERED
        else:
            status = DeliveryStatus.RETRYING if pause else DeliveryStatus.DEAD
        is_over = status is not DeliveryStatus.RETRYING
        values = {
            "delivery_id": row["id"],
            "lease_owner": owner,
            "status": status,
            "next_attempt_at": None if is_over or pause is None else now + pause,
            "last_error": attempt.error[:LONGEST_ERROR] if attempt.error else None,
            "ended_at": now if is_over else None,
        }

        def work(tx: Transaction) -> bool:
            is_settled = notification_deliveries.settle_delivery(tx, values)
            if is_settled and status is DeliveryStatus.DELIVERED:
                notification_channels.note_working(tx, row["channel_id"])
            elif is_settled and status is DeliveryStatus.DEAD and attempt.error != GONE:
                _tell(tx, row, attempt, now)
            tx.commit()
            return is_settled

        if self._database.transact("settle_delivery", work):
            _log(row, status, attempt)


def _tell(tx: Transaction, row: Row, attempt: Attempt, now: datetime) -> None:
    """Say once that a channel fails; the channel itself is not told of it while it does."""
    if not notification_channels.note_failing(tx, row["channel_id"], now):
        return
    message = f"Channel {row['name']} does not deliver: {attempt.error}"
    client_id = row["client_id"]
    events.record_event(
        tx,
        event_type=UNDELIVERED,
        severity="warning",
        message=message,
        client_id=client_id,
        details={"channel_id": row["channel_id"], "delivery_id": row["id"]},
        now=now,
    )
    events.notify(
        tx,
        notification_type="notification_undelivered",
        severity="warning",
        message=message,
        client_id=client_id,
        now=now,
    )


def _log(row: Row, status: DeliveryStatus, attempt: Attempt) -> None:
    level = logging.INFO if status is DeliveryStatus.DELIVERED else logging.WARNING
    logger.log(
        level,
        "Message %s to channel %s: %s",
        row["id"],
        row["name"],
        attempt.error or "delivered",
        extra={
            "action": f"notification_{status}",
            "channel_id": row["channel_id"],
            "delivery_id": row["id"],
            "attempts": row["attempts"],
        },
    )
