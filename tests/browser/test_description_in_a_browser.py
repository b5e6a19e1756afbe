"""The API's description in a real browser, under its strict policy."""

from tests.browser.conftest import Window


def test_description_is_shown_when_nothing_inline_may_run(window: Window):
    page = window.open("/openapi/swagger")

    page.wait_for_selector("#operations-tag-agents")
    page.click("#operations-tag-search")
    page.click(".opblock-summary-path")
    page.wait_for_selector(".opblock-body")

    assert page.title() == "Spot Optimizer: the API"
    assert window.troubles == []
