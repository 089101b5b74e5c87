"""The dashboard's own login, and a proxy's: who comes in, who does not, what both are told."""

import asyncio
import json
import os
import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

import httpx
import pytest
import streamlit
import truth
from browsers import (
    LOADED,
    LOOKS,
    PATIENCE,
    each_look,
    log_out,
    new_context,
    picture,
    settled,
    too_wide,
    violations,
)
from conftest import END
from dashboard_process import dashboard, free_port
from databases import broken, log_below
from hypothesis import given
from hypothesis import strategies as st
from identity_services import Front, Provider, nginx, provider
from itsdangerous import URLSafeTimedSerializer
from playwright.sync_api import Browser, BrowserContext, Error, Page, expect
from streamlit import user_info
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.NewSession_pb2 import EnvironmentInfo, UserInfo
from streamlit.testing.v1 import AppTest
from typer.testing import CliRunner, Result
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync import client
from websockets.typing import Origin
from wire import Visit, WireError, await_sync, visit

from bridgeboard import cli, settings
from bridgeboard.demo.world import World, make
from bridgeboard.runtime import state_files
from bridgeboard.runtime.demo_company import Running
from bridgeboard.server import login_start
from bridgeboard.server.app_folder import home
from bridgeboard.server.middleware.login_and_logout import PLACE, place
from bridgeboard.server.middleware.requester import Requester
from bridgeboard.server.middleware.websockets import WebsocketExpiry
from bridgeboard.settings import Login, Proxy, Settings
from bridgeboard.state import opened
from bridgeboard.state.logins import KEPT_SECONDS, Ended

DAYS, SCALE = 8, 0.1
COMPANY = ("--end", f"{END:%Y-%m-%dT%H:%M:%S}", "--days", str(DAYS), "--scale", str(SCALE))
USER, XSRF = "_streamlit_user", "_streamlit_xsrf"
SECRET = "0123456789abcdef" * 4
DEEP = "spend?range=Last+7+days&clients=Claude+Code"
LOGIN, REFUSED = "Log in", "There is nothing for you here yet"
BOSS = {
    "X-Forwarded-User": "boss",
    "X-Forwarded-Preferred-Username": "boss",
    "X-Forwarded-Email": "boss@example.com",
    "X-Forwarded-Groups": "analysts",
}
ACCOUNTS: tuple[dict[str, Any], ...] = (
    {"login": "ada", "sub": "1", "email": "ada@example.com", "groups": ["analysts"]},
    {"login": "eve", "sub": "2", "email": "eve@example.com", "groups": ["others"]},
)
ADA, EVE = ({key: one[key] for key in ("sub", "email", "groups")} for one in ACCOUNTS)


@dataclass(frozen=True)
class House:
    """A dashboard that serves, and what it was told."""

    address: str
    folder: Path
    provider: Provider | None = field(default=None, repr=False)

    def cookie(self, claims: dict[str, Any], hours: float = 0, **more: object) -> str:
        """The cookie of a login that is so many hours old."""
        told = {"origin": self.address.rstrip("/"), "is_logged_in": True, "provider": "default"}
        told |= {"iat": time.time() - 3600 * hours, **claims, **more}
        return str(URLSafeTimedSerializer(SECRET, salt=USER).dumps(json.dumps(told)))

    def headers(self, cookie: str = "", **headers: str) -> dict[str, str]:
        """What a browser with that cookie sends."""
        xsrf = httpx.get(f"{self.address}_stcore/health").cookies[XSRF]
        return {"Cookie": f"{XSRF}={xsrf}; {USER}={cookie}"} | headers

    def noted(self) -> list[tuple[str, str]]:
        """What the audit log says, oldest first."""
        entries = log_below(self.folder).entries(1000)
        return [(one.who, one.what) for one in reversed(entries)]


def settings_file(folder: Path, text: str) -> str:
    file = folder / "bridgeboard.toml"
    file.write_text(f'{text}\n[roles]\nanalyst = ["analysts"]\n')
    file.chmod(0o600)
    return str(file)


def login_table(idp: Provider, redirect: str) -> str:
    return f"""[login]
metadata_url = "{idp.metadata_url}"
client_id = "{idp.client_id}"
client_secret = "{idp.client_secret}"
cookie_secret = "{SECRET}"
redirect_url = "{redirect}"
scope = "openid profile email groups"
"""


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """The company with a login of its own, all of it read."""
    folder, port = tmp_path_factory.mktemp("login"), free_port()
    redirect = f"http://127.0.0.1:{port}/oauth2callback"
    with provider(redirect, accounts=ACCOUNTS) as idp:
        told = settings_file(folder, login_table(idp, redirect))
        given = {"BRIDGEBOARD_SETTINGS": told, "TMPDIR": str(folder)}
        with dashboard("demo", *COMPANY, port=port, **given) as address:
            await_sync(address)
            yield House(address, folder, idp)


