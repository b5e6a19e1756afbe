"""Send one message to one target, through Apprise, within a bounded time."""

import logging
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import unquote

from backend.domain.addresses import Network
from backend.domain.notification_channels import ChannelKind, Message, Severity
from backend.errors import InvalidRequest
from backend.services.channel_targets import MailTarget, WebTarget, check_place

CONNECT_SECONDS = 4.0
READ_SECONDS = 8.0
LONGEST_SECONDS = 15.0  # for the whole attempt: a server that drips bytes is given up
LONGEST_ERROR = 200

# What the library writes into its message, by our name for it; an empty name leaves it out.
_WEBHOOK_NAMES = {"version": "", "attachments": "", "type": ""}
_SLACK_NAMES = {**_WEBHOOK_NAMES, "title": "", "message": "text"}


@dataclass(frozen=True, slots=True)
class Attempt:
    """How an attempt ended; ``error`` is a sentence without secrets, None when it arrived."""

    error: str | None = None


class Sender(Protocol):
    """Brings messages to targets."""

    def send(self, target: WebTarget | MailTarget, message: Message) -> Attempt:
        """Try once; never raises for what the other side does."""
        ...


class AppriseSender:
    """Sends by Apprise's plugins for JSON webhooks and mail. Thread-safe."""

    def __init__(self, allowed: Sequence[Network]) -> None:
        self._allowed = allowed
        # Both print whole addresses, which hold secrets, when the program logs at DEBUG.
        library = logging.getLogger("apprise")
        library.propagate = False
        library.setLevel(logging.WARNING)
        logging.getLogger("urllib3").setLevel(logging.INFO)

    def send(self, target: WebTarget | MailTarget, message: Message) -> Attempt:
        """Try once, for at most ``LONGEST_SECONDS``."""
        ended: list[Attempt] = []
        thread = threading.Thread(
            target=lambda: ended.append(self._try(target, message)),
            name=f"deliver-{message.delivery_id}",
            daemon=True,  # one that never ends must not keep the process
        )
        thread.start()
        thread.join(LONGEST_SECONDS)
        return ended[0] if ended else Attempt(f"No answer within {LONGEST_SECONDS:g} s")

    def _try(self, target: WebTarget | MailTarget, message: Message) -> Attempt:
        try:
            check_place(target, self._allowed)
        except InvalidRequest as error:
            return Attempt(error.message)
        plugin = _web(target, message) if isinstance(target, WebTarget) else _mail(target)
        text = _escaped(message) if target.kind is ChannelKind.SLACK else message.text
        with _complaints() as heard:
            arrived = plugin.notify(body=text, title=message.title, notify_type=_kind(message))
        if arrived:
            return Attempt()
        reason = heard[-1] if heard else "The message was not accepted"
        return Attempt(reason[:LONGEST_ERROR])


def _web(target: WebTarget, message: Message) -> Any:
    # The library takes a third of a second to import: only who sends pays.
    from apprise.plugins.custom_json import NotifyJSON

    parts = target.parts
    is_slack = target.kind is ChannelKind.SLACK
    data: Mapping[str, Any] = {
        "source": "spot-optimizer",
        "delivery_id": message.delivery_id,
        "severity": message.severity.value,
        "notifications": list(message.items),
    }
    plugin: Any = NotifyJSON  # its constructor has no types
    return plugin(
        host=_bracketed(target.place[0]),
        port=target.place[1],
        fullpath=(parts.path or "/") + (f"?{parts.query}" if parts.query else ""),
        user=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        secure=parts.scheme == "https",
        payload=_SLACK_NAMES if is_slack else {**_WEBHOOK_NAMES, **data},
        headers={"User-Agent": "spot-optimizer", "X-Delivery-Id": message.delivery_id},
        redirect=False,  # it could lead to an address that was not looked at
        cto=CONNECT_SECONDS,
        rto=READ_SECONDS,
    )


def _mail(target: MailTarget) -> Any:
    from apprise.plugins.email import NotifyEmail

    modes = {"starttls": "starttls", "tls": "ssl", "none": "insecure"}
    plugin: Any = NotifyEmail  # its constructor has no types
    return plugin(
        host=target.host,
        smtp_host=target.host,
        port=target.port,
        user=target.username,
        password=target.password,
        secure_mode=modes[target.security],
        from_addr=f"Spot Optimizer <{target.sender}>",
        # One message to all: a repetition after half of several would reach the others twice.
        targets=target.recipients[0],
        cc=target.recipients[1:],
        format="text",
        cto=READ_SECONDS,  # the library's only limit for mail: it holds for every step
    )


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _escaped(message: Message) -> str:
    """Return title and lines with what Slack would read as markup or as a mention taken away."""
    text = f"{message.title}\n{message.text}"
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _kind(message: Message) -> Any:
    from apprise import NotifyType

    kinds = {
        Severity.INFO: NotifyType.INFO,
        Severity.WARNING: NotifyType.WARNING,
        Severity.ERROR: NotifyType.FAILURE,
    }
    return kinds[message.severity]


class _Listener(logging.Handler):
    """Keeps what the library says in this thread: the only place where it tells why it failed."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.heard: list[str] = []
        self._thread = threading.get_ident()

    def emit(self, record: logging.LogRecord) -> None:
        if threading.get_ident() == self._thread:
            self.heard.append(record.getMessage())


@contextmanager
def _complaints() -> Iterator[list[str]]:
    listener = _Listener()
    library = logging.getLogger("apprise")
    library.addHandler(listener)
    try:
        yield listener.heard
    finally:
        library.removeHandler(listener)
