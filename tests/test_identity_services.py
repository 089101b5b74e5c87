"""What the login, the proxy and the page between them really do: what our own checks stand on."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from browsers import PATIENCE, log_out, new_context
from dashboard_process import free_port
from identity_services import ACCOUNTS, Provider, nginx, provider, whoami
from itsdangerous import URLSafeTimedSerializer
from playwright.sync_api import Browser, Page, expect
from scripted_browser import Visitor

from bridgeboard import access

pytestmark = pytest.mark.slow
USER, TOKENS = "_streamlit_user", "_streamlit_user_tokens"
BOSS = {
    "X-Forwarded-User": "0000-boss",
    "X-Forwarded-Preferred-Username": "boss",
    "X-Forwarded-Email": "boss@example.com",
    "X-Forwarded-Groups": "bridgeboard-admins",
}
ADA = {"User": "0001-ada", "Email": "ada@example.com", "Groups": "bridgeboard-admins"}
"""What the authenticator tells; it knows no username."""


@dataclass(frozen=True)
class Login:
    """A page with a login, its provider, and what signs its cookies."""

    address: str
    provider: Provider
    cookie_secret: str

    def cookie(self, **claims: object) -> str:
        """The cookie that the page would set for these claims."""
        origin = self.address.rstrip("/")
        told = {"origin": origin, "is_logged_in": True, "provider": "default"} | claims
        return str(URLSafeTimedSerializer(self.cookie_secret, salt=USER).dumps(json.dumps(told)))


@pytest.fixture(scope="module")
def login() -> Iterator[Login]:
    """Any warning of Streamlit or Authlib would be an error in there."""
    port = free_port()
    redirect = f"http://127.0.0.1:{port}/oauth2callback"
    with provider(redirect) as idp:
        auth = idp.auth(redirect)
        with whoami(port, auth=auth, PYTHONWARNINGS="error") as address:
            yield Login(address, idp, auth["cookie_secret"])


@pytest.fixture
def visitor(login: Login) -> Iterator[Visitor]:
    with Visitor(login.address) as someone:
        yield someone


def test_who_has_logged_in_is_told_to_the_page_with_all_claims(
    visitor: Visitor, login: Login
) -> None:
    assert visitor.told()["user"] == {"is_logged_in": False}
    assert visitor.sign_in("ada").url == login.address
    user = visitor.told()["user"]
    claimed = {key: value for key, value in ACCOUNTS[0].items() if key != "login"}
    assert {key: user[key] for key in claimed} == claimed
    who = access.from_claims(user)
    assert (who.username, who.groups) == ("ada", {"bridgeboard-admins", "engineering"})
    assert user["iss"] == login.provider.issuer
    assert user["aud"] == "bridgeboard"
    assert user["exp"] - user["iat"] == 3600
    assert user["is_logged_in"] is True
    assert user["tokens"] == {}


def test_an_address_of_mail_that_nobody_has_verified_is_told_as_such(visitor: Visitor) -> None:
    visitor.sign_in("eve")
    user = visitor.told()["user"]
    assert (user["email"], user["email_verified"]) == ("ada@example.com", False)
    assert user["sub"] != ACCOUNTS[0]["sub"]


def test_a_stranger_and_a_cancelled_login_come_to_nothing(visitor: Visitor, login: Login) -> None:
    form = visitor.follow(visitor.press("Log in"))
    assert "Nobody is called that" in visitor.answer(form, "mallory").text
    assert visitor.answer(form, "ada", "no").url == login.address
    assert visitor.told()["user"] == {"is_logged_in": False}


def test_the_cookies_are_kept_from_scripts_and_last_thirty_days(visitor: Visitor) -> None:
    answer = visitor.sign_in("ada").history[-1]
    cookies = [one for one in answer.headers.get_list("set-cookie") if one.startswith(USER)]
    assert {one.partition("=")[0] for one in cookies} == {USER, TOKENS}
    for one in cookies:
        flags = {flag.strip() for flag in one.split(";")[1:]}
        assert flags == {"HttpOnly", "Max-Age=2592000", "Path=/", "SameSite=lax"}


def test_the_way_back_from_the_provider_leads_to_the_start_page(visitor: Visitor) -> None:
    answer = visitor.sign_in("ada").history[-1]
    assert answer.request.url.path == "/oauth2callback"
    assert answer.headers["location"] == "/"


def test_the_request_is_bound_by_state_nonce_and_pkce(visitor: Visitor) -> None:
    asked = parse_qs(urlsplit(visitor.get(visitor.press("Log in")).headers["location"]).query)
    assert asked["code_challenge_method"] == ["S256"]
    assert asked["prompt"] == ["select_account"]
    assert all(len(asked[name][0]) >= 20 for name in ("state", "nonce", "code_challenge"))


@pytest.mark.parametrize("part", ["nonce", "state", "code_challenge"])
def test_a_forged_request_logs_nobody_in(visitor: Visitor, part: str) -> None:
    asked = visitor.get(visitor.press("Log in")).headers["location"]
    forged = re.sub(f"{part}=[^&]+", f"{part}={'f' * 43}", asked)
    assert forged != asked
    visitor.sign_in("ada", at=forged)
    assert visitor.told()["user"] == {"is_logged_in": False}


def test_an_answer_meant_for_one_browser_is_worth_nothing_in_another_or_twice(
    visitor: Visitor, login: Login
) -> None:
    form = visitor.follow(visitor.press("Log in"))
    answer = visitor.http.post(form.url, data={"login": "ada", "answer": "yes"})
    while not (callback := answer.headers["location"]).startswith(login.address):
        answer = visitor.get(callback)
    with Visitor(login.address) as victim:
        assert victim.follow(callback).url == login.address
        assert victim.told()["user"] == {"is_logged_in": False}
    state = visitor.http.cookies["_streamlit_session"]
    visitor.follow(callback)
    assert visitor.told()["user"]["is_logged_in"]
    with Visitor(login.address) as thief:
        thief.http.cookies.set("_streamlit_session", state, domain="127.0.0.1")
        thief.follow(callback)
        assert thief.told()["user"] == {"is_logged_in": False}


def test_the_end_of_a_token_does_not_end_a_session(visitor: Visitor, login: Login) -> None:
    visitor.http.cookies.set(USER, login.cookie(sub="0001-ada", iat=1, exp=2), domain="127.0.0.1")
    assert visitor.told()["user"]["is_logged_in"]


def test_a_cookie_for_another_origin_or_of_another_key_is_no_login(
    visitor: Visitor, login: Login
) -> None:
    foreign = login.cookie(sub="0001-ada", origin="https://elsewhere.example.com")
    forged = Login(login.address, login.provider, "guessed").cookie(sub="0001-ada")
    for cookie in (foreign, forged):
        visitor.http.cookies.set(USER, cookie, domain="127.0.0.1")
        assert not visitor.told()["user"]["is_logged_in"]


def test_logging_out_ends_the_session_at_the_provider_but_no_copy_of_the_cookie(
    visitor: Visitor, login: Login
) -> None:
    visitor.sign_in("ada")
    copied = visitor.http.cookies[USER]
    answer = visitor.get(visitor.press("Log out"))
    place, query = answer.headers["location"].split("?")
    assert place == f"{login.provider.issuer}/session/end"
    assert parse_qs(query)["post_logout_redirect_uri"] == [f"{login.address}oauth2callback"]
    assert parse_qs(query)["id_token_hint"]
    assert not {USER, TOKENS} & set(visitor.http.cookies)
    assert visitor.told()["user"] == {"is_logged_in": False}
    visitor.http.cookies.set(USER, copied, domain="127.0.0.1")
    assert visitor.told()["user"]["is_logged_in"]


def test_a_provider_that_is_down_keeps_people_in_and_lets_them_out_but_not_in() -> None:
    port = free_port()
    redirect = f"http://127.0.0.1:{port}/oauth2callback"
    with (
        provider(redirect) as idp,
        whoami(port, auth=idp.auth(redirect)) as address,
        Visitor(address) as ada,
        Visitor(address) as late,
    ):
        ada.sign_in("ada")
        idp.stop()
        assert ada.told()["user"]["is_logged_in"]
        refused = late.get(late.press("Log in"))
        assert (refused.status_code, refused.text) == (400, "Authentication error")
        assert ada.get(ada.press("Log out")).headers["location"] == "/"
        assert ada.told()["user"] == {"is_logged_in": False}


def test_claims_that_are_not_in_the_id_token_never_arrive() -> None:
    port = free_port()
    redirect = f"http://127.0.0.1:{port}/oauth2callback"
    with (
        provider(redirect, lean=True) as idp,
        whoami(port, auth=idp.auth(redirect)) as address,
        Visitor(address) as visitor,
    ):
        visitor.sign_in("ada")
        user = visitor.told()["user"]
    assert user["sub"] == ACCOUNTS[0]["sub"]
    assert not {"email", "groups", "name"} & set(user)


def seen(address: str, **headers: str) -> list[tuple[str, str | None]]:
    """The peer and the e-mail header as a route and as a page's script see them."""
    route = httpx.get(f"{address}scope", headers=headers).json()
    with Visitor(address, headers=headers) as visitor:
        page = visitor.told()
    return [
        (route["client"], route["headers"].get("x-forwarded-email")),
        (page["headers"].get("X-Forwarded-For", ""), page["headers"].get("X-Forwarded-Email")),
    ]


