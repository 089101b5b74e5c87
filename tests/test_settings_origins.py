"""Where settings come from, what a restart would change, and that no secret is told."""

import json
import os
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest

from bridgeboard import settings
from bridgeboard.settings import DemoSettings, Origin, Settings

TOKEN = "zq-token-0123456789-0123456789-01"
SECRETS = {
    "client_secret": "zq-client-secret",
    "cookie_secret": "zq-cookie-secret-0123456789-0123456789",
}
KEY = "zq-pseudonym-key-0123456789"
LOGIN = """
[login]
metadata_url = "https://ada:zq-word@login.example.com/.well-known/openid-configuration"
client_id = "bridgeboard"
redirect_url = "https://ai.example.com/oauth2callback"
{more}
"""
OUTRIGHT = "\n".join(f'{name} = "{secret}"' for name, secret in SECRETS.items())


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for variable in [*settings.variables(), *settings.table_variables()]:
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv(settings.SETTINGS_VARIABLE, str(tmp_path / "bridgeboard.toml"))


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str], None]:
    """A function that writes the settings file."""

    def put(text: str) -> None:
        path = tmp_path / "bridgeboard.toml"
        path.write_text(text, "utf-8")
        path.chmod(0o600)

    put("")
    return put


def told(in_force: Settings) -> dict[str, Origin]:
    return {one.name: one for one in settings.origins(in_force, settings.read())}


def test_every_setting_is_told_with_its_meaning(write: Callable[[str], None]) -> None:
    write('[roles]\nadmin = ["admins"]\n[leads]\n"ada@example.com" = ["payments"]')
    found = told(settings.read())
    plain = set(settings.variables().values()) | set(settings.table_variables().values())
    assert set(found) == plain | {"roles.admin", "leads.ada@example.com"}
    assert all(one.meaning for one in found.values())


