"""What all models of answers share."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


def _without_default(schema: dict[str, Any]) -> None:
    schema.pop("default", None)


# A field that some answers leave out; where it is present, it is never null.
UNSET: Any = Field(None, json_schema_extra=_without_default)


class Answer(BaseModel):
    """The body of an answer, or a part of it: these names and no others."""

    model_config = ConfigDict(extra="forbid")
