"""Calls that are made from the description get answers that are in the description."""

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.contract.dashboards import Story
from tests.meta.test_routes import bare_app

CHECKS = [
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
EXAMPLES = 8
SERVER_ERROR = 500
MAY_BE_UNREADY = ("/health", "/health/ready")  # no jobs run here
SEED = 20_260_302
# What would take the world away under the other calls is tried on strangers only.
_DESTRUCTIVE = ("/suspend", "/regenerate-token", "/termination")
_DESCRIPTION = schemathesis.openapi.from_dict(bare_app().api_doc)
OPERATIONS = {
    operation.ok().label: operation.ok() for operation in _DESCRIPTION.get_all_operations()
}


@pytest.mark.parametrize("label", sorted(OPERATIONS))
def test_answers_are_described_when_calls_are_made_from_the_description(
    story: Story, admin: dict[str, str], label: str
):
    operation = OPERATIONS[label]
    operation.app = story.world.app
    method, path = label.split(" ")
    is_destructive = method == "DELETE" or path.endswith(_DESTRUCTIVE)
    known = {
        "agent_id": story.agent_id,
        "client_id": story.world.alpha.client_id,
        "instance_id": "i-0bbb",
        "command_id": story.command_id,
    }
    headers = _headers(story, admin, operation.definition.raw["security"])

    @seed(SEED)
    @settings(
        max_examples=EXAMPLES,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(
        case=st.one_of(operation.as_strategy(mode) for mode in GenerationMode),
        is_known=st.booleans(),
    )
    def call(case: schemathesis.Case, is_known: bool) -> None:
        if is_known and not is_destructive:
            for name in known.keys() & case.path_parameters.keys():
                case.path_parameters[name] = known[name]
        answer = case.call(headers=headers)
        assert answer.status_code < SERVER_ERROR or path in MAY_BE_UNREADY
        case.validate_response(answer, checks=CHECKS, headers=headers)

    call()


def _headers(story: Story, admin: dict[str, str], security: list[Any]) -> dict[str, str]:
    """Return what an admin shows where operators are admitted, else a client's token."""
    if any("api_key" in scheme for scheme in security):
        return {**admin, "X-Instance-Id": "i-0bbb"}
    if security:
        return {"Authorization": f"Bearer {story.world.alpha.token}", "X-Instance-Id": "i-0bbb"}
    return {}
