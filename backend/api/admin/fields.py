"""Fields that several admin calls take."""

from datetime import datetime, timedelta
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints

from backend.api.context import container

LONGEST_LIFE_DAYS = 3650  # ten years: whoever wants longer wants "never"


def _printable(text: str) -> str:
    if not text.isprintable():
        msg = "must not contain control characters"
        raise ValueError(msg)
    return text


class AdminBody(BaseModel):
    """A body of an admin call: unknown fields are refused, so that no typing error is swallowed."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True, hide_input_in_errors=True)


Name = Annotated[str, StringConstraints(min_length=1, max_length=255), AfterValidator(_printable)]
ShortName = Annotated[
    str, StringConstraints(min_length=1, max_length=100), AfterValidator(_printable)
]
Email = Annotated[str, StringConstraints(max_length=255, pattern=r"^[^@\s]+@[^@\s]+$")]
LifeDays = Annotated[int | None, Field(ge=1, le=LONGEST_LIFE_DAYS)]


def expiry_of(days: int | None) -> datetime | None:
    """Return the instant ``days`` from now; None for ever."""
    return container().clock.now() + timedelta(days=days) if days is not None else None
