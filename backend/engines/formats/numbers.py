"""Numbers out of foreign documents: finite, of the right shape, and not too many."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from backend.engines.errors import ModelRefused
from backend.engines.formats.contract import MOST_NUMBERS, Matrix


def array(document: Mapping[str, Any], name: str, *shape: int | None) -> Matrix:
    """Return a list of numbers as an array.

    Args:
        document: Where it stands.
        name: Its key.
        *shape: The expected length of each axis; None for any.

    Raises:
        ModelRefused: it is missing, has another shape, or holds what is no finite number.
    """
    if name not in document:
        raise ModelRefused(f"The model is refused: {name!r} is missing")
    try:
        values = np.asarray(document[name], dtype=np.float64)
    except (TypeError, ValueError):
        raise ModelRefused(f"The model is refused: {name!r} is no list of numbers") from None
    if values.ndim != len(shape) or any(
        wanted not in (None, found) for wanted, found in zip(shape, values.shape, strict=True)
    ):
        wanted_text = " x ".join("any" if length is None else str(length) for length in shape)
        raise ModelRefused(
            f"The model is refused: {name!r} has the shape {values.shape}, not {wanted_text}"
        )
    if values.size > MOST_NUMBERS:
        raise ModelRefused(f"The model is refused: {name!r} has more than {MOST_NUMBERS} numbers")
    if not np.isfinite(values).all():
        raise ModelRefused(f"The model is refused: {name!r} holds what is no finite number")
    return values


def indexes(document: Mapping[str, Any], name: str, length: int | None) -> Any:
    """Return a list of whole numbers as an integer array; errors as ``array``."""
    values = array(document, name, length)
    if (values != np.floor(values)).any() or (np.abs(values) > MOST_NUMBERS).any():
        raise ModelRefused(f"The model is refused: {name!r} holds what is no index")
    return values.astype(np.int64)


def number(document: Mapping[str, Any], name: str, default: float | None = None) -> float:
    """Return one finite number.

    Raises:
        ModelRefused: it is missing, or no finite number.
    """
    value = document.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not np.isfinite(value):
        raise ModelRefused(f"The model is refused: {name!r} must be a finite number")
    return float(value)
