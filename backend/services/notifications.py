"""What somebody should see: read, and noted as seen."""

from backend.clock import Clock
from backend.db.database import Database, Transaction
from backend.db.session import Row
from backend.errors import NotFound
from backend.repositories import notifications
from backend.services import audit
from backend.services.callers import Actor

ROWS_PER_BATCH = 1000  # a transaction that no insert has to wait long for


class Notifications:
    """Reads notifications and marks them as read. Thread-safe."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def list_for_client(self, client_id: str, *, unread_only: bool, limit: int) -> list[Row]:
        """Return the newest notifications of one tenant."""
        return self._database.run(
            "list_notifications",
            lambda s: notifications.list_for_client(
                s, client_id=client_id, unread_only=unread_only, limit=limit
            ),
        )

    def list_for_operator(
        self, client_id: str | None, *, unread_only: bool, limit: int
    ) -> list[Row]:
        """Return the newest notifications of all, or of one tenant and of nobody in particular."""
        return self._database.run(
            "list_notifications",
            lambda s: notifications.list_for_operator(
                s, client_id=client_id, unread_only=unread_only, limit=limit
            ),
        )

    def mark_read(self, client_id: str | None, notification_id: int, actor: Actor) -> None:
        """Note that a notification was seen. Idempotent.

        Raises:
            NotFound: there is none, or it is another tenant's.
        """
        now = self._clock.now()

        def work(tx: Transaction) -> None:
            found = notifications.find_notification(tx, client_id, notification_id)
            if found is None:
                raise NotFound("There is no such notification", field="notification_id")
            if found["is_read"]:
                return
            notifications.mark_read(tx, notification_id)
            change = audit.Change(
                "notification_read",
                "notification",
                str(notification_id),
                found["client_id"],
                {"is_read": {"before": False, "after": True}},
            )
            audit.record(tx, actor, change, now)
            tx.commit()

        self._database.transact("mark_notification_read", work)

    def mark_all_read(self, client_id: str | None, actor: Actor) -> int:
        """Note that everything up to now was seen; return how many that were. Idempotent."""
        now = self._clock.now()

        def work(tx: Transaction) -> int:
            count = notifications.mark_all_read(tx, client_id, now=now, limit=ROWS_PER_BATCH)
            if count:
                details = {"count": count, "is_read": {"before": False, "after": True}}
                change = audit.Change(
                    "notifications_read", "notification", None, client_id, details
                )
                audit.record(tx, actor, change, now)
            tx.commit()
            return count

        marked = 0
        while True:
            count = self._database.transact("mark_notifications_read", work)
            marked += count
            if count < ROWS_PER_BATCH:
                return marked