@pytest.fixture(scope="module")
def world() -> World:
    """The company that is served."""
    return make(7, end=END, days=DAYS, scale=SCALE)


@pytest.fixture(scope="module")
def words(world: World) -> set[str]:
    """What only the store could tell."""
    rows = truth.finished(world.tables)
    people = {one.username for one in world.tables.people}
    return people | {row.model for row in rows if len(row.model) > 3} | {row.id for row in rows[:9]}


def shut(reader: Visit, words: set[str], title: str = LOGIN) -> list[str]:
    """What somebody is told who is not let in, and gets nothing else."""
    assert reader.screen.title == title
    assert reader.screen.exceptions == []
    assert reader.screen.metrics == {}
    assert not [word for word in words if reader.was_sent(word)]
    return reader.screen.texts


def come_in(page: Page, login: str, *, press: str = "Log in", answer: str = "Sign in") -> None:
    page.get_by_role("link", name=press).click(timeout=PATIENCE)
    page.get_by_label("Login").fill(login, timeout=PATIENCE)
    page.get_by_role("button", name=answer).click()


def stands(page: Page, title: str) -> None:
    expect(page.get_by_role("heading", name=title, level=1)).to_be_visible(timeout=PATIENCE)
    settled(page)


def named(page: Page) -> None:
    """Expect the page to say that Ada is in; a mark keeps the address from becoming a link."""
    told = page.get_by_test_id("stSidebar").get_by_text(re.compile("ada@.?example.com"))
    expect(told).to_be_visible(timeout=PATIENCE)


def says_who(reader: Visit) -> str:
    """The same without a browser: who is in."""
    told = re.search(r":material/person: (\w+)\W+example", "\n".join(reader.screen.texts))
    return told[1] if told else ""


def holding(context: BrowserContext, house: House, cookie: str) -> Page:
    """A page of somebody who has logged in."""
    if cookie:
        context.add_cookies([{"name": USER, "value": cookie, "url": house.address}])
    return context.new_page()


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.parametrize("loaded", LOADED)
def test_the_login_page_is_accessible_and_fits(
    browser: Browser, house: House, loaded: str, shots: Path
) -> None:
    cookies = {
        "login": (LOGIN, ""),
        "over": (LOGIN, house.cookie(ADA, 11)),
        "refused": (REFUSED, house.cookie(EVE)),
        "inside": ("Spend", house.cookie(ADA)),
    }
    context = new_context(browser, **LOOKS[loaded])
    for name, (title, cookie) in cookies.items():
        page = holding(context, house, cookie)
        page.goto(f"{house.address}{DEEP}")
        stands(page, title)
        for look in each_look(page, loaded):
            picture(page, shots / f"login-{name}-{look}.png")
            assert violations(page) == [], (name, look)
            assert not too_wide(page), (name, look)
        expect(page).to_have_title(f"{title} · Bridgeboard")
        inside = page.get_by_role("link", name="Overview")
        assert bool(inside.count()) == (name == "inside")
        page.close()
    context.close()


@pytest.mark.slow
@pytest.mark.browser
def test_somebody_comes_in_where_they_wanted_to_and_is_out_everywhere_at_once(
    browser: Browser, house: House
) -> None:
    context = new_context(browser)
    page, tab = context.new_page(), context.new_page()
    page.goto(f"{house.address}{DEEP}")
    come_in(page, "ada")
    stands(page, "Spend")
    assert parse_qs(urlsplit(page.url).query) == parse_qs(urlsplit(DEEP).query)
    named(page)
    held = {one["name"]: one for one in context.cookies()}
    assert held[USER]["httpOnly"]
    assert PLACE not in held
    tab.goto(house.address)
    stands(tab, "Overview")

    log_out(page)
    stands(page, LOGIN)
    assert urlsplit(page.url).path == "/"
    with suppress(Error):  # a timer of the page may have noticed before anybody clicks
        tab.get_by_role("link", name="Spend").click(timeout=5_000)
    stands(tab, LOGIN)
    expect(tab.get_by_text("You have logged out, perhaps in another window.")).to_be_visible()
    context.close()

    thief = new_context(browser)
    copy = holding(thief, house, str(held[USER]["value"]))
    copy.goto(house.address)
    stands(copy, LOGIN)
    thief.close()
    assert house.noted().count(("ada@example.com", "logout")) == 1
    assert ("ada@example.com", "login") in house.noted()


