"""The API's description: complete, true to its own models, with an example that works for each route."""

import json
import re
from typing import Any

import pytest
from pydantic import BaseModel

from backend.api.answers.catalogue import REFUSING, TEXTS, answers, examples
from backend.app import App
from tests.meta.test_routes import bare_app

FIRST_REFUSAL = 300


@pytest.fixture(scope="module")
def app() -> App:
    return bare_app()


@pytest.fixture(scope="module")
def operations(app: App) -> dict[str, dict[str, Any]]:
    """``GET /path`` to the operation."""
    return {
        f"{method.upper()} {path}": operation
        for path, methods in app.api_doc["paths"].items()
        for method, operation in methods.items()
    }


def test_every_route_of_the_api_is_described(app, operations):
    served = {
        f"{method} {rule.rule.replace('<', '{').replace('>', '}')}"
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith(("/api/", "/health", "/metrics"))
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }

    assert set(operations) == served


def test_every_route_says_what_it_does_and_what_it_answers(operations):
    for name, operation in operations.items():
        assert operation["summary"], name
        assert operation["description"], name
        codes = set(operation["responses"])
        assert not codes & {"default", "500", "422"}, name
        assert all(answer["description"] for answer in operation["responses"].values()), name


def test_every_route_has_models_and_examples_and_none_is_left_over(app):
    endpoints = {
        rule.endpoint
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith(("/api/", "/health"))
    }

    assert set(answers()) == endpoints - REFUSING
    assert set(examples()) == set(answers())
    assert set(TEXTS) <= {rule.endpoint for rule in app.url_map.iter_rules()}


def test_examples_of_answers_are_as_their_models_say():
    for endpoint, example in examples().items():
        kinds = answers()[endpoint]
        successes = {str(status) for status in kinds if status < FIRST_REFUSAL}
        assert set(example.answers) == successes, endpoint
        for status, body in example.answers.items():
            kinds[int(status)].validate_json(json.dumps(body), strict=True)


def test_examples_of_calls_are_accepted(app):
    for endpoint, example in examples().items():
        read = app.view_functions[endpoint].__annotations__
        sent = {"path": example.path, "query": example.query, "body": example.body}
        for part, values in sent.items():
            model = read.get(part)
            if values:
                assert model, f"{endpoint} takes no {part}"
            if model:
                assert issubclass(model, BaseModel)
                model.model_validate(values or {})


def test_examples_hold_no_secret_that_works():
    text = "".join(map(str, examples().values()))

    found = re.findall(r"\b(?:token-|sok_)[A-Za-z0-9]{12,}", text)
    assert [word for word in found if "EXAMPLE" not in word] == []
