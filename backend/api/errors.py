"""Errors on the wire: the only place that knows status codes.

Every failure is JSON: ``{"error": sentence, "code": word, "request_id": id, "details": {...}}``.
"""

import logging
from collections.abc import Mapping
from typing import Any

import flask
from pydantic import BaseModel, Field, ValidationError
from werkzeug.exceptions import HTTPException

from backend import errors
from backend.api.context import api_request
from backend.api.ranges import allowed_text
from backend.engines.errors import BadFeatures, ModelRefused, ScorerUnavailable
from backend.errors import SpotOptimizerError

logger = logging.getLogger(__name__)

RETRY_AFTER_SECONDS = 2  # long enough for a pooled connection to come back, short for an agent
SERVER_ERROR = 500
MOST_FINDINGS = 20  # faults of one body that are listed: an answer must not outgrow its question

STATUS: Mapping[type[SpotOptimizerError], int] = {
    errors.InvalidRequest: 400,
    errors.CheckViolation: 400,
    errors.Unauthenticated: 401,
    errors.Forbidden: 403,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.UniqueViolation: 409,
    errors.ForeignKeyViolation: 409,
    errors.UnsupportedMediaType: 415,
    errors.LimitReached: 429,
    errors.Deadlock: 503,
    errors.DatabaseUnavailable: 503,
    ModelRefused: 400,
    BadFeatures: 400,
    ScorerUnavailable: 503,
}


class ErrorBody(BaseModel):
    """Every failure, in the API's description."""

    error: str = Field(description="A sentence for people")
    code: str = Field(description="A stable word for programs")
    request_id: str
    details: dict[str, Any] = Field(description="Facts; for invalid input: field -> sentences")


_HTTP_CODES = {
    400: "invalid_request",
    404: "not_found",
    405: "method_not_allowed",
    413: "body_too_large",
    415: "unsupported_media_type",
}
_HTTP_SENTENCES = {
    404: "There is nothing at this address",
    405: "This address does not take this method",
}


def status_of(error: SpotOptimizerError) -> int:
    """Return the status code of an error: that of its nearest listed ancestor, else 500."""
    return next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), SERVER_ERROR)


def error_body(
    sentence: str, code: str, details: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return the body that every failed request gets."""
    return {
        "error": sentence,
        "code": code,
        "request_id": api_request().request_id,
        "details": dict(details or {}),
    }


def invalid_request(error: ValidationError, model: type[BaseModel]) -> errors.InvalidRequest:
    """Translate pydantic's findings: each field with its sentences and what is allowed there."""
    fields: dict[str, list[str]] = {}
    for finding in error.errors(include_input=False, include_url=False)[:MOST_FINDINGS]:
        name = ".".join(str(part) for part in finding["loc"]) or "body"
        sentence = finding["msg"].removeprefix("Value error, ").removeprefix("Input ")
        sentence += allowed_text(model, finding["loc"])
        fields.setdefault(name, []).append(sentence)
    first, sentences = next(iter(fields.items()))
    return errors.InvalidRequest(f"Not valid: {first}: {sentences[0]}", fields=fields)


def register_error_handlers(app: flask.Flask) -> None:
    """Answer every failure of ``app`` in the one shape."""
    app.register_error_handler(SpotOptimizerError, _answer_own)
    app.register_error_handler(HTTPException, _answer_http)
    app.register_error_handler(Exception, _answer_unexpected)


def _answer_own(error: SpotOptimizerError) -> flask.Response:
    status = status_of(error)
    if status >= SERVER_ERROR:
        logger.error(
            "%s failed: %s",
            flask.request.endpoint,
            error.message,
            exc_info=status == SERVER_ERROR,
            extra={"action": "request_failed", "code": error.code},
        )
    if status == SERVER_ERROR:
        return _unexpected_answer()
    response = flask.jsonify(error_body(error.message, error.code, _details(error)))
    response.status_code = status
    _add_error_headers(response, error)
    return response


def _details(error: SpotOptimizerError) -> Mapping[str, Any]:
    if isinstance(error, errors.DatabaseError):
        return {}  # error numbers and constraint names are ours, not the caller's
    fields = error.facts.get("fields")
    return fields if isinstance(fields, Mapping) else error.facts


def _add_error_headers(response: flask.Response, error: SpotOptimizerError) -> None:
    if isinstance(error, errors.Unauthenticated):
        response.headers["WWW-Authenticate"] = 'Bearer realm="spot-optimizer"'
    if isinstance(error, errors.LimitReached):
        response.headers["Retry-After"] = str(error.facts.get("retry_after_seconds", 60))
    if isinstance(error, errors.DatabaseUnavailable | errors.Deadlock):
        response.headers["Retry-After"] = str(RETRY_AFTER_SECONDS)


def _answer_http(error: HTTPException) -> flask.Response:
    """Answer what werkzeug raises; redirects and prepared answers pass unchanged."""
    response = error.get_response()
    status = response.status_code
    if error.response is not None or status < 400:  # noqa: PLR2004 - the class of client errors
        return flask.Response(
            response.get_data(), status, response.headers, mimetype=response.mimetype
        )
    code = _HTTP_CODES.get(status, error.name.lower().replace(" ", "_"))
    sentence = _HTTP_SENTENCES.get(status) or error.description or error.name
    answer = flask.jsonify(error_body(sentence, code))
    answer.status_code = status
    for name in ("Allow", "Retry-After", "Location"):
        if name in response.headers:
            answer.headers[name] = response.headers[name]
    return answer


def _answer_unexpected(error: Exception) -> flask.Response:
    logger.error(
        "Unexpected %s in %s",
        type(error).__name__,
        flask.request.endpoint,
        exc_info=error,
        extra={"action": "request_crashed"},
    )
    return _unexpected_answer()


def _unexpected_answer() -> flask.Response:
    answer = flask.jsonify(
        error_body("Something went wrong here; the log has the details", "internal_error")
    )
    answer.status_code = SERVER_ERROR
    return answer
