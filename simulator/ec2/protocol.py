"""The EC2 query protocol, driven by botocore's own model of the API.

Requests are flat forms (``Filter.1.Name=...``), answers XML. What the model does not know is
refused; what the model knows is typed exactly as boto3 expects it.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any
from xml.etree import ElementTree as ET  # only writes; nothing foreign is parsed

from botocore.loaders import Loader
from botocore.model import ListShape, OperationModel, ServiceModel, Shape, StructureShape

from simulator.errors import AwsError

NAMESPACE = "http://ec2.amazonaws.com/doc/2016-11-15/"
ENVELOPE = frozenset({"Action", "Version"})
Tree = dict[str, Any]


class Ec2Protocol:
    """Reads requests and writes answers of the EC2 API. Thread-safe."""

    def __init__(self) -> None:
        self._model = _model()

    def parse(self, form: Mapping[str, str]) -> tuple[str, dict[str, Any]]:
        """Return the action and its typed parameters.

        Raises:
            AwsError: InvalidAction, UnknownParameter, InvalidParameterValue, MissingParameter.
        """
        action = form.get("Action", "")
        operation = self._operation(action)
        tree: Tree = {}
        for key, value in form.items():
            if key not in ENVELOPE:
                _plant(tree, key, value)
        if operation.input_shape is None:
            return action, {}
        parameters: dict[str, Any] = _structure(operation.input_shape, tree, "")
        return action, parameters

    def render(self, action: str, result: Mapping[str, Any], request_id: str) -> bytes:
        """Return the XML of a result.

        Raises:
            KeyError: the result holds a name that the model does not know.
        """
        root = ET.Element(f"{action}Response", {"xmlns": NAMESPACE})
        ET.SubElement(root, "requestId").text = request_id
        shape = self._operation(action).output_shape
        if shape is None:
            ET.SubElement(root, "return").text = "true"
        else:
            _write_members(root, shape, result)
        return b'<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root)

    def _operation(self, action: str) -> OperationModel:
        if action not in self._model.operation_names:
            raise AwsError("InvalidAction", f"The action '{action}' is not valid for EC2")
        return self._model.operation_model(action)


@cache
def _model() -> ServiceModel:
    """Load the model once: it is megabytes of JSON, and never changes."""
    return ServiceModel(Loader().load_service_model("ec2", "service-2"), "ec2")


def render_error(error: AwsError, request_id: str) -> bytes:
    """Return the XML with which EC2 refuses."""
    root = ET.Element("Response")
    inner = ET.SubElement(ET.SubElement(root, "Errors"), "Error")
    ET.SubElement(inner, "Code").text = error.code
    ET.SubElement(inner, "Message").text = error.message
    ET.SubElement(root, "RequestID").text = request_id
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root)


def timestamp(instant: datetime) -> str:
    """Return an instant as EC2 writes it: UTC, milliseconds, Z."""
    utc = instant.astimezone(UTC)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03d}Z"


def _plant(tree: Tree, key: str, value: str) -> None:
    *path, last = key.split(".")
    for part in path:
        branch = tree.setdefault(part, {})
        if not isinstance(branch, dict):
            raise AwsError("InvalidParameterCombination", f"{key} contradicts another parameter")
        tree = branch
    tree[last] = value


def _structure(shape: StructureShape, tree: Tree, where: str) -> dict[str, Any]:
    names = {_input_name(member, name): name for name, member in shape.members.items()}
    unknown = sorted(set(tree) - set(names))
    if unknown:
        raise AwsError("UnknownParameter", f"The parameter {where}{unknown[0]} is not recognized")
    result = {
        names[key]: _value(shape.members[names[key]], value, f"{where}{key}")
        for key, value in tree.items()
    }
    missing = [name for name in shape.required_members if name not in result]
    if missing:
        raise AwsError(
            "MissingParameter", f"The request must contain the parameter {where}{missing[0]}"
        )
    return result


def _input_name(shape: Shape, default: str) -> str:
    if "queryName" in shape.serialization:
        return str(shape.serialization["queryName"])
    name = str(shape.serialization.get("name", default))
    return name[0].upper() + name[1:]


def _value(shape: Shape, value: Any, where: str) -> Any:
    is_branch = isinstance(value, dict)
    if is_branch != isinstance(shape, StructureShape | ListShape):
        raise AwsError("InvalidParameterValue", f"{where} has the wrong shape")
    if isinstance(shape, StructureShape):
        return _structure(shape, value, f"{where}.")
    if isinstance(shape, ListShape):
        return _list(shape, value, where)
    try:
        return _scalar(shape.type_name, value)
    except ValueError:
        raise AwsError(
            "InvalidParameterValue", f"Value ({value}) for parameter {where} is invalid"
        ) from None


def _list(shape: ListShape, tree: Tree, where: str) -> list[Any]:
    if not all(key.isdigit() for key in tree):
        raise AwsError("InvalidParameterValue", f"{where} has to be numbered from 1")
    ordered = sorted(tree, key=int)
    return [_value(shape.member, tree[key], f"{where}.{key}") for key in ordered]


def _scalar(kind: str, text: str) -> Any:
    if kind == "boolean":
        return _boolean(text)
    if kind in ("integer", "long"):
        return int(text)
    if kind in ("float", "double"):
        return float(text)
    if kind == "timestamp":
        instant = datetime.fromisoformat(text)
        return instant if instant.tzinfo else instant.replace(tzinfo=UTC)
    return text  # strings, and blobs as the base64 that they came in


def _boolean(text: str) -> bool:
    words = {"true": True, "false": False}
    if text.lower() not in words:
        raise ValueError(text)
    return words[text.lower()]


def _write_members(parent: ET.Element, shape: StructureShape, values: Mapping[str, Any]) -> None:
    for name, value in values.items():
        member = shape.members[name]
        if value is not None:
            tag = str(member.serialization.get("name", name))
            _write(parent, tag, member, value)


def _write(parent: ET.Element, tag: str, shape: Shape, value: Any) -> None:
    element = ET.SubElement(parent, tag)
    if isinstance(shape, StructureShape):
        _write_members(element, shape, value)
    elif isinstance(shape, ListShape):
        item = str(shape.member.serialization.get("name", "item"))
        for entry in value:
            _write(element, item, shape.member, entry)
    elif isinstance(value, datetime):
        element.text = timestamp(value)
    elif isinstance(value, bool):
        element.text = "true" if value else "false"
    else:
        element.text = str(value)
