"""PyTorch state dictionaries (.pth, .pt), read as data: an allow-listed reader of the zip's tensors.

The file holds tensors only; how they are connected stands in the manifest under ``architecture``,
a list of ``{"type": "linear", "name": "0"}``, ``{"type": "batch_norm", "name": "1"}`` and
``{"type": "activation", "name": "relu"}``. Whole pickled modules are refused by name.
"""

import io
import math
import zipfile
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from backend.engines.errors import ModelRefused
from backend.engines.formats import unpickling
from backend.engines.formats.contract import MOST_NUMBERS, Read
from backend.engines.formats.own_json import FORMAT, build

ADVICE: Final = "Save a state_dict (torch.save(model.state_dict(), ...)), or export ONNX instead."
MOST_MEMBERS: Final = 2000
MOST_UNPACKED_BYTES: Final = 256 * 1024 * 1024
_STORED: Final = {
    "DoubleStorage": np.dtype("<f8"),
    "FloatStorage": np.dtype("<f4"),
    "HalfStorage": np.dtype("<f2"),
    "LongStorage": np.dtype("<i8"),
    "IntStorage": np.dtype("<i4"),
}
_BATCH_NORM_EPSILON = 1e-5

Tensors = Mapping[str, np.ndarray[Any, Any]]


def read(content: bytes, features: tuple[str, ...] | None, architecture: Any) -> Read:
    """Read a state dictionary and convert it.

    Raises:
        ModelRefused: with what is not a tensor, or what does not fit the manifest.
    """
    tensors = _tensors(content)
    if features is None:
        raise ModelRefused("The model is refused: the manifest must name its features")
    if not isinstance(architecture, list):
        raise ModelRefused(
            "The model is refused: a state_dict says nothing of its network; the manifest must"
            " list the layers under architecture, or export the model as ONNX instead"
        )
    layers = [_layer(entry, tensors) for entry in architecture]
    document = {"format": FORMAT, "type": "dense", "features": list(features), "layers": layers}
    return Read(build(document), converted=document)


def _tensors(content: bytes) -> Tensors:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = _members(archive)
            description = archive.read(members["data.pkl"])
            state = unpickling.finish(_TensorUnpickler(description, members, archive))
    except zipfile.BadZipFile as error:
        raise ModelRefused(
            f"The model is refused: it is no PyTorch file of version 1.6 or later. {ADVICE}"
        ) from error
    if not isinstance(state, dict) or not all(
        isinstance(name, str) and isinstance(value, np.ndarray) for name, value in state.items()
    ):
        raise ModelRefused(f"The model is refused: it is no state_dict. {ADVICE}")
    return state


def _members(archive: zipfile.ZipFile) -> dict[str, str]:
    """Return the members by their name below the archive's folder."""
    listed = archive.infolist()
    if len(listed) > MOST_MEMBERS or sum(m.file_size for m in listed) > MOST_UNPACKED_BYTES:
        raise ModelRefused("The model is refused: it unpacks to too much")
    members = {member.filename.partition("/")[2]: member.filename for member in listed}
    if "constants.pkl" in members or any(name.startswith("code/") for name in members):
        raise ModelRefused(f"The model is refused: it is TorchScript, which is a program. {ADVICE}")
    if "data.pkl" not in members:
        raise ModelRefused(f"The model is refused: it is no PyTorch file. {ADVICE}")
    return members


class _TensorUnpickler(unpickling.ListedUnpickler):
    """Builds arrays where PyTorch would build tensors."""

    def __init__(
        self, content: bytes, members: Mapping[str, str], archive: zipfile.ZipFile
    ) -> None:
        names: dict[tuple[str, str], Any] = {
            ("collections", "OrderedDict"): OrderedDict,
            ("torch._utils", "_rebuild_tensor_v2"): _rebuilt,
            ("torch._utils", "_rebuild_parameter"): _parameter,
            **{("torch", name): dtype for name, dtype in _STORED.items()},
        }
        super().__init__(content, names, ADVICE)
        self._members = members
        self._archive = archive

    def persistent_load(self, pid: Any) -> np.ndarray[Any, Any]:
        """Return the numbers of one storage."""
        _, dtype, key, _, count = pid
        if not isinstance(dtype, np.dtype) or not 0 <= int(count) <= MOST_NUMBERS:
            raise ModelRefused("The model is refused: a tensor of it is of an unknown kind")
        name = self._members.get(f"data/{key}")
        if name is None:
            raise ModelRefused(f"The model is refused: the data of tensor {key!r} is missing")
        data = self._archive.read(name)
        if len(data) != int(count) * dtype.itemsize:
            raise ModelRefused(f"The model is refused: the data of tensor {key!r} is cut off")
        return np.frombuffer(data, dtype=dtype)


def _rebuilt(
    storage: Any, offset: int, size: tuple[int, ...], stride: tuple[int, ...], *_others: Any
) -> np.ndarray[Any, Any]:
    shape, steps = tuple(map(int, size)), tuple(map(int, stride))
    if not isinstance(storage, np.ndarray) or len(shape) != len(steps):
        raise ModelRefused("The model is refused: a tensor of it has no data")
    last = int(offset) + sum((n - 1) * step for n, step in zip(shape, steps, strict=True))
    is_inside = offset >= 0 and min((0, *steps)) >= 0 and min((1, *shape)) > 0
    if not is_inside or last >= max(1, len(storage)) or math.prod(shape) > MOST_NUMBERS:
        raise ModelRefused("The model is refused: a tensor reaches beyond its data")
    if not len(storage):
        raise ModelRefused("The model is refused: a tensor is empty")
    view = np.lib.stride_tricks.as_strided(
        storage[offset:], shape, tuple(step * storage.itemsize for step in steps)
    )
    return np.array(view, dtype=np.float64)


def _parameter(data: Any, *_others: Any) -> Any:
    return data


def _layer(entry: Any, tensors: Tensors) -> dict[str, Any]:
    kind = entry.get("type") if isinstance(entry, dict) else None
    if kind == "activation":
        return {"type": "activation", "name": entry.get("name")}
    if kind == "linear":
        weight = _tensor(tensors, entry, "weight")
        bias = tensors.get(f"{entry.get('name')}.bias", np.zeros(weight.shape[0]))
        return {"type": "dense", "weights": weight.T.tolist(), "bias": bias.tolist()}
    if kind == "batch_norm":
        mean, variance = (
            _tensor(tensors, entry, "running_mean"),
            _tensor(tensors, entry, "running_var"),
        )
        epsilon = float(entry.get("epsilon", _BATCH_NORM_EPSILON))
        factor = tensors.get(f"{entry.get('name')}.weight", np.ones_like(mean)) / np.sqrt(
            variance + epsilon
        )
        offset = tensors.get(f"{entry.get('name')}.bias", np.zeros_like(mean)) - mean * factor
        return {"type": "scale", "factor": factor.tolist(), "offset": offset.tolist()}
    raise ModelRefused(
        f"The model is refused: architecture names a layer {kind!r}; linear, batch_norm and"
        f" activation are read. {ADVICE}"
    )


def _tensor(tensors: Tensors, entry: Mapping[str, Any], part: str) -> np.ndarray[Any, Any]:
    name = f"{entry.get('name')}.{part}"
    if name not in tensors:
        raise ModelRefused(f"The model is refused: its state_dict has no {name!r}")
    return tensors[name]
