"""What the tests of all views' server functions share."""

import pytest

from explorer.serving.calls import run_news


@pytest.fixture
def follow():
    """`follow(job)`: all events of a run, asked for as a page asks for them; fails where the run does."""

    def follow(name):
        events = []
        while True:
            news = run_news([name, len(events)])
            assert "error" not in news, news
            events += news["events"]
            if news["done"]:
                return events

    return follow
