"""Ensembles of decision trees as arrays: ``feature <= threshold`` goes left.

A leaf has ``left`` -1. Children stand after their parent, so that every walk ends.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from backend.engines.errors import ModelRefused
from backend.engines.formats.contract import Matrix
from backend.engines.formats.numbers import array, indexes, number

MOST_TREES: Final = 5000
_LEAF = -1


@dataclass(frozen=True, slots=True)
class _Tree:
    feature: Any
    threshold: Matrix
    left: Any
    right: Any
    value: Matrix

    def predict(self, rows: Matrix) -> Matrix:
        """Walk all rows down at once; ends because children stand after their parents."""
        position = np.zeros(len(rows), dtype=np.int64)
        numbers = np.arange(len(rows))
        while True:
            walking = self.left[position] != _LEAF
            if not walking.any():
                return self.value[position]
            here = position[walking]
            goes_left = rows[numbers[walking], self.feature[here]] <= self.threshold[here]
            position[walking] = np.where(goes_left, self.left[here], self.right[here])


def build(document: Mapping[str, Any], width: int) -> Callable[[Matrix], Matrix]:
    """Return the sum or mean over the trees, plus ``base``.

    Raises:
        ModelRefused: an index leads nowhere, or in circles.
    """
    listed = document.get("trees")
    if not isinstance(listed, list) or not 1 <= len(listed) <= MOST_TREES:
        raise ModelRefused(f"The model is refused: trees must be a list of 1 to {MOST_TREES}")
    forest = [_tree(number_, tree, width) for number_, tree in enumerate(listed)]
    base = number(document, "base", 0.0)
    rule = document.get("aggregate", "sum")
    if rule not in ("sum", "mean"):
        raise ModelRefused("The model is refused: aggregate must be sum or mean")
    share = 1.0 / len(forest) if rule == "mean" else 1.0

    def predict(rows: Matrix) -> Matrix:
        total = np.full(len(rows), base)
        for tree in forest:
            total += share * tree.predict(rows)
        return total

    return predict


def _tree(position: int, document: Any, width: int) -> _Tree:
    if not isinstance(document, dict):
        raise ModelRefused(f"The model is refused: trees.{position} is no object")
    value = array(document, "value", None)
    count = len(value)
    left, right = indexes(document, "left", count), indexes(document, "right", count)
    feature = indexes(document, "feature", count)
    threshold = array(document, "threshold", count)
    own = np.arange(count)
    inner = left != _LEAF
    is_sound = (
        count > 0
        and ((left[inner] > own[inner]) & (left[inner] < count)).all()
        and ((right[inner] > own[inner]) & (right[inner] < count)).all()
        and ((feature[inner] >= 0) & (feature[inner] < width)).all()
    )
    if not is_sound:
        raise ModelRefused(
            f"The model is refused: trees.{position} has a child before its parent, a child that"
            " does not exist, or a feature that does not"
        )
    return _Tree(feature, threshold, left, right, value)
