"""The page of one agent: what is known of it, and what an operator may do with it."""

from collections.abc import Mapping
from typing import Any, Literal
from uuid import uuid4

from flask import Response, redirect, url_for
from pydantic import Field

from backend.api.agent.schemas import AgentPath
from backend.api.blueprints import guarded_by
from backend.api.context import api_request, container
from backend.api.errors import status_of
from backend.api.guards import ACTING_PAGE
from backend.api.pages import Query
from backend.api.shared_reads import read_together
from backend.dashboard.agent_forms import ACTIONS, SAID, Told
from backend.dashboard.charts import chart_of
from backend.dashboard.form_token import require_form_token
from backend.dashboard.rendering import page_blueprint, room
from backend.dashboard.timelines import timeline_of
from backend.dashboard.words import REFUSALS
from backend.domain.agent_config import effective_terminate_wait
from backend.errors import DatabaseError, InvalidRequest, SpotOptimizerError

SERVER_ERROR = 500

agent_pages = page_blueprint("agent_pages")


class ChartQuery(Query):
    """GET /agents/<agent_id>/prices."""

    days: Literal["1", "7", "30", "90"] = "7"


class AgentQuery(Query):
    """GET /agents/<agent_id>; ``said`` is what was done just now."""

    said: str | None = Field(None, max_length=32)


@agent_pages.get("/agents/<agent_id>")
def show_agent(path: AgentPath, query: AgentQuery) -> Response:
    """Show one agent."""
    return _shown(path.agent_id, told=SAID.get(query.said or ""))


@agent_pages.post("/agents/<agent_id>")
@guarded_by(ACTING_PAGE)
def change_agent(path: AgentPath) -> Response:
    """Do what a form of the page asks for; a refusal shows the page with what was typed."""
    form = api_request().form.to_dict()
    try:
        require_form_token()
        action = ACTIONS.get(form.get("action", ""))
        if action is None:
            raise InvalidRequest("This page has no such action", field="action")
        told = action(path.agent_id, form)
    except DatabaseError:
        raise
    except SpotOptimizerError as error:
        if status_of(error) >= SERVER_ERROR:
            raise
        answer = _shown(path.agent_id, refusal=error.message, typed=form)
        answer.status_code = status_of(error)
        return answer
    if isinstance(told, Told):
        return _shown(path.agent_id, told=told.sentence)
    return redirect(url_for(".show_agent", agent_id=path.agent_id, said=told))  # type: ignore[return-value]


@agent_pages.get("/agents/<agent_id>/prices")
@read_together
def show_prices(path: AgentPath, query: ChartQuery) -> dict[str, Any]:
    """Answer the lines of the page's chart."""
    prices = container().operating.price_charts.of_agent(path.agent_id, days=int(query.days))
    return chart_of(prices)


def _shown(
    agent_id: str,
    *,
    told: str | None = None,
    refusal: str | None = None,
    typed: Mapping[str, str] | None = None,
) -> Response:
    services = container()
    found = services.operating.agent_rooms.read(agent_id)
    return room(
        "dashboard/agent.html",
        "fleet",
        shown=found,
        figures=services.operating.agent_lists.figures(None, agent_id),
        terminate_wait=effective_terminate_wait(found.config),
        timeline=timeline_of(found),
        told=told,
        refusal=refusal,
        typed=typed or {},
        request_key=str(uuid4()),
        refusals=REFUSALS,
    )
