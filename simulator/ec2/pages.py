"""Pages: at most so many results, and a token that says where the next page begins."""

import base64
import binascii
import json
from collections.abc import Sequence
from typing import Any, TypeVar

from simulator.errors import AwsError

T = TypeVar("T")


def encode_token(*parts: Any) -> str:
    """Return an opaque token that holds these JSON values."""
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode()


def decode_token(token: str, count: int) -> list[Any]:
    """Return the values of a token.

    Raises:
        AwsError: InvalidNextToken, when it is none of ours.
    """
    try:
        parts = json.loads(base64.urlsafe_b64decode(token.encode()))
    except (binascii.Error, ValueError):
        parts = None
    if not isinstance(parts, list) or len(parts) != count:
        raise AwsError("InvalidNextToken", "The specified NextToken is not valid")
    return parts


def check_page_size(value: int | None, smallest: int, largest: int) -> int:
    """Return how many results a page holds; the largest number when none is given.

    Raises:
        AwsError: InvalidParameterValue, when it is out of range.
    """
    if value is None:
        return largest
    if not smallest <= value <= largest:
        raise AwsError(
            "InvalidParameterValue",
            f"Value ( {value} ) for parameter maxResults is invalid. "
            f"Expecting a value between {smallest} and {largest}.",
        )
    return value


def page_after(
    things: Sequence[T], keys: Sequence[str], token: str | None, size: int
) -> tuple[list[T], str | None]:
    """Return the page after the thing whose key the token holds, and the next token or None.

    ``keys`` are those of ``things``; a thing that has gone meanwhile does not disturb the order
    as long as keys sort.
    """
    last = str(decode_token(token, 1)[0]) if token else ""
    rest = [(key, thing) for key, thing in zip(keys, things, strict=True) if key > last]
    page = rest[:size]
    more = encode_token(page[-1][0]) if len(rest) > size else None
    return [thing for _, thing in page], more