def test_each_setting_says_who_set_it(
    write: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    write(
        "port = 9000\nfloor = 5\nBRIDGEBOARD_TEXT = 'none'\nhost = 'localhost'\n"
        "[proxy]\naddresses = ['10.0.0.5', '10.1.0.0/24']\n[roles]\nadmin = ['a', 'b']"
    )
    monkeypatch.setenv("CODER_URL", "https://coder.example.com")
    monkeypatch.setenv("BRIDGEBOARD_PORT", "9001")
    monkeypatch.setenv("BRIDGEBOARD_ROWS_DAYS", "")
    monkeypatch.setenv("BRIDGEBOARD_PROXY_USER_HEADER", "X-User")
    found = told(settings.read(host="127.0.0.2"))
    wanted = {
        "url": ("https://coder.example.com", "environment CODER_URL"),
        "token": ("not set", "default"),
        "port": ("9001", "environment BRIDGEBOARD_PORT"),
        "host": ("127.0.0.2", "command line"),
        "text": ("none", "file"),
        "floor": ("5", "file"),  # which says what is the default anyway
        "rows_days": ("0", "default"),
        "keyring": ("false", "default"),
        "proxy.addresses": ("10.0.0.5, 10.1.0.0/24", "file"),
        "proxy.user_header": ("X-User", "environment BRIDGEBOARD_PROXY_USER_HEADER"),
        "proxy.email_header": ("X-Forwarded-Email", "default"),
        "roles.admin": ("a, b", "file"),
        "leads": ("not set", "default"),
    }
    assert {name: (found[name].value, found[name].set_by) for name in wanted} == wanted
    assert not any(one.changed for one in found.values())


def test_a_secret_says_where_it_stands(
    write: Callable[[str], None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, secret in {"token": TOKEN, **SECRETS}.items():
        (tmp_path / name).write_text(secret, "utf-8")
    files = "\n".join(f'{name}_file = "{tmp_path / name}"' for name in SECRETS)
    write(f'token_file = "{tmp_path / "token"}"' + LOGIN.format(more=files))
    names = ("token", "login.client_secret", "login.cookie_secret")
    assert [told(settings.read())[name].set_by for name in names] == [f"{n}_file" for n in names]
    write(f'token = "{TOKEN}"' + LOGIN.format(more=OUTRIGHT))
    assert [told(settings.read())[name].set_by for name in names] == ["file"] * 3
    monkeypatch.setenv("BRIDGEBOARD_LOGIN_COOKIE_SECRET", SECRETS["cookie_secret"])
    by = told(settings.read())["login.cookie_secret"].set_by
    assert by == "environment BRIDGEBOARD_LOGIN_COOKIE_SECRET"


def test_what_a_restart_would_change_is_told(write: Callable[[str], None], tmp_path: Path) -> None:
    (tmp_path / "token").write_text(TOKEN, "utf-8")
    first = f'token_file = "{tmp_path / "token"}"\nfloor = 7\nport = 9000\ntext_days = 60\n'
    write(first + "[roles]\nadmin = ['a']")
    in_force = settings.read(port=9002)
    assert not any(one.changed for one in told(in_force).values())
    (tmp_path / "token").write_text(TOKEN[::-1], "utf-8")
    write(
        first.replace("floor = 7", "floor = 9").replace("port = 9000", "port = 9001")
        + "[roles]\nadmin = ['b']\nself = ['c']"
    )
    found = told(in_force)
    changed = {name for name, one in found.items() if one.changed}
    # The command line gives the port again.
    assert changed == {"token", "floor", "roles.admin", "roles.self"}
    assert (found["floor"].value, found["floor"].set_by) == ("7", "file")
    assert (found["roles.self"].value, found["roles.self"].set_by) == ("not set", "default")
    assert not any(one.changed for one in settings.origins(in_force, None))


def test_files_are_found_again_where_the_program_serves(
    write: Callable[[str], None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Serving moves to another folder, and names may be relative to the one of the start."""
    (tmp_path / "token").write_text(TOKEN, "utf-8")
    names = {"token_file": "token", "data_folder": "", "prices_file": "p", "teams_file": "t"}
    write("\n".join(f'{n} = "{os.path.relpath(tmp_path / to)}"' for n, to in names.items()))
    monkeypatch.setenv(settings.SETTINGS_VARIABLE, os.path.relpath(settings.settings_file()))
    in_force = settings.read()
    monkeypatch.chdir("/")
    assert in_force.token.get_secret_value() == TOKEN
    assert not any(one.changed for one in told(in_force).values())
    found = (in_force.folder, in_force.prices_path, in_force.teams_path)
    assert [os.path.normpath(each) for each in found if each] == [
        str(tmp_path), str(tmp_path / "p"), str(tmp_path / "t"),
    ]  # fmt: skip


def test_a_demo_company_sets_what_points_at_it(write: Callable[[str], None]) -> None:
    write("floor = 7\nport = 9000")
    changes = {"data_folder": "/tmp/x", "timeout_seconds": 600.0}  # noqa: S108 - a name
    chosen = settings.read(port=9002).model_copy(update=changes)
    demo = DemoSettings.of(chosen, "http://127.0.0.1:1", TOKEN)
    by = {name: one.set_by for name, one in told(demo).items()}
    assert {name for name, who in by.items() if who == "demo company"} == {
        "url", "token", "timeout_seconds", "search_text", "data_folder",
    }  # fmt: skip
    assert (by["port"], by["floor"], by["host"]) == ("command line", "file", "default")
    assert by["state_url"] == "default"
    assert not any(one.changed for one in told(demo).values())


ADDRESSES = {
    "https://ada:zq-word@coder.example.com/x": "https://…@coder.example.com/x",
    "https://ada:zq w@rd@coder.example.com": "https://…@coder.example.com",
    "https://zq-word@coder.example.com": "https://…@coder.example.com",
    "ada:zq-word@coder.example.com": "…@coder.example.com",
    "https://coder.example.com": "https://coder.example.com",
}


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_address_is_told_without_its_password(
    write: Callable[[str], None], monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    write("")
    monkeypatch.setenv("CODER_URL", address)
    in_force = settings.read()
    assert told(in_force)["url"].value == ADDRESSES[address]
    said = settings.unsecret(f"No answer from {address} today.", in_force)
    assert said == f"No answer from {ADDRESSES[address]} today."


def test_no_secret_is_told(write: Callable[[str], None]) -> None:
    write(f'token = "{TOKEN}"\npseudonym_key = "{KEY}"' + LOGIN.format(more=OUTRIGHT))
    in_force = settings.read()
    every = [TOKEN, KEY, *SECRETS.values(), "zq-word"]
    said = json.dumps([asdict(one) for one in told(in_force).values()])
    assert said.count('"set"') == 4
    assert not [secret for secret in every if secret in said]
    sentence = f"{' '.join(every[:-1])} at https://ada:zq-word@elsewhere.example.com/"
    assert settings.unsecret(sentence, in_force) == "… … … … at https://…@elsewhere.example.com/"


def test_of_the_states_address_the_host_alone_is_told(
    write: Callable[[str], None], tmp_path: Path
) -> None:
    password = "s3same%2F0pen"
    url = f"postgresql://ada-login:{password}@db.example.com:5433/board-db?sslmode=verify-full"
    (tmp_path / "state").write_text(url, "utf-8")
    for text, origin in (
        (f'state_url = "{url}"', "file"),
        (f'state_url_file = "{tmp_path / "state"}"', "state_url_file"),
    ):
        write(text)
        in_force = settings.read()
        assert in_force.state_url.get_secret_value() == url
        one = told(in_force)["state_url"]
        assert (one.value, one.set_by, one.changed) == ("set: db.example.com", origin, False)
        for secret in (url, password, "s3same/0pen"):
            assert settings.unsecret(f"No answer: {secret}.", in_force) == "No answer: …."
        demo = DemoSettings.of(in_force, "http://127.0.0.1:1", TOKEN)
        assert demo.state_url.get_secret_value() == ""
        assert told(demo)["state_url"].set_by == "demo company"
    write("")
    assert told(settings.read())["state_url"].value == "not set"


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:///s3same",
        "s3same",
        "postgresql://s3same",
        "postgresql://a:s3same@h:x/d",
        # Libraries do not agree on where such passwords end.
        "postgresql://a:p@s3same@h/d",
        "postgresql://a:p@s:s3same@h/d",
        "postgresql://s3same:12/p@h/d",
        "postgresql://s3same:12/p?@h/d",
    ],
)
def test_a_states_address_that_is_none_is_refused_without_it(
    write: Callable[[str], None], url: str
) -> None:
    write(f'state_url = "{url}"')
    with pytest.raises(settings.SettingsError, match="no address of a PostgreSQL") as caught:
        settings.read()
    assert "s3same" not in str(caught.value)
