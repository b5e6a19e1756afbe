"""A form that was sent after the session ended: what was typed is kept across signing in.

Nothing is sent by itself afterwards: the operator sees what was typed, and sends it or not.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import orjson

from backend.api.context import api_request
from backend.dashboard.form_token import FIELD, require_form_token
from backend.errors import Forbidden

PLACE = "kept_place"  # the fields of the login form that carry it
TYPED = "kept_typed"
LARGEST = 20_000  # characters; forms of ours are far smaller
_OWN_PATH = re.compile(r"(/[A-Za-z0-9._-]+)+")


@dataclass(frozen=True, slots=True)
class Interrupted:
    """A form that waits: where it goes, and what was typed."""

    place: str
    typed: Mapping[str, str]

    @property
    def packed(self) -> str:
        """What was typed, as one value of another form."""
        return orjson.dumps(dict(self.typed)).decode()

    @property
    def visible(self) -> list[tuple[str, str]]:
        """What a person typed or chose, as words."""
        hidden = {FIELD, "key", "version"}
        return [
            (name.replace("_", " "), value)
            for name, value in self.typed.items()
            if name not in hidden and value
        ]


def interrupted_form() -> Interrupted | None:
    """Return the form of this request, if it is one of ours; without its token."""
    try:
        require_form_token()
    except Forbidden:
        return None
    form = api_request().form.to_dict()
    form.pop(FIELD, None)
    return Interrupted(api_request().path, form) if form else None


def carried_form() -> Interrupted | None:
    """Return the form that the submitted login form carries; None when there is none."""
    place, packed = api_request().form.get(PLACE, ""), api_request().form.get(TYPED, "")
    if not _OWN_PATH.fullmatch(place) or not packed or len(packed) > LARGEST:
        return None
    try:
        typed = orjson.loads(packed)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(typed, dict):
        return None
    return Interrupted(place, {str(name): str(value) for name, value in typed.items()})
