"""Model files as users make them, good and evil."""

import io
import os
import pickle
import zipfile
from collections import OrderedDict
from typing import ClassVar

import h5py
import numpy as np
import onnx
import orjson
from onnx import TensorProto, helper

FEATURES = ["age", "losses", "ratio"]


def own_json(intercept: float = 0.1, features=None, **changes) -> bytes:
    names = FEATURES if features is None else features
    return orjson.dumps(
        {
            "format": "spot-optimizer-model/1",
            "type": "logistic",
            "features": names,
            "coefficients": [0.5, -1.0, 2.0][: len(names)],
            "intercept": intercept,
            **changes,
        }
    )


def onnx_model(nodes, initializers=(), outputs=("p",), width=3, opset=17, **kwargs) -> bytes:
    graph = helper.make_graph(
        nodes,
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, width])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
        list(initializers),
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], **kwargs)
    model.ir_version = 8
    return model.SerializeToString()


def onnx_logistic() -> bytes:
    weights = helper.make_tensor("w", TensorProto.FLOAT, [3, 1], [0.5, -1.0, 2.0])
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["z"]),
        helper.make_node("Sigmoid", ["z"], ["p"]),
    ]
    return onnx_model(nodes, [weights])


def onnx_external() -> bytes:
    weights = helper.make_tensor("w", TensorProto.FLOAT, [3, 1], [0.5, -1.0, 2.0])
    weights.ClearField("float_data")
    weights.data_location = TensorProto.EXTERNAL
    weights.external_data.add(key="location", value="../../.env")
    return onnx_model([helper.make_node("MatMul", ["x", "w"], ["p"])], [weights])


def onnx_memory_bomb() -> bytes:
    shape = onnx.numpy_helper.from_array(np.array([1 << 17, 1 << 17], dtype=np.int64), "shape")
    nodes = [
        helper.make_node("ConstantOfShape", ["shape"], ["big"]),
        helper.make_node("ReduceSum", ["big"], ["s"], keepdims=1),
        helper.make_node("MatMul", ["x", "w"], ["z"]),
        helper.make_node("Add", ["z", "s"], ["p"]),
    ]
    weights = helper.make_tensor("w", TensorProto.FLOAT, [3, 1], [0.5, -1.0, 2.0])
    return onnx_model(nodes, [shape, weights])


def onnx_nan() -> bytes:
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["z"]),
        helper.make_node("Sub", ["z", "z"], ["zero"]),
        helper.make_node("Div", ["zero", "zero"], ["p"]),
    ]
    return onnx_model(nodes, [helper.make_tensor("w", TensorProto.FLOAT, [3, 1], [1.0, 1.0, 1.0])])


def onnx_operator(name: str, domain: str = "") -> bytes:
    return onnx_model([helper.make_node(name, ["x"], ["p"], domain=domain)])


class Evil:
    """Its pickle calls a function with arguments."""

    def __init__(self, function, *arguments):
        self._call = (function, arguments)

    def __reduce__(self):
        return self._call


def keras_file(layers=None, links: bool = False) -> bytes:
    """As Keras 2 writes a Sequential of two Dense layers with a batch norm between."""
    random = np.random.default_rng(1)
    out = io.BytesIO()
    listed = layers or [
        {"class_name": "InputLayer", "config": {"name": "in"}},
        {"class_name": "Dense", "config": {"name": "d1", "activation": "relu"}},
        {"class_name": "BatchNormalization", "config": {"name": "bn", "epsilon": 0.001}},
        {"class_name": "Dropout", "config": {"name": "drop"}},
        {"class_name": "Dense", "config": {"name": "d2", "activation": "sigmoid"}},
    ]
    arrays = {
        "d1": {"kernel": random.normal(size=(3, 4)), "bias": random.normal(size=4)},
        "bn": {
            "gamma": random.normal(size=4), "beta": random.normal(size=4),
            "moving_mean": random.normal(size=4), "moving_variance": random.random(4) + 0.5,
        },
        "d2": {"kernel": random.normal(size=(4, 1)), "bias": random.normal(size=1)},
    }  # fmt: skip
    with h5py.File(out, "w") as file:
        config = {"class_name": "Sequential", "config": {"name": "s", "layers": listed}}
        file.attrs["model_config"] = orjson.dumps(config).decode()
        weights = file.create_group("model_weights")
        for layer in listed:
            name = layer["config"]["name"]
            group = weights.create_group(name)
            paths = []
            for part, values in arrays.get(name, {}).items():
                path = f"{name}/{part}:0"
                if links:
                    group.create_group(name, track_order=None) if name not in group else None
                    group[path] = h5py.ExternalLink("/etc/passwd", "/x")
                else:
                    group.create_dataset(path, data=values)
                paths.append(path.encode())
            group.attrs["weight_names"] = paths
    return out.getvalue()