@pytest.mark.slow
@pytest.mark.browser
def test_somebody_without_a_role_is_told_what_to_do_and_can_go(page: Page, house: House) -> None:
    page.goto(house.address)
    come_in(page, "eve", answer="Cancel")
    stands(page, LOGIN)
    come_in(page, "eve")
    stands(page, REFUSED)
    expect(page.get_by_text("eve@example.com has no role in this dashboard.")).to_be_visible()
    assert ("eve@example.com", "refused") in house.noted()
    log_out(page)
    stands(page, LOGIN)


@pytest.mark.parametrize(
    "name", ["", "spend", "people", "sessions", "trust", "audit", "settings", "nothing"]
)
def test_nothing_of_the_store_is_sent_to_somebody_who_is_not_in(
    house: House, words: set[str], name: str
) -> None:
    with visit(house.address, name, headers=house.headers(), range="Last 90 days") as reader:
        assert "You are not logged in." in shut(reader, words)
        reader.rerun()
        shut(reader, words)
    with visit(house.address, name, headers=house.headers(house.cookie(EVE))) as reader:
        shut(reader, words, REFUSED)


def test_the_words_that_must_not_be_sent_are_sent_to_who_is_in(
    house: House, words: set[str]
) -> None:
    with visit(house.address, "people", headers=house.headers(house.cookie(ADA))) as reader:
        assert [word for word in words if reader.was_sent(word)]


@pytest.mark.parametrize(
    ("cookie", "told"),
    [
        ({"hours": 10.1}, "Your login is over: here it lasts for 10 h."),
        ({"hours": -1}, "The login says that it has not begun yet."),
        ({"iat": None}, "The login does not say when it began."),
        ({"iat": "never"}, "The login does not say when it began."),
        ({"origin": "https://elsewhere.example.com"}, "You are not logged in."),
    ],
)
def test_a_login_that_does_not_hold_leads_to_the_login_page(
    house: House, words: set[str], cookie: dict[str, Any], told: str
) -> None:
    headers = house.headers(house.cookie(ADA, **cookie))
    with visit(house.address, "people", headers=headers) as reader:
        assert told in shut(reader, words)


def test_pages_that_stand_in_other_tabs_close_once_somebody_logs_out(house: House) -> None:
    headers = house.headers(house.cookie(ADA))
    about = {"address": house.address, "page": "people", "headers": headers}
    with visit(**about) as one, visit(**about) as other, visit(**about) as idle:
        assert one.download("csv-everybody")
        one.press("logout")
        other.choose("range", "Last 7 days")
        assert other.screen.title == LOGIN
        with pytest.raises(WireError, match="not made"):
            idle.download("csv-everybody")
        idle.refresh()
        assert idle.screen.title == LOGIN
    with visit(**about) as again:
        assert again.screen.title == LOGIN


def test_a_file_is_fetched_by_the_login_of_its_reader_alone(house: House) -> None:
    cookie = house.cookie(ADA)
    with visit(house.address, "people", headers=house.headers(cookie)) as reader:
        made = f"{house.address.rstrip('/')}{reader.made('csv-everybody')}"
        forged = URLSafeTimedSerializer("f" * 64, salt=USER).dumps(json.dumps(ADA))
        others = [
            *("", "nonsense", str(forged), house.cookie(EVE), house.cookie(ADA, 10.1)),
            *(house.cookie(ADA, iat=None), house.cookie(ADA, is_logged_in=False)),
            house.cookie(ADA, origin="https://elsewhere.example.com"),
            house.cookie(ADA, email="ada@example.org"),
        ]
        for other in others:
            assert httpx.get(made, headers={"Cookie": f"{USER}={other}"}).status_code == 404
        assert httpx.get(made, headers=BOSS).status_code == 404
        for mine in (cookie, house.cookie(ADA)):
            assert httpx.get(made, headers={"Cookie": f"{USER}={mine}"}).status_code == 200
        reader.press("logout")
        assert httpx.get(made, headers={"Cookie": f"{USER}={cookie}"}).status_code == 404


LEAVING = """
import streamlit as st
from bridgeboard.state.audit import AuditError
from bridgeboard.ui import current_user

try:
    st.text(current_user.admitted().viewer.name)
    current_user.leave()
except (AuditError, current_user.ClosedError) as error:
    st.text(type(error).__name__)
"""


