"""What every readable model becomes: something that turns a matrix into one number a row."""

from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]

LARGEST_WIDTH: Final = 4096  # features
MOST_NUMBERS: Final = 20_000_000  # coefficients of one model


class Model(Protocol):
    """A model in memory."""

    width: int | None
    """How many features a row has; None when the file does not say."""
    features: tuple[str, ...] | None
    """Their names in order; None when the file does not say."""

    def predict(self, rows: Matrix) -> Matrix:
        """Return one number for each row; the shape is ``(rows,)``."""


@dataclass(frozen=True, slots=True)
class Read:
    """A model as its file was read.

    Attributes:
        model: What scores.
        converted: Our own JSON that scores the same, for formats that are converted at upload.
        notes: What an operator should know.
    """

    model: Model
    converted: dict[str, Any] | None = None
    notes: list[str] = field(default_factory=list)
