"""Environment and one TOML file → Settings."""

from pathlib import Path

import pytest

from bridgeboard import settings
from bridgeboard.settings import DemoSettings, Settings, SettingsError

TOKEN = "abcdefghij-0123456789012345678901"


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for variable in settings.variables():
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.delenv(settings.SETTINGS_VARIABLE, raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))


def file_of(tmp_path: Path, text: str, mode: int = 0o600) -> Path:
    path = tmp_path / "bridgeboard.toml"
    path.write_text(text, "utf-8")
    path.chmod(mode)
    return path


def test_without_anything_set_the_defaults_are_safe() -> None:
    plain = settings.read()
    assert not plain.configured
    assert plain.loopback
    assert not plain.allow_remote
    assert not plain.demo


def test_the_environment_names_the_deployment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CODER_URL", " https://coder.example.com/ ")
    monkeypatch.setenv("CODER_SESSION_TOKEN", TOKEN)
    found = settings.read()
    assert found.url == "https://coder.example.com"
    assert found.token.get_secret_value() == TOKEN
    assert found.configured


def test_the_command_line_wins_over_the_environment_and_that_over_the_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = file_of(tmp_path, "port = 1001\nhost = 'localhost'\ntimeout_seconds = 5\n")
    monkeypatch.setenv(settings.SETTINGS_VARIABLE, str(path))
    monkeypatch.setenv("BRIDGEBOARD_PORT", "1002")
    assert settings.read().port == 1002
    assert settings.read(port=1003, host=None).port == 1003
    assert settings.read().host == "localhost"
    assert settings.read().timeout_seconds == 5


def test_the_token_is_never_printed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CODER_SESSION_TOKEN", TOKEN)
    found = settings.read()
    assert TOKEN not in f"{found!r} {found} {found.model_dump()} {found.model_dump_json()}"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("prot = 1", "prot: no such setting"),
        ("port = 70000", "port (BRIDGEBOARD_PORT)"),
        ("timeout_seconds = 'soon'", "timeout_seconds (BRIDGEBOARD_TIMEOUT_SECONDS)"),
        ("port = ", "not valid TOML"),
        ("token = 12", "token (CODER_SESSION_TOKEN)"),
    ],
)
def test_a_wrong_setting_is_named_with_what_is_wrong(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str, said: str
) -> None:
    monkeypatch.setenv(settings.SETTINGS_VARIABLE, str(file_of(tmp_path, text)))
    with pytest.raises(SettingsError) as caught:
        settings.read()
    assert said in str(caught.value)


def test_a_wrong_setting_does_not_give_the_token_away(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = file_of(tmp_path, f"token = '{TOKEN}'\nprot = 1\nport = 'x'")
    monkeypatch.setenv(settings.SETTINGS_VARIABLE, str(path))
    with pytest.raises(SettingsError) as caught:
        settings.read()
    assert TOKEN not in str(caught.value)
    assert caught.value.__cause__ is None


def test_a_named_file_must_exist(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(settings.SETTINGS_VARIABLE, str(tmp_path / "none.toml"))
    with pytest.raises(SettingsError, match="is not a file"):
        settings.read()


def test_a_token_that_others_may_read_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = file_of(tmp_path, f"token = '{TOKEN}'", mode=0o644)
    monkeypatch.setenv(settings.SETTINGS_VARIABLE, str(path))
    with pytest.raises(SettingsError, match="chmod 600"):
        settings.read()
    file_of(tmp_path, f"CODER_SESSION_TOKEN = '{TOKEN}'", mode=0o644)
    with pytest.raises(SettingsError, match="chmod 600"):
        settings.read()
    file_of(tmp_path, "port = 9000", mode=0o644)
    assert settings.read().port == 9000


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.0.0.2", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),  # noqa: S104 - the address that must be told apart
        ("::", False),
        ("10.1.2.3", False),
        ("dashboard.example.com", False),
    ],
)
def test_only_addresses_of_this_machine_are_loopback(*, host: str, loopback: bool) -> None:
    assert settings.read(host=host).loopback is loopback


def test_demo_settings_keep_all_but_the_deployment() -> None:
    mine = settings.read(port=9001)
    demo = DemoSettings.of(mine, "http://127.0.0.1:1", TOKEN)
    assert demo.demo
    assert demo.configured
    assert (demo.port, demo.url) == (9001, "http://127.0.0.1:1")


def test_installed_settings_are_the_current_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "_installed", None)
    assert settings.current() == Settings()
    settings.install(settings.read(port=9002))
    assert settings.current().port == 9002


def test_only_names_of_this_machine_are_served_unless_others_are_given() -> None:
    assert set(settings.read().names) == {"localhost", "127.0.0.1", "::1"}
    assert "ai.example.com" in settings.read(allowed_hosts="ai.example.com, b.example.com").names
    everybody = settings.read(host="0.0.0.0", allow_remote=True)  # noqa: S104 - the case in point
    assert everybody.names == []
    named = settings.read(host="10.0.0.5", allow_remote=True, allowed_hosts="ai.example.com")
    assert {"10.0.0.5", "ai.example.com"} <= set(named.names)


def test_an_empty_variable_is_one_that_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRIDGEBOARD_PORT", "")
    assert settings.read().port == 8501


def test_a_host_is_an_address_without_brackets_and_not_nothing() -> None:
    assert settings.read(host="[::1]").host == "::1"
    with pytest.raises(SettingsError, match="Name an address to listen on"):
        settings.read(host=" ")
