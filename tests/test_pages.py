"""The pages, run without a browser against the demo company's server over real HTTP."""

import ast
import tomllib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import streamlit as st
from conftest import END
from pydantic import SecretStr
from streamlit.testing.v1 import AppTest

from bridgeboard import settings
from bridgeboard.demo import api
from bridgeboard.model.store_status import Status
from bridgeboard.runtime import clients, demo_company, process
from bridgeboard.runtime.background_sync import BackgroundSync
from bridgeboard.runtime.demo_company import Demo, Running
from bridgeboard.settings import Login
from bridgeboard.ui import shell

ROOT = Path(__file__).parents[1]
Point = Callable[[str, str], None]


def app(at: str = "sessions", who: dict[str, Any] | None = None, **query: str) -> AppTest:
    """The app after its first run, on a page, with a query string, for somebody logged in."""
    test = AppTest.from_file(str(ROOT / "app.py"), default_timeout=60)
    if who:
        test.user = who
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


_TWICE = """
import streamlit as st
from bridgeboard.ui import shell

one, other = (shell._page("spend", "Spend") for _ in range(2))
here = st.navigation([one], position="hidden")
st.text(f"{here is one} {one is other} {one.title == other.title}")
st.text(f"{one._can_be_called} {other._can_be_called}")
"""


def test_what_streamlit_notes_on_a_page_of_one_run_is_not_on_that_of_another() -> None:
    test = AppTest.from_string(_TWICE).run()
    assert not test.exception
    assert [each.value for each in test.text] == ["True False True", "True False"]


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


@pytest.mark.parametrize("group", ["viewers", "analysts", "auditors", "admins"])
def test_whose_token_it_is_is_told_to_who_may_change_it_alone(
    running: Running, installed: Point, monkeypatch: pytest.MonkeyPatch, group: str
) -> None:
    installed(running.url, running.tokens["member"])
    given = {
        "login": Login.model_construct(metadata_url="https://login.example.com"),
        "roles": {
            f"{word[:-1]}": (word,) for word in ("viewers", "analysts", "auditors", "admins")
        },
    }
    chosen = settings.current().model_copy(update=given)
    settings.install(chosen)
    with clients.client(chosen) as client:
        able = client.capabilities()
    who = {
        "is_logged_in": True, "email": "ada@example.com", "groups": [group],
        "iat": (datetime.now(UTC) - timedelta(minutes=1)).timestamp(),
    }  # fmt: skip
    told = said(app("overview", who))
    assert "This token may not read" in told
    assert able.problem
    assert (able.problem in told) == (able.username in told) == (group == "admins")
    assert ("does not let this dashboard read usage" in told) == (group != "admins")

    owners = SecretStr(running.tokens["owner"])
    monkeypatch.setattr(settings, "_installed", chosen.model_copy(update={"token": owners}))
    st.cache_resource.clear()
    keeper = BackgroundSync(settings.current(), clock=lambda: datetime.now(UTC))
    monkeypatch.setattr(keeper, "status", Status(problem=able.problem))
    monkeypatch.setattr(process, "_installed", keeper)
    told = said(app("overview", who))
    keeper.stop()
    assert "No numbers yet" in told
    assert (able.problem in told) == (able.username in told) == (group == "admins")


def test_an_unlicensed_server_is_explained(installed: Point) -> None:
    demo = Demo(days=3, scale=0.05, end=END, switches=api.Switches(licensed=False))
    with demo_company.demo_server(demo, END) as server:
        installed(server.url, server.tokens["owner"])
        test = app()
        assert not test.exception
        assert "AI Bridge is not available here" in said(test)
        assert "licence" in said(test)
        assert not test.dataframe


@pytest.mark.parametrize("page", sorted((ROOT / "pages").glob("*.py")), ids=lambda page: page.stem)
def test_a_page_asks_what_its_file_begins_with(page: Path) -> None:
    told = ast.get_docstring(ast.parse(page.read_text("utf-8")))
    assert told
    assert shell._question(page.stem) == told


def test_no_page_is_read_by_a_parser_that_threads_share() -> None:
    told = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text("utf-8"))
    assert told["runner"]["magicEnabled"] is False
