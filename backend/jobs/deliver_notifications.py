"""Job: notifications are sent to the channels that want them."""

from backend.jobs.context import JobContext
from backend.services.channel_senders import AppriseSender
from backend.services.encryption import CHANNEL, Vault
from backend.services.notification_deliveries import NotificationDeliveries


def run(context: JobContext) -> int:
    """Gather and send; return how many attempts were made."""
    sender = AppriseSender(context.settings.channel_allowed_networks or ())
    vault = Vault(context.settings.secret_key, CHANNEL)
    return NotificationDeliveries(context.database, vault, sender).deliver(context.now)
