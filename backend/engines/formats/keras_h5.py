"""Keras models in HDF5, read as data: dense layers, batch norms, standard activations.

Nothing of keras is needed or run: the architecture is a JSON text in the file, the weights are
arrays, and both become our own JSON. Any other layer is refused by its name.
"""

import io
from collections.abc import Callable, Mapping
from typing import Any, Final

import h5py
import numpy as np
import orjson

from backend.engines.errors import ModelRefused
from backend.engines.formats.contract import MOST_NUMBERS, Read
from backend.engines.formats.own_json import FORMAT, build

_SILENT: Final = frozenset({"InputLayer", "Dropout", "GaussianNoise", "GaussianDropout"})
_ADVICE: Final = "Only dense feed-forward networks are read from HDF5; export the model as ONNX."
_ALIASES: Final = {"swish": "silu", "leaky_relu": None}

Layers = list[dict[str, Any]]
Weights = dict[str, np.ndarray[Any, Any]]


def read(content: bytes, features: tuple[str, ...] | None) -> Read:
    """Read a Keras file and convert it.

    Raises:
        ModelRefused: a layer, an activation or a part of the file is not of the known kinds.
    """
    if features is None:
        raise ModelRefused("The model is refused: the manifest must name its features")
    try:
        with h5py.File(io.BytesIO(content), "r") as file:
            config = orjson.loads(file.attrs["model_config"])
            layers = _layers(config)
            converted = [
                step for layer in layers for step in _convert(layer, _weights(file, layer))
            ]
    except (KeyError, OSError, orjson.JSONDecodeError, UnicodeDecodeError, RuntimeError) as error:
        raise ModelRefused(
            f"The model is refused: it is no whole Keras model in HDF5 ({error})"[:500]
        ) from error
    document = {
        "format": FORMAT, "type": "dense", "features": list(features), "layers": converted,
    }  # fmt: skip
    return Read(build(document), converted=document)


def _layers(config: Any) -> Layers:
    kind = config.get("class_name")
    if kind != "Sequential":
        raise ModelRefused(f"The model is refused: it is {kind!r}, not Sequential. {_ADVICE}")
    inner = config["config"]
    listed = inner["layers"] if isinstance(inner, dict) else inner
    if not isinstance(listed, list) or not all(isinstance(layer, dict) for layer in listed):
        raise ModelRefused("The model is refused: its configuration has no layers")
    for layer in listed:
        name = layer.get("class_name")
        if name not in _SILENT and name not in _CONVERTERS:
            raise ModelRefused(f"The model is refused: layer {name!r} is not supported. {_ADVICE}")
    return listed


def _weights(file: Any, layer: Mapping[str, Any]) -> Weights:
    """Return the arrays of a layer by their last name: kernel, bias, gamma, ..."""
    name = layer["config"]["name"]
    group = _inside(file["model_weights"], name)
    found: Weights = {}
    for path in group.attrs.get("weight_names", ()):
        text = path.decode() if isinstance(path, bytes) else str(path)
        found[text.rsplit("/", 1)[-1].split(":")[0]] = _array(group, text)
    return found


def _array(group: Any, path: str) -> np.ndarray[Any, Any]:
    node = group
    for part in path.split("/"):
        node = _inside(node, part)
    if not isinstance(node, h5py.Dataset) or node.external or node.is_virtual:
        raise ModelRefused(f"The model is refused: {path} is not stored in the file itself")
    if node.size > MOST_NUMBERS or node.dtype.kind != "f":
        raise ModelRefused(f"The model is refused: {path} is too large, or holds no numbers")
    return np.asarray(node[()], dtype=np.float64)


def _inside(group: Any, name: str) -> Any:
    """Return a member, never through a link: links may lead to other files."""
    if not isinstance(group.get(name, getlink=True), h5py.HardLink):
        raise ModelRefused(f"The model is refused: {name} is a link")
    return group[name]


def _convert(layer: Mapping[str, Any], weights: Weights) -> Layers:
    name = str(layer["class_name"])
    return [] if name in _SILENT else _CONVERTERS[name](layer["config"], weights)


def _dense(config: Mapping[str, Any], weights: Weights) -> Layers:
    kernel = weights["kernel"]
    bias = weights.get("bias", np.zeros(kernel.shape[-1]))
    return [
        {
            "type": "dense",
            "weights": kernel.tolist(),
            "bias": bias.tolist(),
            "activation": _activation_name(config.get("activation")),
        }
    ]


def _batch_norm(config: Mapping[str, Any], weights: Weights) -> Layers:
    mean, variance = weights["moving_mean"], weights["moving_variance"]
    factor = weights.get("gamma", np.ones_like(mean)) / np.sqrt(
        variance + float(config.get("epsilon", 1e-3))
    )
    offset = weights.get("beta", np.zeros_like(mean)) - mean * factor
    return [{"type": "scale", "factor": factor.tolist(), "offset": offset.tolist()}]


def _activation(config: Mapping[str, Any], _unused: Weights) -> Layers:
    return [{"type": "activation", "name": _activation_name(config.get("activation"))}]


def _relu(config: Mapping[str, Any], _unused: Weights) -> Layers:
    plain = {"max_value": None, "negative_slope": 0.0, "threshold": 0.0}
    odd = [key for key, value in plain.items() if config.get(key, value) not in (value, 0, None)]
    if odd:
        raise ModelRefused(f"The model is refused: ReLU with {odd[0]} is not supported. {_ADVICE}")
    return [{"type": "activation", "name": "relu"}]


def _softmax(_config: Mapping[str, Any], _unused: Weights) -> Layers:
    return [{"type": "activation", "name": "softmax"}]


def _activation_name(value: Any) -> Any:
    """Return the name; anything that is no plain name (a function, an object) is refused later."""
    if value is None:
        return "linear"
    return _ALIASES.get(value, value) if isinstance(value, str) else str(value)[:100]


_CONVERTERS: Final[dict[Any, Callable[[Mapping[str, Any], Weights], Layers]]] = {
    "Activation": _activation,
    "BatchNormalization": _batch_norm,
    "Dense": _dense,
    "ReLU": _relu,
    "Softmax": _softmax,
}