def keras_expected(rows) -> list[float]:
    random = np.random.default_rng(1)
    k1, b1 = random.normal(size=(3, 4)), random.normal(size=4)
    gamma, beta, mean = (random.normal(size=4) for _ in range(3))
    variance = random.random(4) + 0.5
    k2, b2 = random.normal(size=(4, 1)), random.normal(size=1)
    hidden = np.maximum(np.asarray(rows) @ k1 + b1, 0)
    hidden = gamma * (hidden - mean) / np.sqrt(variance + 0.001) + beta
    return (1 / (1 + np.exp(-(hidden @ k2 + b2))))[:, 0].tolist()


class _Named:
    """Pickles as a global of another module."""

    def __init__(self, module: str, name: str):
        self.module, self.name = module, name


class _TorchPickler(pickle._Pickler):
    dispatch: ClassVar = dict(pickle._Pickler.dispatch)

    def save_named(self, value):
        self.write(pickle.GLOBAL + f"{value.module}\n{value.name}\n".encode())

    dispatch[_Named] = save_named

    def persistent_id(self, value):
        return value.pid if isinstance(value, _Storage) else None


class _Storage:
    def __init__(self, pid):
        self.pid = pid


class _Tensor:
    def __init__(self, storage, shape):
        self._parts = (storage, 0, shape, _strides(shape), False, OrderedDict())

    def __reduce__(self):
        return _rebuild, self._parts


def _rebuild(*_parts):
    raise AssertionError("only a name in the pickle")


def _strides(shape):
    return tuple(int(np.prod(shape[place + 1 :])) for place in range(len(shape)))


def torch_file(state=None, extra=None) -> bytes:
    """As torch.save writes a state_dict: a zip with data.pkl and one member for each storage."""
    tensors = {
        "0.weight": np.array([[0.5, -1.0, 2.0]], dtype="<f4"),
        "0.bias": np.array([0.25], dtype="<f4"),
    }
    out, described = io.BytesIO(), OrderedDict()
    with zipfile.ZipFile(out, "w") as archive:
        for key, (name, values) in enumerate(tensors.items()):
            float_storage = _Named("torch", "FloatStorage")
            pid = ("storage", float_storage, str(key), "cpu", values.size)
            described[name] = _Tensor(_Storage(pid), values.shape)
            archive.writestr(f"archive/data/{key}", values.tobytes())
        archive.writestr("archive/data.pkl", _torch_pickle(described if state is None else state))
        for name, content in (extra or {}).items():
            archive.writestr(f"archive/{name}", content, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def _torch_pickle(state) -> bytes:
    out = io.BytesIO()
    pickler = _TorchPickler(out, protocol=2)
    pickler.dump(state)
    ours = f"c{_rebuild.__module__}\n_rebuild\n".encode()
    return out.getvalue().replace(ours, b"ctorch._utils\n_rebuild_tensor_v2\n")


ARCHITECTURE = [{"type": "linear", "name": "0"}, {"type": "activation", "name": "sigmoid"}]


def command(text: str) -> Evil:
    return Evil(os.system, text)
