"""Look through an ONNX file before anything executes it: operators, data, metadata.

Reads the protobuf wire format itself, a few fields deep: no schema, no code generation, and the
file's own claims about sizes are never trusted.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from backend.engines.errors import ModelRefused

STANDARD_DOMAINS: Final = frozenset({"", "ai.onnx", "ai.onnx.ml"})
REFUSED_OPERATORS: Final = {
    "Loop": "it may never end",
    "Scan": "it may never end",
    "SequenceMap": "it may never end",
}
MOST_NODES: Final = 20_000
_DEEPEST: Final = 4
_EXTERNAL: Final = 1

# Fields by number, as onnx.proto names them.
_MODEL_GRAPH, _MODEL_METADATA, _MODEL_TRAINING, _MODEL_FUNCTIONS = 7, 14, 20, 25
_GRAPH_NODE, _GRAPH_INITIALIZER, _GRAPH_SPARSE = 1, 5, 15
_NODE_OPERATOR, _NODE_ATTRIBUTE, _NODE_DOMAIN = 4, 5, 7
_ATTRIBUTE_TENSOR, _ATTRIBUTE_GRAPH, _ATTRIBUTE_TENSORS, _ATTRIBUTE_GRAPHS = 5, 6, 10, 11
_ATTRIBUTE_SPARSE, _ATTRIBUTE_SPARSES = 22, 23
_TENSOR_EXTERNAL, _TENSOR_LOCATION = 13, 14
_SPARSE_VALUES, _SPARSE_INDICES = 1, 2
_TENSORS = frozenset({_ATTRIBUTE_TENSOR, _ATTRIBUTE_TENSORS})
_GRAPHS = frozenset({_ATTRIBUTE_GRAPH, _ATTRIBUTE_GRAPHS})
_SPARSES = frozenset({_ATTRIBUTE_SPARSE, _ATTRIBUTE_SPARSES})

Value = int | bytes


@dataclass
class Survey:
    """What an ONNX file holds."""

    operators: Counter[str] = field(default_factory=Counter)
    metadata: dict[str, str] = field(default_factory=dict)


def survey(content: bytes) -> Survey:
    """Return what the file holds.

    Raises:
        ModelRefused: it is no ONNX, refers to other files, brings operators of its own, or has
            more than 20,000 nodes.
    """
    found = Survey()
    has_graph = False
    for number, value in _fields(content):
        if number == _MODEL_GRAPH:
            has_graph = True
            _graph(_message(value), found, 0)
        elif number == _MODEL_METADATA:
            pair = dict(_fields(_message(value)))
            found.metadata[_text(pair.get(1, b""))] = _text(pair.get(2, b""))
        elif number in (_MODEL_FUNCTIONS, _MODEL_TRAINING):
            raise _refused("it brings functions or training steps of its own")
    if not has_graph:
        raise _refused("it is no ONNX model")
    return found


def _graph(content: bytes, found: Survey, depth: int) -> None:
    if depth > _DEEPEST:
        raise _refused("its graphs are nested too deeply")
    for number, value in _fields(content):
        if number == _GRAPH_NODE:
            _node(_message(value), found, depth)
        elif number == _GRAPH_INITIALIZER:
            _tensor(_message(value))
        elif number == _GRAPH_SPARSE:
            _sparse(_message(value))


def _node(content: bytes, found: Survey, depth: int) -> None:
    operator, domain = "", ""
    for number, value in _fields(content):
        if number == _NODE_OPERATOR:
            operator = _text(value)
        elif number == _NODE_DOMAIN:
            domain = _text(value)
        elif number == _NODE_ATTRIBUTE:
            _attribute(_message(value), found, depth)
    if domain not in STANDARD_DOMAINS:
        raise _refused(f"operator {domain}.{operator} is not part of standard ONNX")
    if operator in REFUSED_OPERATORS:
        raise _refused(f"operator {operator}: {REFUSED_OPERATORS[operator]}")
    found.operators[operator] += 1
    if found.operators.total() > MOST_NODES:
        raise _refused(f"it has more than {MOST_NODES} nodes")


def _attribute(content: bytes, found: Survey, depth: int) -> None:
    for number, value in _fields(content):
        if number in _TENSORS:
            _tensor(_message(value))
        elif number in _GRAPHS:
            _graph(_message(value), found, depth + 1)
        elif number in _SPARSES:
            _sparse(_message(value))


def _sparse(content: bytes) -> None:
    for number, value in _fields(content):
        if number in (_SPARSE_VALUES, _SPARSE_INDICES):
            _tensor(_message(value))


def _tensor(content: bytes) -> None:
    for number, value in _fields(content):
        if number == _TENSOR_EXTERNAL or (number == _TENSOR_LOCATION and value == _EXTERNAL):
            raise _refused("its weights are in another file (external data); store them inside")


def _fields(content: bytes) -> Iterator[tuple[int, Value]]:
    """Yield number and value of each field; lengths are checked against what is there."""
    at, end = 0, len(content)
    while at < end:
        key, at = _varint(content, at)
        kind = key & 7
        if kind == 0:
            value, at = _varint(content, at)
            yield key >> 3, value
            continue
        if kind == 2:  # noqa: PLR2004 - the wire type of bytes
            size, at = _varint(content, at)
        elif kind in (1, 5):
            size = 8 if kind == 1 else 4
        else:
            raise _refused("it is no ONNX model")
        if at + size > end:
            raise _refused("it is cut off, or no ONNX model")
        yield key >> 3, content[at : at + size]
        at += size


def _varint(content: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        if at >= len(content) or shift > 63:  # noqa: PLR2004 - bits of the longest number
            raise _refused("it is cut off, or no ONNX model")
        byte = content[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:  # noqa: PLR2004 - the continuation bit
            return value, at
        shift += 7


def _message(value: Value) -> bytes:
    if isinstance(value, int):
        raise _refused("it is no ONNX model")
    return value


def _text(value: Value) -> str:
    return _message(value).decode("utf-8", "replace")


def _refused(reason: str) -> ModelRefused:
    return ModelRefused(f"The model is refused: {reason}")
