"""What more than one kind of answer holds."""

from pydantic import AwareDatetime

from backend.api.answers.base import Answer


class Refusal(Answer):
    """No, in the form that installed agents understand."""

    success: bool
    error: str
    code: str


class AlreadyThere(Answer):
    """Nothing was ordered: the agent runs where it was to be moved."""

    success: bool
    message: str
    current_mode: str | None
    current_pool_id: str | None


class Done(Answer):
    """It is done."""

    success: bool


class StatusNoted(Answer):
    """It is done; how things stand now."""

    success: bool
    status: str


class ClientCard(Answer):
    """A client as operators read it."""

    id: str
    name: str
    email: str | None
    status: str
    agentsOnline: int
    agentsTotal: int
    instances: int
    totalSavings: float
    lastSync: AwareDatetime | None
    createdAt: AwareDatetime


class Part(Answer):
    """A part of the installation, and how it is."""

    ok: bool
    state: str
