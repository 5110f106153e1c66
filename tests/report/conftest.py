"""A browser for the tests of pages."""

import pytest

from tests.report.browser import browser


@pytest.fixture(scope="module")
def tab():
    """A tab of a browser, which a module's tests share."""
    with browser() as opened:
        yield opened
