"""Our own format: coefficients as JSON, for linear and logistic models, trees and dense networks.

A document is ``{"format": "spot-optimizer-model/1", "type": ..., "features": [...], ...}``;
docs/models.md describes the four types. Nothing in it can be executed.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
import orjson

from backend.engines.errors import ModelRefused
from backend.engines.formats import dense, trees
from backend.engines.formats.contract import LARGEST_WIDTH, Matrix, Model, Read
from backend.engines.formats.numbers import array, number

FORMAT: Final = "spot-optimizer-model/1"

Predict = Callable[[Matrix], Matrix]


class OwnModel:
    """A model of coefficients: scale, compute, link, calibrate."""

    def __init__(self, features: tuple[str, ...], compute: Predict, finish: Predict) -> None:
        self.features: tuple[str, ...] | None = features
        self.width: int | None = len(features)
        self._compute = compute
        self._finish = finish

    def predict(self, rows: Matrix) -> Matrix:
        """Return one number for each row."""
        return self._finish(self._compute(rows))


def read(content: bytes) -> Read:
    """Read a document.

    Raises:
        ModelRefused: with the field that is wrong.
    """
    try:
        document = orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise ModelRefused(f"The model is refused: not valid JSON: {error}") from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise ModelRefused(f'The model is refused: it must begin with {{"format": "{FORMAT}"')
    return Read(build(document))


def build(document: Mapping[str, Any]) -> Model:
    """Return the model that a document describes.

    Raises:
        ModelRefused: with the field that is wrong.
    """
    features = feature_names(document.get("features"))
    kind = document.get("type")
    if kind not in _TYPES:
        raise ModelRefused(
            f"The model is refused: type {kind!r} is not one of {', '.join(sorted(_TYPES))}"
        )
    scale = _scaling(document, len(features))
    compute, link = _TYPES[kind](document, len(features))
    calibrate = _calibration(document)
    return OwnModel(
        features, lambda rows: compute(scale(rows)), lambda raw: calibrate(_link(link)(raw))
    )


def feature_names(value: Any) -> tuple[str, ...]:
    """Return names of features in order.

    Raises:
        ModelRefused: not a list of 1 to 4096 different names.
    """
    if not isinstance(value, list) or not 1 <= len(value) <= LARGEST_WIDTH:
        raise ModelRefused(
            f"The model is refused: features must be a list of 1 to {LARGEST_WIDTH} names, in the"
            " order of the model's inputs"
        )
    if not all(isinstance(name, str) and 0 < len(name) <= 100 for name in value):  # noqa: PLR2004 - the length of a name
        raise ModelRefused("The model is refused: a feature's name has 1 to 100 characters")
    if len(set(value)) != len(value):
        raise ModelRefused("The model is refused: a feature is named twice")
    return tuple(value)


def sigmoid(raw: Matrix) -> Matrix:
    """Return the logistic function, without overflow."""
    return np.asarray(0.5 * (1.0 + np.tanh(0.5 * raw)))


def _linear(document: Mapping[str, Any], width: int) -> tuple[Predict, str]:
    weights = array(document, "coefficients", width)
    intercept = number(document, "intercept", 0.0)
    return (lambda rows: rows @ weights + intercept), "identity"


def _logistic(document: Mapping[str, Any], width: int) -> tuple[Predict, str]:
    return _linear(document, width)[0], "logistic"


def _trees(document: Mapping[str, Any], width: int) -> tuple[Predict, str]:
    return trees.build(document, width), str(document.get("link", "identity"))


def _dense(document: Mapping[str, Any], width: int) -> tuple[Predict, str]:
    return dense.build(document, width), "identity"


_TYPES: Final[dict[Any, Callable[[Mapping[str, Any], int], tuple[Predict, str]]]] = {
    "linear": _linear,
    "logistic": _logistic,
    "trees": _trees,
    "dense": _dense,
}


def _link(name: str) -> Predict:
    if name == "logistic":
        return sigmoid
    if name == "identity":
        return lambda raw: raw
    raise ModelRefused(f"The model is refused: link {name!r} is not identity or logistic")


def _scaling(document: Mapping[str, Any], width: int) -> Predict:
    scaling = document.get("scaling")
    if scaling is None:
        return lambda rows: rows
    if not isinstance(scaling, dict):
        raise ModelRefused("The model is refused: scaling must have mean and scale")
    mean, scale = array(scaling, "mean", width), array(scaling, "scale", width)
    if (scale == 0).any():
        raise ModelRefused("The model is refused: scaling.scale holds a zero")
    return lambda rows: (rows - mean) / scale


def _calibration(document: Mapping[str, Any]) -> Predict:
    """Return the last step: points of a rising curve, straight between them, flat outside."""
    calibration = document.get("calibration")
    if calibration is None:
        return lambda values: values
    if not isinstance(calibration, dict):
        raise ModelRefused("The model is refused: calibration must have x and y")
    x = array(calibration, "x", None)
    y = array(calibration, "y", len(x))
    if not len(x) or (np.diff(x) < 0).any():
        raise ModelRefused("The model is refused: calibration.x must rise")
    return lambda values: np.interp(values, x, y)