def test_a_logout_that_cannot_be_noted_is_one_all_the_same(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    told = Settings.model_construct(
        login=Login.model_construct(metadata_url="https://login.example.com"),
        roles={"analyst": ("analysts",)},
    )
    monkeypatch.setattr(settings, "_installed", told)
    unusable = broken(tmp_path / "broken")
    monkeypatch.setattr(state_files, "state_database", lambda _: unusable)
    for said in (["ada@example.com", "AuditError"], ["ClosedError"]):
        test = AppTest.from_string(LEAVING)
        test.user = {"is_logged_in": True, "iat": 1e3 * (time.time() // 1e3), **ADA}
        assert [one.value for one in test.run(timeout=60).text] == said


@pytest.mark.slow
def test_logouts_are_noted_once_however_somebody_leaves_and_outlive_a_restart(
    running: Running, tmp_path: Path
) -> None:
    port = free_port()
    house = House(f"http://127.0.0.1:{port}/", tmp_path)
    nobody = Provider("http://127.0.0.1:9", "bridgeboard", "secret", None)  # type: ignore[arg-type]  # it is not asked
    table = login_table(nobody, f"{house.address}oauth2callback")
    given = {
        "BRIDGEBOARD_SETTINGS": settings_file(tmp_path, table),
        "BRIDGEBOARD_DATA": str(tmp_path / "data"),
        "BRIDGEBOARD_SYNC_SECONDS": "0",
        "CODER_URL": running.url,
        "CODER_SESSION_TOKEN": running.tokens["owner"],
    }
    names = ("pressed", "visited", "stays")
    every = [house.cookie(ADA | {"email": f"{name}@example.com"}) for name in names]

    def titles() -> list[str]:
        told = []
        for cookie in every:
            with visit(house.address, headers=house.headers(cookie)) as reader:
                told.append(reader.screen.title)
        return told

    with dashboard("serve", port=port, **given):
        assert LOGIN not in titles()
        with visit(house.address, headers=house.headers(every[0])) as reader:
            reader.press("logout")
        for cookie in (every[0], every[1], every[1], "nonsense", house.cookie(ADA, 10.1)):
            left = httpx.get(f"{house.address}auth/logout", headers={"Cookie": f"{USER}={cookie}"})
            assert left.status_code == 302
        for site in ("cross-site", "same-site"):
            lured = {"Cookie": f"{USER}={every[2]}", "Sec-Fetch-Site": site}
            assert httpx.get(f"{house.address}auth/logout", headers=lured).status_code == 302
        assert titles()[:2] == [LOGIN, LOGIN]
    with dashboard("serve", port=port, **given):
        assert [title == LOGIN for title in titles()] == [True, True, False]
        with visit(house.address, headers=house.headers(every[2])) as reader:
            assert end_all_of("Stays@example.com", tmp_path).exit_code == 0
            rerun_until_out(reader)
            assert any("operator" in text for text in reader.screen.texts)
        late = house.cookie(ADA | {"email": "stays@example.com"}, hours=-0.01)
        with visit(house.address, headers=house.headers(late)) as reader:
            assert reader.screen.title != LOGIN
    left = [who for who, what in house.noted() if what == "logout"]
    assert left == ["pressed@example.com", "visited@example.com"]
    assert ("operator", "end logins") in house.noted()


def rerun_until_out(reader: Visit) -> None:
    """Run a page again until it notices what another process wrote: a second later at most."""
    until = time.monotonic() + KEPT_SECONDS
    is_last = False
    while reader.screen.title != LOGIN:
        assert not is_last
        is_last = time.monotonic() > until
        reader.rerun()


def end_all_of(name: str, folder: Path) -> Result:
    """Have the command end somebody's logins, which knows the folder and no secret."""
    alone = dict.fromkeys([*settings.variables(), *settings.table_variables()], "")
    given = alone | {"BRIDGEBOARD_DATA": str(folder / "data"), "XDG_CONFIG_HOME": str(folder)}
    return CliRunner().invoke(cli.app, ["logout", name], env=given)


def test_a_name_that_nobody_has_or_another_folder_is_told_of(tmp_path: Path) -> None:
    missing = end_all_of("ada", tmp_path)
    assert (missing.exit_code, "is not there" in missing.output) == (2, True)
    (tmp_path / "data").mkdir()
    assert end_all_of(" ", tmp_path).exit_code == 2
    told = end_all_of("ada\x1b[2J", tmp_path)
    assert told.exit_code == 0
    assert "knows nobody called ada\u241b[2J" in told.output
    log_below(tmp_path).write("Ada", "login", at=datetime.now(UTC))
    assert "knows nobody" not in end_all_of("ada", tmp_path).output


@pytest.mark.skipif(os.name == "nt", reason="who owns a folder is not asked there")
def test_logins_are_ended_by_the_account_of_the_dashboard_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "data").mkdir()
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    told = end_all_of("ada", tmp_path)
    assert (told.exit_code, "another account" in told.output) == (2, True)
    assert list((tmp_path / "data").iterdir()) == []


def test_a_login_keeps_its_session_from_others(house: House, words: set[str]) -> None:
    with visit(house.address, headers=house.headers(house.cookie(ADA))) as reader:
        known = reader.screen.session
    with visit(house.address, headers=house.headers(), resumes=known) as stranger:
        assert stranger.screen.session != known
        shut(stranger, words)


@pytest.mark.parametrize("more", [{}, {"X-Forwarded-For": "10.9.8.7", "Forwarded": "for=10.9.8.7"}])
def test_headers_that_name_somebody_are_nothing_without_a_proxy(
    house: House, words: set[str], more: dict[str, str]
) -> None:
    with visit(house.address, "people", headers=house.headers(**BOSS, **more)) as reader:
        shut(reader, words)
        assert not reader.was_sent("boss")


@pytest.mark.slow
def test_only_a_listed_proxy_names_somebody(tmp_path: Path) -> None:
    told = settings_file(tmp_path, '[proxy]\naddresses = ["10.9.8.7"]')
    given = {"BRIDGEBOARD_SETTINGS": told, "TMPDIR": str(tmp_path)}
    with dashboard("demo", *COMPANY, **given) as address:
        for more in ({}, {"X-Forwarded-For": "10.9.8.7", "X-Real-Ip": "10.9.8.7"}):
            with visit(address, headers=BOSS | more) as reader:
                assert any(
                    "did not tell who you are" in text for text in shut(reader, {"boss"}, REFUSED)
                )
                assert not reader.screen.of("link_button")


PROXY = Settings.model_construct(
    proxy=Proxy(addresses="127.0.0.1"), roles={"analyst": ("analysts",)}
)


def ends(
    asked: Requester, *, looks: float, ending: Callable[[], object] = lambda: None
) -> list[Any]:
    """What an app hears of a socket that says one thing and then nothing, until it ends."""
    heard: list[Any] = []
    sent: list[Any] = []
    waiting = [{"type": "websocket.receive", "bytes": b"x"}]

    async def receive() -> Any:
        return waiting.pop() if waiting else await asyncio.Event().wait()

    async def send(message: Any) -> None:
        sent.append(message)

    async def streamlit(_scope: Any, receive: Any, send: Any) -> None:
        while (message := await receive())["type"] == "websocket.receive":
            heard.append(message["bytes"])
            ending()
        heard.append(message["code"])
        await send({"type": "websocket.send", "bytes": b"late"})

    headers = [(name.lower().encode(), value.encode()) for name, value in BOSS.items()]
    scope = {"type": "websocket", "headers": headers}
    asyncio.run(WebsocketExpiry(streamlit, asked, looks=looks)(scope, receive, send))
    assert sent == [{"type": "websocket.close", "code": 1008}]
    return heard


def test_an_open_page_behind_a_proxy_ends_after_the_hours_of_a_login(tmp_path: Path) -> None:
    hours = Login.model_construct(hours=1e-6)
    told = PROXY.model_copy(update={"login": hours})
    asked = Requester(told, Ended(opened(tmp_path / "data")), lambda: datetime.now(UTC))
    assert ends(asked, looks=3600)[-1] == 1008


@pytest.mark.slow
def test_a_page_behind_a_proxy_has_to_come_back_after_the_hours_of_a_login(
    running: Running, tmp_path: Path
) -> None:
    told = settings_file(tmp_path, '[proxy]\naddresses = ["127.0.0.1"]\n[login]\nhours = 0.0003')
    given = {
        "BRIDGEBOARD_SETTINGS": told,
        "BRIDGEBOARD_DATA": str(tmp_path / "data"),
        "CODER_URL": running.url,
        "CODER_SESSION_TOKEN": running.tokens["owner"],
    }
    with dashboard("serve", **given) as address:
        place = urlsplit(address)
        ours, stream = Origin(address.rstrip("/")), f"ws://{place.netloc}/_stcore/stream"
        for _ in range(2):
            with (
                client.connect(stream, origin=ours, additional_headers=BOSS) as socket,
                pytest.raises(ConnectionClosed, match="1008"),
            ):
                socket.recv(timeout=60)


@pytest.mark.parametrize("name", ["boss", "boss@example.com"])
def test_an_open_page_behind_a_proxy_ends_once_its_readers_logins_are_ended(
    tmp_path: Path, name: str
) -> None:
    here, there = Ended(opened(tmp_path / "data")), Ended(opened(tmp_path / "data"))
    asked = Requester(PROXY, here, lambda: datetime.now(UTC))
    end = partial(there.end_all_of, name, now=datetime.now(UTC) + timedelta(hours=1))
    assert ends(asked, looks=0.01, ending=end) == [b"x", 1008]


@pytest.mark.slow
def test_nginx_with_a_proxy_tells_who_comes(tmp_path: Path) -> None:
    people = {"a1": {"User": "1", "Email": "ada@example.com", "Groups": "analysts"}}
    port = free_port()
    told = settings_file(tmp_path, '[proxy]\naddresses = ["127.0.0.1"]')
    given = {"BRIDGEBOARD_SETTINGS": told, "TMPDIR": str(tmp_path)}
    with (
        nginx(tmp_path, port, people) as front,
        dashboard("demo", *COMPANY, port=port, **given) as round_it,
    ):
        about = {"page": "people", "tls": front.trust}
        with visit(front.address, headers=BOSS | {"Cookie": "who=a1"}, **about) as reader:
            assert reader.screen.title == "People"
            assert says_who(reader) == "ada"
            assert not reader.was_sent("boss")
            assert not reader.was_sent("Log out")
        for url, headers, is_tls in (
            (front.address, {"Cookie": "who=a1", "X-Forwarded-Proto": "http"}, True),
            (round_it, {"X-Forwarded-Proto": "https"}, True),
            (round_it, {"X-Forwarded-Proto": "http"}, False),
            (round_it, {}, False),
        ):
            told = httpx.get(f"{url}_stcore/health", headers=headers, verify=front.trust).headers
            cookies = [one for one in told.get_list("set-cookie") if one.startswith(XSRF)]
            assert ["; Secure" in one for one in cookies] == [is_tls]
            assert told.get_list("strict-transport-security") == ["max-age=31536000"] * is_tls
        with pytest.raises(InvalidStatus), visit(front.address, headers=BOSS, **about):
            pass
        with visit(round_it, "people", headers=BOSS) as reader:
            assert says_who(reader) == "boss"
            known = reader.screen.session
        ada = {"X-Forwarded-Email": "ada@example.com", "X-Forwarded-Groups": "analysts"}
        with visit(round_it, "people", headers=ada, resumes=known) as reader:
            shut(reader, {"boss"})
            assert reader.was_sent("Open this page again")
            assert not reader.was_sent("/enter")


@pytest.fixture(scope="module")
def behind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Front, House]]:
    """The same with TLS, behind nginx."""
    folder, port = tmp_path_factory.mktemp("tls"), free_port()
    with (
        nginx(folder, port) as front,
        provider(front.redirect, accounts=ACCOUNTS) as idp,
    ):
        told = settings_file(folder, login_table(idp, front.redirect))
        given = {"BRIDGEBOARD_SETTINGS": told, "TMPDIR": str(folder)}
        with dashboard("demo", *COMPANY, port=port, **given):
            yield front, House(front.address, folder, idp)


