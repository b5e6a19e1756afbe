"""What the routes that order switches read in the same way."""

from backend.api.requests import ApiRequest
from backend.domain.modes import Mode
from backend.errors import InvalidRequest

MAX_KEY_LENGTH = 128  # characters, as the column


def mode_of(value: str | None, *, field: str, spot_words: tuple[str, ...] = ("spot",)) -> Mode:
    """Read where to switch to.

    Raises:
        InvalidRequest: it is none of the allowed words.
    """
    if value in spot_words:
        return Mode.SPOT
    if value == Mode.ONDEMAND:
        return Mode.ONDEMAND
    allowed = " or ".join([*spot_words, Mode.ONDEMAND])
    raise InvalidRequest(f"{field} must be {allowed}", field=field)


def idempotency_key(request: ApiRequest) -> str | None:
    """Return the header ``Idempotency-Key``: repeats with it return the first answer.

    Raises:
        InvalidRequest: it is longer than 128 characters.
    """
    key = request.headers.get("Idempotency-Key", "").strip()
    if len(key) > MAX_KEY_LENGTH:
        raise InvalidRequest(
            f"Idempotency-Key may have at most {MAX_KEY_LENGTH} characters",
            field="Idempotency-Key",
        )
    return key or None
