"""The AWS query protocol: flat forms with ``member`` lists in, XML out."""

from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree import ElementTree as ET  # only writes; nothing foreign is parsed

from simulator.errors import AwsError

NAMESPACE = "http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/"


def member_texts(form: Mapping[str, str], name: str) -> list[str]:
    """Return a list of texts: ``Name.member.1=...``, in the order of their numbers."""
    prefix = f"{name}.member."
    found = {
        key.removeprefix(prefix): value for key, value in form.items() if key.startswith(prefix)
    }
    return [found[number] for number in sorted(found, key=_number)]


def member_objects(form: Mapping[str, str], name: str) -> list[dict[str, str]]:
    """Return a list of flat objects: ``Name.member.1.Field=...``."""
    prefix = f"{name}.member."
    objects: dict[str, dict[str, str]] = {}
    for key, value in form.items():
        if key.startswith(prefix):
            number, _, field = key.removeprefix(prefix).partition(".")
            objects.setdefault(number, {})[field] = value
    return [objects[number] for number in sorted(objects, key=_number)]


def render(action: str, result: Mapping[str, Any], request_id: str) -> bytes:
    """Return the XML of a result: texts, numbers, mappings and sequences."""
    root = ET.Element(f"{action}Response", {"xmlns": NAMESPACE})
    _write(ET.SubElement(root, f"{action}Result"), result)
    ET.SubElement(ET.SubElement(root, "ResponseMetadata"), "RequestId").text = request_id
    return ET.tostring(root)


def render_error(error: AwsError, request_id: str) -> bytes:
    """Return the XML with which the service refuses."""
    root = ET.Element("ErrorResponse", {"xmlns": NAMESPACE})
    inner = ET.SubElement(root, "Error")
    ET.SubElement(inner, "Type").text = "Sender"
    ET.SubElement(inner, "Code").text = error.code
    ET.SubElement(inner, "Message").text = error.message
    ET.SubElement(root, "RequestId").text = request_id
    return ET.tostring(root)


def _write(parent: ET.Element, value: Any) -> None:
    if isinstance(value, Mapping):
        for name, inner in value.items():
            if inner is not None:
                _write(ET.SubElement(parent, name), inner)
    elif isinstance(value, Sequence) and not isinstance(value, str):
        for inner in value:
            _write(ET.SubElement(parent, "member"), inner)
    else:
        parent.text = str(value)


def _number(text: str) -> int:
    if not text.isdigit():
        raise AwsError("ValidationError", "Lists have to be numbered from 1")
    return int(text)