@pytest.mark.slow
@pytest.mark.browser
def test_behind_tls_the_right_person_comes_in_with_sealed_cookies_and_without_the_provider_nobody(
    browser: Browser, behind: tuple[Front, House], shots: Path
) -> None:
    front, house = behind
    context = new_context(browser, ignore_https_errors=True, extra_http_headers=BOSS)
    page = context.new_page()
    page.goto(f"{front.address}{DEEP}")
    page.get_by_role("link", name="Log in").click(timeout=PATIENCE)
    expect(page.get_by_label("Login")).to_be_visible(timeout=PATIENCE)
    waiting = {one["name"]: one for one in context.cookies()}
    assert waiting[PLACE]["path"] == "/oauth2callback"
    page.get_by_label("Login").fill("ada")
    page.get_by_role("button", name="Sign in").click()
    stands(page, "Spend")
    named(page)
    assert "boss" not in page.content()
    for one in [waiting[PLACE], *context.cookies(front.address)]:
        assert one["secure"], one["name"]
        assert one["sameSite"] == "Lax", one["name"]
        assert one["httpOnly"] == (one["name"] != XSRF), one["name"]

    assert house.provider
    house.provider.stop()
    page.get_by_role("link", name="Overview").click()
    stands(page, "Overview")
    for look in LOOKS:
        late = new_context(browser, **LOOKS[look], ignore_https_errors=True)
        refused = late.new_page()
        refused.goto(f"{front.address}enter?to={quote(f'/{DEEP}', safe='')}")
        expect(refused.get_by_role("heading", name="Nobody can log in")).to_be_visible()
        refused.screenshot(path=shots / f"login-unreachable-{look}.png")
        assert violations(refused) == []
        assert not too_wide(refused)
        refused.get_by_role("link", name="Try again").click()
        expect(refused.get_by_role("heading", name="Nobody can log in")).to_be_visible()
        assert f"to={quote(f'/{DEEP}', safe='')}" in refused.url
        late.close()
    page.get_by_role("button", name="Log out").click()
    stands(page, LOGIN)
    context.close()


