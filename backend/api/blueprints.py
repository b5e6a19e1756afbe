"""Blueprints with a guard, and the strict, quick reading of what a route declares.

A route declares its input as flask-openapi3 does, by parameter name: ``path``, ``query`` and
``body``, each annotated with a pydantic model. Reading is done here rather than by the library,
which builds a JSON schema for every query and takes malformed JSON for an empty body.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, get_origin

from flask_openapi3.blueprint import APIBlueprint
from flask_openapi3.models.tag import Tag
from pydantic import BaseModel, ValidationError
from werkzeug.datastructures import MultiDict

from backend.api.context import api_request
from backend.api.errors import invalid_request
from backend.api.guards import Guard

GUARD_ATTRIBUTE = "route_guard"
View = Callable[..., Any]
V = TypeVar("V", bound=View)
Model = type[BaseModel]


def guarded_by(guard: Guard) -> Callable[[V], V]:
    """Give one route another guard than its blueprint has. Goes below the route decorator."""

    def mark(view: V) -> V:
        setattr(view, GUARD_ATTRIBUTE, guard)
        return view

    return mark


class GuardedBlueprint(APIBlueprint):
    """A blueprint whose every route is guarded."""

    def __init__(self, name: str, import_name: str, *, guard: Guard, **options: Any) -> None:
        super().__init__(name, import_name, **options)
        self.guard = guard

    @staticmethod
    def create_view_func(  # type: ignore[override]  # the library passes the rest as keywords
        func: View,
        header: Model | None,
        cookie: Model | None,
        path: Model | None,
        query: Model | None,
        form: Model | None,
        body: Model | None,
        raw: Any,
        **_options: Any,
    ) -> View:
        """Return the function that Flask calls: reads path, query and body, then calls ``func``."""
        if header or cookie or form or raw:
            msg = f"{func.__name__}: only path, query and body are read here"
            raise TypeError(msg)
        lists = _list_fields(query) if query else frozenset()

        @wraps(func)
        def view(**path_values: Any) -> Any:
            values: dict[str, Any] = {}
            if path is not None:
                values["path"] = _validated(path, path_values)
            elif path_values:
                values.update(path_values)
            if query is not None:
                values["query"] = _validated(query, _query_values(api_request().args, lists))
            if body is not None:
                values["body"] = _validated(body, api_request().json_object())
            return func(**values)

        return view


def guarded_blueprint(
    name: str,
    *,
    guard: Guard,
    url_prefix: str | None = None,
    tag: str | None = None,
    import_name: str = __name__,
    **options: Any,
) -> GuardedBlueprint:
    """Return a blueprint whose routes all have ``guard`` unless they say otherwise.

    Args:
        name: Unique; the first part of the endpoints' names.
        guard: Who may call.
        url_prefix: Put before the path of every route.
        tag: The heading in the API's description; ``name`` when absent.
        import_name: The package whose folder holds templates and static files, if it has any.
        **options: Further options of Flask's Blueprint.
    """
    return GuardedBlueprint(
        name,
        import_name,
        guard=guard,
        url_prefix=url_prefix,
        abp_tags=[Tag(name=tag or name)],
        **options,
    )


def _validated(model: Model, values: Any) -> BaseModel:
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise invalid_request(error, model) from None


def _query_values(args: MultiDict[str, str], lists: frozenset[str]) -> dict[str, Any]:
    return {name: args.getlist(name) if name in lists else args[name] for name in args}


def _list_fields(model: Model) -> frozenset[str]:
    return frozenset(
        field.alias or name
        for name, field in model.model_fields.items()
        if get_origin(field.annotation) in {list, tuple, set}
    )
