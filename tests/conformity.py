"""Hold every answer that an app gives in a test to the models of its description."""

from typing import Any

import flask
from pydantic import ValidationError

from backend.api.answers.catalogue import TEXTS, answers
from backend.api.errors import ErrorBody

FIRST_REFUSAL = 300


class Conformity:
    """Collects what the answers of one app have that their models have not, and the reverse."""

    def __init__(self, app: flask.Flask) -> None:
        self.faults: list[str] = []
        app.after_request(self._look)

    def _look(self, answer: flask.Response) -> flask.Response:
        rule = flask.request.url_rule
        kinds = answers().get(rule.endpoint) if rule else None
        if rule is None or (kinds is None and rule.endpoint not in TEXTS):
            return answer
        where = f"{flask.request.method} {rule.rule} {answer.status_code}"
        if answer.mimetype != "application/json":
            if answer.mimetype != TEXTS.get(rule.endpoint):
                self.faults.append(f"{where}: {answer.mimetype}")
            return answer
        try:
            self._check(kinds or {}, answer.status_code, answer.get_data())
        except (ValidationError, KeyError) as error:
            self.faults.append(f"{where}: {error}")
        return answer

    def _check(self, kinds: dict[int, Any], status: int, body: bytes) -> None:
        if status < FIRST_REFUSAL or status in kinds:
            kinds[status].validate_json(body, strict=True)
        else:
            ErrorBody.model_validate_json(body, strict=True)
