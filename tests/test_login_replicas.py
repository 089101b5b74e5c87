"""Two dashboards behind one address share logins: in on one is in on both, and so is out."""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import cycle
from pathlib import Path

import databases
import pytest
from browsers import log_out, new_context
from dashboard_process import dashboard, free_port
from identity_services import balancer, provider
from playwright.sync_api import Browser, BrowserContext, Error, Page, expect
from test_login import (
    ACCOUNTS,
    LOGIN,
    USER,
    come_in,
    login_table,
    named,
    settings_file,
    stands,
)

from bridgeboard.runtime.demo_company import Running
from bridgeboard.state import Database
from bridgeboard.state.audit import Audit
from bridgeboard.state.logins import KEPT_SECONDS

pytestmark = [pytest.mark.slow, pytest.mark.browser]
KEY = "a key that all dashboards have"
PAGES = ("Spend", "Overview")
NOTICED_SECONDS = 30.0
"""For how long a browser tries at most: a run of a page takes its time on a busy machine."""


@contextmanager
def replicas(
    running: Running, folder: Path, url: str, balanced: int, idp_table: str
) -> Iterator[dict[str, int]]:
    """Two dashboards on one state, each with a store of its own; their ports."""
    given = {
        "BRIDGEBOARD_SETTINGS": settings_file(folder, idp_table),
        "BRIDGEBOARD_ALLOWED_HOSTS": f"http://127.0.0.1:{balanced}",
        "BRIDGEBOARD_STATE_URL": url,
        "BRIDGEBOARD_AUDIT_KEY": KEY,
        "CODER_URL": running.url,
        "CODER_SESSION_TOKEN": running.tokens["owner"],
    }
    ports = {"one": free_port(), "other": free_port()}
    with (
        dashboard("serve", port=ports["one"], BRIDGEBOARD_DATA=str(folder / "one"), **given),
        dashboard("serve", port=ports["other"], BRIDGEBOARD_DATA=str(folder / "other"), **given),
    ):
        yield ports


def at(context: BrowserContext, address: str, replica: str) -> None:
    """Have a browser led to a replica from its next request on."""
    context.add_cookies([{"name": "replica", "value": replica, "url": address}])


def leave(page: Page) -> None:
    """Go on in an open page until it notices that its login has ended."""
    until = time.monotonic() + KEPT_SECONDS + NOTICED_SECONDS
    heading = page.get_by_role("heading", name=LOGIN, level=1)
    for name in cycle(PAGES):
        with suppress(Error):
            page.get_by_role("link", name=name, exact=True).first.click(timeout=2_000)
        if heading.is_visible() or time.monotonic() > until:
            break
    expect(heading).to_be_visible()


def test_who_logs_out_on_one_replica_is_out_on_the_other(
    browser: Browser, smallest: Running, postgres: databases.Server, tmp_path: Path
) -> None:
    url, balanced = postgres.fresh(), free_port()
    address = f"http://127.0.0.1:{balanced}/"
    redirect = f"{address}oauth2callback"
    with (
        provider(redirect, accounts=ACCOUNTS) as idp,
        replicas(smallest, tmp_path, url, balanced, login_table(idp, redirect)) as ports,
        balancer(tmp_path, balanced, ports),
    ):
        context = new_context(browser)
        page, tab = context.new_page(), context.new_page()
        at(context, address, "one")
        page.goto(address)
        come_in(page, "ada")
        stands(page, "Overview")
        named(page)
        (cookie,) = (one for one in context.cookies() if one["name"] == USER)

        at(context, address, "other")
        tab.goto(f"{address}spend")
        stands(tab, "Spend")  # by the login of the first
        named(tab)

        at(context, address, "one")
        log_out(page)
        stands(page, LOGIN)
        leave(tab)
        context.close()

        for replica in ports:  # a copy of the cookie is worth nothing anywhere
            thief = new_context(browser)
            at(thief, address, replica)
            thief.add_cookies([{"name": USER, "value": str(cookie["value"]), "url": address}])
            copy = thief.new_page()
            copy.goto(address)
            stands(copy, LOGIN)
            thief.close()
    with databases.database(tmp_path / "reader", url) as database:
        assert_whole(database)


def assert_whole(database: Database) -> None:
    """One log of both replicas, in which the logout stands once."""
    log = Audit(database, KEY)
    assert log.verify().good
    noted = [(one.who, one.what) for one in log.entries(100)]
    assert noted.count(("ada@example.com", "logout")) == 1
    assert ("ada@example.com", "login") in noted