@pytest.mark.slow
@pytest.mark.browser
@pytest.mark.parametrize("strips", [False, True], ids=["passed-on", "stripped"])
def test_under_a_path_that_a_proxy_passes_on_or_strips_all_works_the_login_too(
    browser: Browser, running: Running, tmp_path: Path, *, strips: bool
) -> None:
    port = free_port()
    with (
        nginx(tmp_path, port, base="/board", strips=strips) as front,
        provider(front.redirect, accounts=ACCOUNTS) as idp,
    ):
        table = f'base_path = "/board"\n{login_table(idp, front.redirect)}'
        given = {
            "BRIDGEBOARD_SETTINGS": settings_file(tmp_path, table),
            "BRIDGEBOARD_DATA": str(tmp_path / "data"),
            "CODER_URL": running.url,
            "CODER_SESSION_TOKEN": running.tokens["owner"],
        }
        context = new_context(browser, ignore_https_errors=True)
        with dashboard("serve", port=port, **given):
            asked: list[str] = []
            page = context.new_page()
            page.on("request", lambda one: asked.append(one.url))
            page.goto(front.address.rstrip("/"))
            stands(page, LOGIN)
            page.goto(f"{front.address}{DEEP}")
            come_in(page, "ada")
            stands(page, "Spend")
            assert urlsplit(page.url).path == "/board/spend"
            assert parse_qs(urlsplit(page.url).query) == parse_qs(urlsplit(DEEP).query)
            named(page)
            page.get_by_role("link", name="Overview").click()
            stands(page, "Overview")
            assert urlsplit(page.url).path == "/board/"
            page.goto(f"{front.address}overview?tz=UTC")
            stands(page, "Overview")
            held = {one["name"]: one for one in context.cookies(f"{front.address}oauth2callback")}
            assert held[USER]["path"] == "/board"
            assert PLACE not in held
            log_out(page)
            stands(page, LOGIN)
            assert urlsplit(page.url).path == "/board/"
            beside = (front.address.rstrip("/"), idp.issuer, "data:", "blob:")
            assert [url for url in asked if not url.startswith(beside)] == []
            told = httpx.get(f"{front.address}healthz", verify=front.trust)
            assert told.json()["status"] == "ok"
            late = httpx.get(
                f"{front.address}oauth2callback?code=x&state=y",
                headers={"Cookie": f"{PLACE}=%2Fspend"},
                verify=front.trust,
            )
            assert 'href="/board/enter?to=%2Fspend"' in late.text
            assert "Path=/board/oauth2callback" in late.headers["set-cookie"]
        context.close()