def test_a_peer_of_this_machine_can_name_another_unless_uvicorn_is_told_to_trust_nobody() -> None:
    with whoami(free_port(), proxies=["10.9.8.7"], forwarded=None) as address:
        spoofed = seen(address, **BOSS, **{"X-Forwarded-For": "10.9.8.7"})
    assert [said for _, said in spoofed] == ["boss@example.com"] * 2
    assert spoofed[0][0] == "10.9.8.7"
    with whoami(free_port(), proxies=["10.9.8.7"], forwarded="") as address:
        told = seen(address, **BOSS, **{"X-Forwarded-For": "10.9.8.7"})
    assert [said for _, said in told] == [None, None]
    assert told[0][0] == "127.0.0.1"


def test_middleware_hands_headers_of_a_listed_proxy_on_to_routes_and_pages() -> None:
    with whoami(free_port(), proxies=["127.0.0.1"], forwarded="") as address:
        assert [said for _, said in seen(address, **BOSS)] == ["boss@example.com"] * 2


def test_nginx_tells_who_it_is_and_nothing_that_a_browser_says(tmp_path: Path) -> None:
    port = free_port()
    with (
        nginx(tmp_path, port, {"a1": ADA}) as front,
        whoami(port, proxies=["127.0.0.1"]) as behind,
        Visitor(
            front.address,
            trust=front.trust,
            headers=BOSS | {"X-Forwarded-For": "10.0.0.1", "Authorization": "Bearer x"},
        ) as visitor,
    ):
        refused = visitor.get("scope?models=a&models=b")
        assert refused.text == "Sign in to see /scope?models=a&models=b"
        assert not refused.headers.get("x-auth-request-email")
        plain = httpx.get(f"{front.plain}people?x=1").headers["location"]
        assert plain == f"{front.address}people?x=1"

        visitor.http.cookies.set("who", "a1")
        answer = visitor.get("scope")
        assert answer.headers.get_list("strict-transport-security") == ["max-age=31536000"]
        for headers in (
            answer.json()["headers"],
            {name.lower(): value for name, value in visitor.told()["headers"].items()},
        ):
            assert headers["x-forwarded-email"] == "ada@example.com"
            assert headers["x-forwarded-groups"] == "bridgeboard-admins"
            assert headers["x-forwarded-user"] == "0001-ada"
            assert headers["x-forwarded-for"] == "127.0.0.1"
            assert headers["x-forwarded-proto"] == "https"
            assert not {"x-forwarded-preferred-username", "authorization"} & set(headers)
        assert seen(behind, **BOSS)[0][1] == "boss@example.com"  # round it, nobody strips


