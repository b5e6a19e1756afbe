"""The page of routes is as the app is, and nothing that installed clients call is missing."""

from tests.meta.route_table import PAGE, missing, page
from tests.meta.test_routes import bare_app

# The savings come with the ledger.
NOT_YET = {
    "GET /api/client/{client_id}/savings",
    "GET /api/client/{client_id}/stats/charts",
    "GET /api/client/{client_id}/export/savings",
}


def test_page_of_routes_is_as_the_app_is():
    written = PAGE.read_text(encoding="utf-8")

    assert written == page(bare_app()), "run: python -m tests.meta.route_table"


def test_nothing_that_installed_clients_call_is_missing():
    assert missing(bare_app()) <= NOT_YET