@pytest.mark.slow
def test_only_tls_is_promised_to_browsers_and_only_behind_it(
    house: House, behind: tuple[Front, House]
) -> None:
    front, _ = behind
    told = httpx.get(front.address, verify=front.trust).headers
    assert set(told.get_list("strict-transport-security")) == {"max-age=31536000"}
    assert "strict-transport-security" not in httpx.get(house.address).headers


def test_who_comes_by_another_name_logs_in_under_the_one_that_the_provider_knows(
    house: House,
) -> None:
    here = urlsplit(house.address)
    asked = {"to": f"/{DEEP}"}
    moved = httpx.get(f"http://localhost:{here.port}/enter", params=asked).headers["location"]
    assert moved.startswith(f"{house.address}enter?")
    hidden = httpx.get(moved, headers={"Host": "inside.example.com"})
    assert urlsplit(hidden.headers["location"]).path == "/auth/login"
    assert PLACE in hidden.headers["set-cookie"]


def test_an_answer_that_nobody_asked_for_is_told_as_such(house: House) -> None:
    back = f"{house.address}oauth2callback"
    for query in ({"code": "x", "state": "y"}, {"error": "server_error"}):
        told = httpx.get(back, params=query, headers={"Cookie": f"{PLACE}=%2Fspend"})
        assert told.status_code == 400
        assert "You are not logged in" in told.text
        assert 'href="/enter?to=%2Fspend"' in told.text
        assert USER not in told.cookies
        known = httpx.get(back, params=query, headers=house.headers(house.cookie(ADA)))
        assert known.headers["location"] == "/"
    assert httpx.get(back).headers["location"] == "/"


ELSEWHERE = [
    "//evil.example",
    "/\\evil.example",
    "/spend/../evil",
    "https://evil.example",
    "javascript:alert(1)",
    "spend",
    "/nowhere",
    "/spend#x",
    "/spend?a=b c",
    "/spend?a\r\nSet-Cookie: a=b",
    "/@evil.example",
    "/.evil.example",
    "/spend\n",
]


@pytest.mark.parametrize("told", ELSEWHERE)
def test_a_login_leads_to_a_page_of_ours_alone(house: House, told: str) -> None:
    begun = httpx.get(f"{house.address}enter", params={"to": told})
    assert begun.headers["set-cookie"].startswith(f"{PLACE}=%2F;")
    forged = {"Cookie": f"{PLACE}={quote(told, safe='')}"}
    assert httpx.get(f"{house.address}oauth2callback", headers=forged).headers["location"] == "/"


