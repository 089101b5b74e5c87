"""The address of the mirror, and that its password is shown nowhere."""

from pathlib import Path

import pytest

from bridgeboard import settings
from bridgeboard.runtime import background_mirror
from bridgeboard.settings import DemoSettings, SettingsError
from bridgeboard.settings.clickhouse_address import ClickHouseAddress, parsed

pytestmark = pytest.mark.usefixtures("no_settings")
PASSWORD = "s3cret-of-the-mirror"


@pytest.mark.parametrize(
    ("text", "hosts", "is_secure", "ca"),
    [
        ("clickhouse://me@one/db", [("one", 8443)], True, None),
        ("ClickHouse://me@one:9443,two/db", [("one", 9443), ("two", 8443)], True, None),
        ("clickhouse://me@one:8123/db", [("one", 8123)], False, None),
        ("clickhouse://me@one:8123/db?secure=true", [("one", 8123)], True, None),
        ("clickhouse://me@one/db?secure=false", [("one", 8443)], False, None),
        (
            "clickhouse://me@[::1]:8123,10.0.0.2:80/db",
            [("::1", 8123), ("10.0.0.2", 80)],
            False,
            None,
        ),
        ("clickhouse://me@[::1]:8123,10.0.0.2/db", [("::1", 8123), ("10.0.0.2", 8443)], True, None),
        ("clickhouse://me@one/db?ca=/etc/own.pem", [("one", 8443)], True, "/etc/own.pem"),
    ],
)
def test_an_address_names_hosts_user_and_database(
    text: str, hosts: list[tuple[str, int]], ca: str | None, *, is_secure: bool
) -> None:
    assert parsed(text) == ClickHouseAddress(tuple(hosts), "me", "db", is_secure, ca)


def test_a_user_may_have_any_characters() -> None:
    assert parsed("clickhouse://a%40b@one/db").user == "a@b"


@pytest.mark.parametrize(
    "text",
    [
        "http://me@one:8123/db",
        "clickhouse:/me@one/db",
        "clickhouse://one/db",
        "clickhouse://@one/db",
        "clickhouse://me@/db",
        "clickhouse://me@one",
        "clickhouse://me@one/",
        "clickhouse://me@one/a/b",
        "clickhouse://me@one/db;DROP",
        "clickhouse://me@one:0/db",
        "clickhouse://me@one:65536/db",
        "clickhouse://me@one:x/db",
        "clickhouse://me@one,/db",
        "clickhouse://me@one/db?secure=maybe",
        "clickhouse://me@one/db?verify=false",
        "clickhouse://me@one?secure=false/db",
        f"clickhouse://me:{PASSWORD}@one/db",
        f"clickhouse://me@x:{PASSWORD}@one/db",
    ],
)
def test_what_is_no_address_is_refused_and_not_repeated(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BRIDGEBOARD_MIRROR", text)
    with pytest.raises(SettingsError, match=r"mirror \(BRIDGEBOARD_MIRROR\)") as caught:
        settings.read()
    assert PASSWORD not in str(caught.value)
    assert text not in str(caught.value)


def test_the_password_may_stand_in_a_file_and_is_shown_nowhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "password"
    file.write_text(f"{PASSWORD}\n", "utf-8")
    monkeypatch.setenv("BRIDGEBOARD_MIRROR", "clickhouse://me@one:1,two/db")
    monkeypatch.setenv("BRIDGEBOARD_MIRROR_PASSWORD_FILE", str(file))
    chosen = settings.read()
    assert chosen.mirror_password.get_secret_value() == PASSWORD
    to = background_mirror.server(chosen)
    assert to
    assert (to.hosts, to.database, to.user) == ((("one", 1), ("two", 8443)), "db", "me")
    assert to.password == PASSWORD
    assert to.is_secure
    shown = repr([chosen, to, settings.origins(chosen, chosen)])
    assert PASSWORD not in shown
    by = {one.name: one for one in settings.origins(chosen, chosen)}
    assert by["mirror_password"].value == "set"
    assert by["mirror_password"].set_by == "mirror_password_file"
    assert settings.unsecret(f"it said {PASSWORD}", chosen) == "it said …"


def test_a_demo_company_is_mirrored_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRIDGEBOARD_MIRROR", "clickhouse://me@one/db")
    chosen = settings.read()
    assert background_mirror.server(chosen)
    assert background_mirror.server(DemoSettings.of(chosen, "http://127.0.0.1:1", "t")) is None
    monkeypatch.delenv("BRIDGEBOARD_MIRROR")
    assert background_mirror.server(settings.read()) is None
