"""Where a channel leads: read, checked, and shown without what must stay secret."""

import socket
from collections.abc import Sequence
from typing import Annotated, Literal
from urllib.parse import SplitResult, urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    field_validator,
)

from backend.domain.addresses import Network, refusal_of
from backend.domain.notification_channels import LONGEST_HINT, ChannelKind
from backend.errors import InvalidRequest

LONGEST_URL = 2000
MOST_RECIPIENTS = 20
SETTING = "CHANNEL_ALLOWED_NETWORKS"


def _printable(text: str) -> str:
    if not text.isprintable():
        msg = "must not contain control characters"
        raise ValueError(msg)
    return text


Text255 = Annotated[
    str, StringConstraints(min_length=1, max_length=255), AfterValidator(_printable)
]
Secret255 = Annotated[str, StringConstraints(max_length=255), AfterValidator(_printable)]
Mailbox = Annotated[
    str, StringConstraints(max_length=255, pattern=r"^[^@\s<>,;\"]+@[A-Za-z0-9.-]+$")
]
Host = Annotated[str, StringConstraints(max_length=253, pattern=r"^[A-Za-z0-9:._-]+$")]


class _Target(BaseModel):
    # Never in a repr, never in an error: a target holds secrets.
    model_config = ConfigDict(
        extra="forbid", str_strip_whitespace=True, hide_input_in_errors=True, frozen=True
    )


class WebTarget(_Target):
    """An HTTP endpoint. Its path is the secret of a Slack-compatible webhook."""

    kind: Literal[ChannelKind.WEBHOOK, ChannelKind.SLACK]
    url: str = Field(min_length=1, max_length=LONGEST_URL, repr=False)

    @field_validator("url")
    @classmethod
    def _is_web_address(cls, url: str) -> str:
        if not url.isprintable() or " " in url:
            msg = "must not contain spaces or control characters"
            raise ValueError(msg)
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.fragment:
            msg = "must be http(s)://host/path, without a fragment"
            raise ValueError(msg)
        if parts.port == 0:
            msg = "must not name port 0"
            raise ValueError(msg)
        return url

    @property
    def parts(self) -> SplitResult:
        """The address, taken apart."""
        return urlsplit(self.url)

    @property
    def place(self) -> tuple[str, int]:
        """Host and port."""
        parts = self.parts
        return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)

    @property
    def hint(self) -> str:
        """What may be shown."""
        host, port = self.place
        return f"{self.parts.scheme}://{host}:{port}/***"[:LONGEST_HINT]


class MailTarget(_Target):
    """A mail server and who is written to."""

    kind: Literal[ChannelKind.EMAIL]
    host: Host
    port: int = Field(587, ge=1, le=65535)
    security: Literal["starttls", "tls", "none"] = "starttls"
    username: Text255 | None = None
    password: Secret255 | None = Field(None, repr=False)
    sender: Mailbox
    recipients: list[Mailbox] = Field(min_length=1, max_length=MOST_RECIPIENTS)

    @property
    def place(self) -> tuple[str, int]:
        """Host and port."""
        return self.host, self.port

    @property
    def hint(self) -> str:
        """What may be shown."""
        return f"smtp://{self.host}:{self.port} to {', '.join(self.recipients)}"[:LONGEST_HINT]


Target = Annotated[WebTarget | MailTarget, Field(discriminator="kind")]


def check_place(target: WebTarget | MailTarget, allowed: Sequence[Network]) -> None:
    """Refuse a target whose host is, or resolves to, an address that nobody may be sent to.

    Called when a channel is saved and again before every attempt, for names change their meaning.

    Raises:
        InvalidRequest: the address is refused, or the name means nothing.
    """
    host, port = target.place
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise InvalidRequest("The host of the channel cannot be resolved", field="target") from None
    for entry in found:
        kind = refusal_of(str(entry[4][0]), allowed)
        if kind is not None:
            raise InvalidRequest(
                f"The host of the channel is {kind} address; {SETTING} can permit it",
                field="target",
            )
