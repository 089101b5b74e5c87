"""The pages, run without a browser against the demo company's server over real HTTP."""

from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import END
from streamlit.testing.v1 import AppTest

from bridgeboard import connect
from bridgeboard.connect import Demo, Running
from bridgeboard.demo import api

ROOT = Path(__file__).parents[1]
Point = Callable[[str, str], None]


def app(at: str = "sessions", **query: str) -> AppTest:
    """The app after its first run, on a page, with a query string."""
    test = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    for name, value in query.items():
        test.query_params[name] = value
    test.switch_page(f"pages/{at}.py")
    return test.run()


def said(test: AppTest) -> str:
    """All words on the page that are not in a table."""
    kinds = (
        *("title", "header", "subheader", "markdown", "caption", "text"),
        *("error", "warning", "info"),
    )
    return "\n".join(str(element.value) for kind in kinds for element in test.get(kind))


@pytest.mark.parametrize(
    ("url", "token", "words"),
    [
        ("", "", "Not connected to a deployment"),
        (
            "http://127.0.0.1:9",
            "abcdefghij-0123456789012345678901",
            "No answer from the deployment",
        ),
        ("coder.example.com", "abcdefghij-0123456789012345678901", "cannot be used"),
    ],
)
def test_without_a_deployment_the_page_says_what_to_do(
    installed: Point, url: str, token: str, words: str
) -> None:
    installed(url, token)
    test = app()
    assert not test.exception
    assert words in said(test)
    assert token not in said(test) or not token
    assert not test.dataframe


def test_a_wrong_token_is_explained_and_not_shown(running: Running, installed: Point) -> None:
    token = "zzzzzzzzzz-9999999999999999999999"
    installed(running.url, token)
    test = app()
    assert "does not accept this token" in said(test)
    assert token not in said(test)


def test_a_member_token_is_recognised(running: Running, installed: Point) -> None:
    installed(running.url, running.tokens["member"])
    test = app()
    assert "This token may not read" in said(test)
    assert not test.dataframe


def test_an_unlicensed_server_is_explained(installed: Point) -> None:
    demo = Demo(days=3, scale=0.1, end=END, switches=api.Switches(licensed=False))
    with connect.demo_server(demo, END) as server:
        installed(server.url, server.tokens["owner"])
        test = app()
        assert not test.exception
        assert "AI Bridge is not available here" in said(test)
        assert "licence" in said(test)
        assert not test.dataframe