@given(st.text() | st.text("/\\?#a:@.%", max_size=9) | st.from_regex(r"/(spend)?(\?.*)?"))
def test_no_place_is_outside(told: str) -> None:
    told = place(told, {"spend"})
    assert re.fullmatch(r"/(spend)?(\?[!-~]*)?", told)
    assert len(quote(told, safe="")) <= 3000


def test_a_query_that_is_too_long_is_left_out() -> None:
    assert place(f"/spend?{'a' * 3000}", {"spend"}) == "/spend"
    assert place("/spend?a", {"spend"}) == "/spend?a"


def test_without_the_function_behind_it_the_login_is_streamlits_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr(user_info, "generate_login_redirect_url")
    assert login_start.login_address("/spend") is None


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "_stcore/metrics"),
        ("GET", "_stcore/metrics/"),
        ("PUT", "_stcore/upload_file/{session}/f"),
        ("DELETE", "_stcore/upload_file/{session}/f"),
        ("GET", "_stcore/agent/openapi.json"),
        ("POST", "_stcore/agent/interact"),
        ("POST", "_stcore/agent/mcp"),
        ("POST", "enter"),
    ],
)
def test_what_nobody_needs_is_not_there(house: House, method: str, path: str) -> None:
    headers = house.headers()
    headers["X-Xsrftoken"] = headers["Cookie"].partition("=")[2].partition(";")[0]
    with visit(house.address, headers=headers) as reader:
        url = f"{house.address}{path.format(session=reader.screen.session)}"
        answer = httpx.request(
            method, url, headers=headers, files={"file": b"x"} if method == "PUT" else None
        )
    assert answer.status_code in {404, 405}
    assert "content-security-policy" in answer.headers


@pytest.mark.parametrize("who", [None, EVE, ADA])
def test_a_socket_tells_nobody_of_the_machine_and_strangers_no_version(
    house: House, who: dict[str, Any] | None
) -> None:
    headers = house.headers(house.cookie(who)) if who else house.headers()
    with visit(house.address, headers=headers) as reader:
        begun = reader.screen.begun
        assert begun.main_script_path == ""
        told = begun.initialize
        assert told.HasField("environment_info")
        assert told.HasField("user_info")
        version = streamlit.__version__ if who is ADA else ""
        assert told.environment_info == EnvironmentInfo(streamlit_version=version)
        assert told.user_info == UserInfo()
        assert not reader.was_sent(str(home()))
        assert not reader.was_sent(sys.version.partition(" ")[0])
        assert reader.was_sent(streamlit.__version__) == (who is ADA)


def test_a_stranger_cannot_empty_the_caches_of_others(house: House) -> None:
    place = urlsplit(house.address)
    ours, stream = Origin(house.address.rstrip("/")), f"ws://{place.netloc}/_stcore/stream"
    asked = BackMsg(load_git_info=True), BackMsg(clear_cache=True), BackMsg(app_heartbeat=True)
    with client.connect(stream, origin=ours, max_size=None) as socket:
        for each in asked:
            socket.send(each.SerializeToString())
        socket.send(b"no message")
        with pytest.raises(ConnectionClosed, match="1002"):
            socket.recv(timeout=60)  # Streamlit answers a heartbeat, and tells what git says


def test_health_tells_a_stranger_nothing_but_health(house: House, words: set[str]) -> None:
    assert httpx.get(f"{house.address}_stcore/health").text == "ok"
    told = httpx.get(f"{house.address}healthz").text
    assert json.loads(told)["sync"]["good"]
    assert "version" not in json.loads(told)
    assert not [word for word in words if word in told]


def test_messages_and_addresses_have_a_longest_size(house: House) -> None:
    headers = house.headers(house.cookie(ADA))
    for junk, told in (("x", "Last 7 days, "), ("x" * 600_000, "Last 30 days, ")):
        with visit(house.address, headers=headers, range="Last 7 days", junk=junk) as reader:
            assert any(told in text for text in reader.screen.texts), reader.screen.texts[:14]
    place = urlsplit(house.address)
    ours = Origin(house.address.rstrip("/"))
    stream = f"ws://{place.netloc}/_stcore/stream"
    with client.connect(stream, origin=ours, max_size=None) as socket:
        socket.send(b"\0" * 26_000_000)
        with pytest.raises(ConnectionClosed, match="1009"):
            list(iter(partial(socket.recv, timeout=60), None))


@pytest.mark.parametrize("origin", ["https://share.streamlit.io", "https://evil.streamlit.app"])
def test_no_site_of_others_may_talk_to_a_page(house: House, origin: str) -> None:
    headers = house.headers(house.cookie(ADA), Origin=origin)
    with pytest.raises(InvalidStatus), visit(house.address, headers=headers):
        pass