def signed_in(page: Page, login: str) -> None:
    page.get_by_role("button", name="Log in").click()
    page.get_by_label("Login").fill(login, timeout=PATIENCE)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_text('"is_logged_in": true')).to_be_visible(timeout=PATIENCE)


@pytest.mark.browser
def test_a_browser_logs_in_and_out_behind_tls_and_its_other_tab_does_not_notice(
    browser: Browser, tmp_path: Path
) -> None:
    port = free_port()
    with (
        nginx(tmp_path, port) as front,
        provider(front.redirect) as idp,
        whoami(port, auth=idp.auth(front.redirect), secure=True) as behind,
    ):
        context = new_context(browser, ignore_https_errors=True, extra_http_headers=BOSS)
        page, tab = context.new_page(), context.new_page()
        page.goto(front.address)
        signed_in(page, "ada")
        expect(page.get_by_text("ada@example.com")).to_be_visible()
        assert "boss" not in page.content()
        tab.goto(front.address)
        expect(tab.get_by_text("ada@example.com")).to_be_visible(timeout=PATIENCE)

        held = [one for one in context.cookies() if one["name"].startswith("_streamlit_")]
        assert {USER, TOKENS} <= {one["name"] for one in held}
        assert all(one["secure"] and one["sameSite"] == "Lax" for one in held)
        with Visitor(behind) as beside:  # the same cookie round nginx: another origin
            for one in held:
                beside.http.cookies.set(one["name"], one["value"], domain="127.0.0.1")
            assert beside.told()["user"]["is_logged_in"] is False

        log_out(page)
        expect(page.get_by_text('"is_logged_in": false')).to_be_visible(timeout=PATIENCE)
        expect(tab.get_by_text("Fresh")).to_be_visible()
        expect(tab.get_by_text("ada@example.com")).to_be_visible()
        context.close()
