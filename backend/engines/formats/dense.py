"""Dense feed-forward networks as arrays: layers, batch norms, standard activations."""

from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np

from backend.engines.errors import ModelRefused
from backend.engines.formats.contract import Matrix
from backend.engines.formats.numbers import array

MOST_LAYERS: Final = 200

Step = Callable[[Matrix], Matrix]


def _softmax(values: Matrix) -> Matrix:
    shifted = np.exp(values - values.max(axis=1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=1, keepdims=True))


def _gelu(values: Matrix) -> Matrix:
    inner = np.sqrt(2.0 / np.pi) * (values + 0.044715 * values**3)
    return np.asarray(0.5 * values * (1.0 + np.tanh(inner)))


def _elu(values: Matrix) -> Matrix:
    return np.where(values > 0, values, np.expm1(np.minimum(values, 0.0)))


ACTIVATIONS: Final[dict[str, Step]] = {
    "linear": lambda values: values,
    "relu": lambda values: np.maximum(values, 0.0),
    "sigmoid": lambda values: np.asarray(0.5 * (1.0 + np.tanh(0.5 * values))),
    "tanh": lambda values: np.asarray(np.tanh(values)),
    "softmax": _softmax,
    "softplus": lambda values: np.asarray(np.logaddexp(0.0, values)),
    "elu": _elu,
    "gelu": _gelu,
    "silu": lambda values: np.asarray(values * 0.5 * (1.0 + np.tanh(0.5 * values))),
}


def activation(name: Any) -> Step:
    """Return a standard activation.

    Raises:
        ModelRefused: it is none of ours.
    """
    step = ACTIVATIONS.get(name) if isinstance(name, str) else None
    if step is None:
        raise ModelRefused(
            f"The model is refused: activation {name!r} is not one of"
            f" {', '.join(sorted(ACTIVATIONS))}; export the model as ONNX instead"
        )
    return step


def build(document: Mapping[str, Any], width: int) -> Step:
    """Return the network of ``layers``; of two last outputs the second (the positive class) counts.

    Raises:
        ModelRefused: layers that do not fit each other, or a layer that is none of ours.
    """
    layers = document.get("layers")
    if not isinstance(layers, list) or not 1 <= len(layers) <= MOST_LAYERS:
        raise ModelRefused(f"The model is refused: layers must be a list of 1 to {MOST_LAYERS}")
    steps: list[Step] = []
    for position, layer in enumerate(layers):
        if not isinstance(layer, dict):
            raise ModelRefused(f"The model is refused: layers.{position} is no object")
        step, width = _layer(layer, width)
        steps.append(step)
    if width not in (1, 2):
        raise ModelRefused(f"The model is refused: the last layer has {width} outputs, not 1 or 2")

    def predict(rows: Matrix) -> Matrix:
        values = rows
        for step in steps:
            values = step(values)
        return values[:, -1]

    return predict


def _layer(layer: Mapping[str, Any], width: int) -> tuple[Step, int]:
    kind = layer.get("type")
    if kind == "dense":
        weights = array(layer, "weights", width, None)
        bias = array(layer, "bias", weights.shape[1])
        after = activation(layer.get("activation", "linear"))
        return (lambda values: after(values @ weights + bias)), weights.shape[1]
    if kind == "scale":  # what a batch norm is once it is trained
        factor, offset = array(layer, "factor", width), array(layer, "offset", width)
        return (lambda values: values * factor + offset), width
    if kind == "activation":
        return activation(layer.get("name")), width
    raise ModelRefused(
        f"The model is refused: layer {kind!r} is not dense, scale or activation; export the"
        " model as ONNX instead"
    )
