"""Environment and one TOML file → Settings."""

import re
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from bridgeboard import settings
from bridgeboard.access import Claims, Headers, Identity, Role, viewer
from bridgeboard.settings import DemoSettings, Login, Proxy, Settings, SettingsError

TABLES = (Path(__file__).parents[1] / "docs" / "settings.md").read_text("utf-8")
TOKEN = "abcdefghij-0123456789012345678901"


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for variable in [*settings.variables(), *settings.table_variables()]:
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
    assert set(settings.read().host_names) == {"localhost", "127.0.0.1", "::1"}
    assert (
        "ai.example.com" in settings.read(allowed_hosts="ai.example.com, b.example.com").host_names
    )
    everybody = settings.read(host="0.0.0.0", allow_remote=True)  # noqa: S104 - the case in point
    assert everybody.host_names == []
    named = settings.read(host="10.0.0.5", allow_remote=True, allowed_hosts="ai.example.com")
    assert {"10.0.0.5", "ai.example.com"} <= set(named.host_names)


def test_a_whole_address_says_by_which_scheme_browsers_come() -> None:
    chosen = settings.read(allowed_hosts="ai.example.com, HTTPS://B.example.com:443,http://c:80")
    assert {"ai.example.com", "b.example.com", "c"} <= set(chosen.host_names)
    assert chosen.origins == {"https://b.example.com", "http://c"}
    for wrong in ("https://b.example.com/x", "ftp://b.example.com", "https://", "b/c"):
        with pytest.raises(settings.SettingsError, match="neither a name nor a whole address"):
            settings.read(allowed_hosts=wrong)


def test_a_base_path_has_one_slash_before_it_and_none_behind() -> None:
    for told, path in (
        ("", ""),
        ("/", ""),
        ("board", "/board"),
        ("/board/", "/board"),
        (" /tools/ai.board ", "/tools/ai.board"),
    ):
        assert settings.read(base_path=told).base_path == path
    for wrong in ("/a b", "/../x", "/x/..", "/.", "/x//y", "/é", "/x?y", "https://x/y", "/x\ny"):
        with pytest.raises(settings.SettingsError, match="Write a path of letters"):
            settings.read(base_path=wrong)
    for ours in ("/spend", "/static", "/auth/x", "/enter", "/healthz", "/_stcore"):
        with pytest.raises(settings.SettingsError, match="choose another"):
            settings.read(base_path=ours)


def test_an_empty_variable_is_one_that_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRIDGEBOARD_PORT", "")
    assert settings.read().port == 8501


def test_a_host_is_an_address_without_brackets_and_not_nothing() -> None:
    assert settings.read(host="[::1]").host == "::1"
    with pytest.raises(SettingsError, match="Name an address to listen on"):
        settings.read(host=" ")


SECRET = "0123456789abcdef" * 2
LOGIN = {
    "metadata_url": "https://login.example.com/.well-known/openid-configuration",
    "client_id": "bridgeboard",
    "client_secret": "client-s3cret",
    "redirect_url": "https://ai.example.com/oauth2callback",
    "cookie_secret": SECRET,
}


def table(name: str, told: dict[str, Any]) -> str:
    """A table of TOML; the values are texts, numbers, truths and lists of texts."""
    rows = [f"{key} = {str(value).lower() if isinstance(value, bool) else repr(value)}"
            for key, value in told.items()]  # fmt: skip
    return "\n".join([f"[{name}]", *rows, ""])


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """A function that reads the settings of a file with this text."""

    def read(text: str, mode: int = 0o600) -> Settings:
        path = file_of(tmp_path, text, mode)
        monkeypatch.setenv(settings.SETTINGS_VARIABLE, str(path))
        return settings.read()

    return read


def test_without_a_login_or_a_proxy_nothing_of_them_is_configured() -> None:
    plain = settings.read()
    assert not plain.guarded
    assert (plain.login, plain.proxy) == (Login(), Proxy())
    assert (plain.names, plain.floor, plain.default_role) == ("real", 5, "")
    assert plain.rules.default is None
    assert plain.login.claims == Claims()
    assert plain.proxy.headers == Headers()


def test_a_login_is_a_table_of_the_file_and_the_environment_wins_name_by_name(
    monkeypatch: pytest.MonkeyPatch, told: Any
) -> None:
    monkeypatch.setenv("BRIDGEBOARD_LOGIN_CLIENT_ID", "another")
    monkeypatch.setenv("BRIDGEBOARD_LOGIN_EMAIL_AS_USERNAME", "true")
    monkeypatch.setenv("BRIDGEBOARD_LOGIN_SCOPE", "")
    found = told(table("login", LOGIN | {"username_claim": "coder"}))
    assert found.guarded
    assert found.login.client_id == "another"
    assert found.login.client_secret.get_secret_value() == "client-s3cret"
    assert found.login.scope == "openid profile email"
    assert found.login.claims == Claims("coder", "groups", local_part=True)


def test_a_login_can_come_from_the_environment_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in LOGIN.items():
        monkeypatch.setenv(f"BRIDGEBOARD_LOGIN_{name.upper()}", value)
    assert settings.read().login == Login(**LOGIN)


@pytest.mark.parametrize("name", LOGIN)
def test_half_a_login_is_none_and_says_what_is_missing(told: Any, name: str) -> None:
    with pytest.raises(SettingsError, match=f"login: Set {name} too"):
        told(table("login", {key: value for key, value in LOGIN.items() if key != name}))


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"cookie_secret": "x" * 31}, "login: Give cookie_secret at least 32"),
        ({"metadata_url": "http://login.example.com"}, "login.metadata_url (BRIDGEBOARD_LOGIN_MET"),
        ({"metadata_url": "http://login.example.com"}, "Use https"),
        ({"metadata_url": "login.example.com"}, "Give a whole address"),
        ({"redirect_url": "https://ai.example.com/"}, "Let redirect_url end in /oauth2callback"),
        ({"secret": "x"}, "login.secret: no such setting. Known are: client_id"),
        ({"client_id": 7}, "login.client_id (BRIDGEBOARD_LOGIN_CLIENT_ID)"),
        ({"email_as_username": "perhaps"}, "login.email_as_username"),
    ],
)
def test_a_wrong_login_says_what_to_do_and_no_secret(
    told: Any, changed: dict[str, Any], said: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        told(table("login", LOGIN | changed))
    assert said in str(caught.value)
    assert not any(str(secret) in str(caught.value) for secret in (SECRET, "client-s3cret", "xxx"))


def test_a_provider_on_this_machine_may_do_without_tls(told: Any) -> None:
    local = {
        "metadata_url": "http://127.0.0.1:9000/x",
        "redirect_url": "http://localhost:8501/oauth2callback",
    }
    assert told(table("login", LOGIN | local)).login.configured


def test_secrets_can_stand_in_files_of_their_own(
    told: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, text in (
        ("client", " from-a-file\n"),
        ("cookie", SECRET[::-1] + "\n"),
        ("token", TOKEN),
    ):
        (tmp_path / name).write_text(text, "utf-8")
    bare = {key: value for key, value in LOGIN.items() if not key.endswith("_secret")}
    files = {f"{name}_secret_file": str(tmp_path / name) for name in ("client", "cookie")}
    text = f"token_file = '{tmp_path / 'token'}'\n" + table("login", bare | files)
    found = told(text, mode=0o644)  # there is no secret in it
    assert found.login.client_secret.get_secret_value() == "from-a-file"
    assert found.login.cookie_secret.get_secret_value() == SECRET[::-1]
    assert found.token.get_secret_value() == TOKEN
    monkeypatch.setenv("CODER_SESSION_TOKEN", "given-outright")
    monkeypatch.setenv("BRIDGEBOARD_LOGIN_CLIENT_SECRET", "given-too")
    assert settings.read().token.get_secret_value() == "given-outright"
    assert settings.read().login.client_secret.get_secret_value() == "given-too"


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "cannot be read: No such file"), (b" \n", "is empty"), (b"\xff", "is not in UTF-8")],
)
def test_a_secrets_file_that_holds_none_says_so(
    told: Any, tmp_path: Path, content: bytes | None, said: str
) -> None:
    path = tmp_path / "secret"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SettingsError, match=f"token_file names .*{said}"):
        told(f"token_file = '{path}'")
    bare = {key: value for key, value in LOGIN.items() if key != "cookie_secret"}
    with pytest.raises(SettingsError, match=f"cookie_secret_file names .*{said}") as caught:
        told(table("login", bare | {"cookie_secret_file": str(path)}))
    assert not str(caught.value).endswith("..")


def test_the_token_can_stand_in_the_keyring(monkeypatch: pytest.MonkeyPatch, told: Any) -> None:
    held = {("bridgeboard", "https://coder.example.com"): TOKEN}
    ring = SimpleNamespace(get_password=lambda *asked: held.get(asked))
    monkeypatch.setitem(sys.modules, "keyring", ring)  # type: ignore[arg-type] - a stand-in
    text = "keyring = true\nurl = 'https://coder.example.com/'"
    assert told(text).token.get_secret_value() == TOKEN
    held.clear()
    with pytest.raises(SettingsError, match="keyring set bridgeboard https://coder"):
        settings.read()

    def locked(*_asked: str) -> str:
        raise RuntimeError(TOKEN)

    ring.get_password = locked
    with pytest.raises(SettingsError, match="Unlock it") as caught:
        settings.read()
    assert TOKEN not in str(caught.value)


def test_without_the_package_the_keyring_is_no_choice(
    monkeypatch: pytest.MonkeyPatch, told: Any
) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(SettingsError, match=r"pip install \"bridgeboard\[keyring\]\""):
        told("keyring = true")


@pytest.mark.parametrize(
    ("addresses", "peer", "trusted"),
    [
        ("['10.0.0.5']", "10.0.0.5", True),
        ("['10.0.0.5']", "10.0.0.6", False),
        ("['10.1.0.0/24', 'fd00::/8']", "10.1.0.77", True),
        ("['10.1.0.0/24', 'fd00::/8']", "fd12::1", True),
        ("'10.0.0.5, 10.0.0.6'", "10.0.0.6", True),
        ("['10.0.0.5']", "::ffff:10.0.0.5", True),
        ("['10.0.0.5']", "10.0.0.5, 10.0.0.9", False),
        ("['10.0.0.5']", "", False),
        ("[]", "127.0.0.1", False),
    ],
)
def test_only_the_proxies_named_are_believed(
    *, told: Any, addresses: str, peer: str, trusted: bool
) -> None:
    found = told(f"[proxy]\naddresses = {addresses}\nuser_header = 'Remote-User'")
    assert found.proxy.trusts(peer) is trusted
    assert found.guarded is (addresses != "[]")
    assert found.proxy.headers.user == "Remote-User"


@pytest.mark.parametrize(
    ("addresses", "said"),
    [
        ("['proxy.example.com']", "proxy.example.com is no address and no network"),
        ("['10.1.2.3/8']", "has host bits set"),
        ("['0.0.0.0/0']", "is everybody"),
        ("['::/0']", "is everybody"),
        ("[7]", "7 is no address"),
        ("7", "proxy.addresses (BRIDGEBOARD_PROXY_ADDRESSES)"),
    ],
)
def test_a_proxy_is_an_address_or_a_network(told: Any, addresses: str, said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        told(f"[proxy]\naddresses = {addresses}")
    assert said in str(caught.value)


def test_login_and_proxy_together_are_refused(told: Any) -> None:
    with pytest.raises(SettingsError, match=r"\[login\] and \[proxy\] are both configured"):
        told(table("login", LOGIN) + "[proxy]\naddresses = ['10.0.0.5']")


def test_the_tables_of_the_readme_make_the_rules_they_tell(
    told: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (text,) = re.findall(r"```toml\n(default_role.*?)```", TABLES, re.DOTALL)
    monkeypatch.setenv("BRIDGEBOARD_LOGIN_CLIENT_SECRET", "x")
    monkeypatch.setenv("BRIDGEBOARD_LOGIN_COOKIE_SECRET", SECRET)
    rules = told(text).rules
    lead = viewer(Identity("1", "Lead@example.com", frozenset({"finance"})), rules)
    assert lead.roles == {Role.LEAD, Role.ANALYST}
    assert lead.teams == {"payments", "search"}
    assert viewer(Identity(username="carol"), rules).roles == {Role.AUDITOR}
    assert viewer(Identity(username="dan"), rules).roles == {Role.SELF}


def test_the_readme_tells_the_settings_of_the_tables() -> None:
    row = re.compile(r"^\| `(\w+)` \| `(\w+\.\w+)` \| ?`?(.*?)`? ?\| (.*) \|$", re.MULTILINE)
    models = {"login": Login, "proxy": Proxy}
    coded = []
    for variable, path in settings.table_variables().items():
        name, _, key = path.partition(".")
        field = models[name].model_fields[key]
        default = "" if field.default == () else str(field.default)
        coded.append((variable, path, default, field.description))
    assert row.findall(TABLES) == coded


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[roles]\nboss = ['a']", "roles: 'boss' is no role. Known are: self, viewer, lead"),
        ("[roles]\nadmin = 7", "'admin' needs a list of words"),
        ("[roles]\nadmin = []", "'admin' needs a list of words"),
        ("[roles]\nadmin = ['a', 7]", "'admin' lists something that is no word"),
        ("[roles]\nadmin = [' ']", "'admin' lists something that is no word"),
        ("roles = 'admin'", "Write a table of lists"),
        ("[roles]\nlead = ['leads']", "leads is a lead: name their teams under [leads]"),
        ("[leads]\nann = []", "leads: 'ann' needs a list"),
        ("default_role = 'admin'", "default_role (BRIDGEBOARD_DEFAULT_ROLE)"),
        ("default_role = 'lead'", "default_role (BRIDGEBOARD_DEFAULT_ROLE)"),
        ("names = 'pseudonyms'", "Pseudonyms need a pseudonym_key"),
        ("names = 'none'", "names (BRIDGEBOARD_NAMES)"),
        ("pseudonym_key = 'fifteen letters'", "pseudonym_key (BRIDGEBOARD_PSEUDONYM_KEY)"),
        ("floor = 1", "floor (BRIDGEBOARD_FLOOR)"),
    ],
)
def test_wrong_rules_say_what_to_do(told: Any, text: str, said: str) -> None:
    with pytest.raises(SettingsError) as caught:
        told(text)
    assert said in str(caught.value)
    assert "fifteen letters" not in str(caught.value)


def test_leads_may_stand_in_both_tables(told: Any) -> None:
    rules = told("[roles]\nlead = 'Leads'\n[leads]\nleads = 'payments'").rules
    assert viewer(Identity("1", groups=frozenset({"LEADS"})), rules).teams == {"payments"}


def test_pseudonyms_have_a_key(told: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    found = told(f"names = 'pseudonyms'\npseudonym_key = '{SECRET}'")
    assert (found.names, found.pseudonym_key.get_secret_value()) == ("pseudonyms", SECRET)
    monkeypatch.setenv("BRIDGEBOARD_NAMES", "real")
    assert settings.read().names == "real"


@pytest.mark.parametrize(
    "text",
    [
        f"pseudonym_key = '{SECRET}'",
        f"state_url = 'postgresql://a:{SECRET}@h/d'",
        table("login", LOGIN),
        table("login", {key: value for key, value in LOGIN.items() if key != "client_secret"}),
    ],
)
def test_a_file_with_any_secret_must_be_private(told: Any, text: str) -> None:
    with pytest.raises(SettingsError, match="chmod 600") as caught:
        told(text, mode=0o640)
    assert SECRET not in str(caught.value)


def test_no_secret_is_ever_printed(told: Any) -> None:
    found = told(f"pseudonym_key = '{SECRET[::-1]}'\n" + table("login", LOGIN))
    shown = f"{found!r} {found} {found.model_dump()} {found.model_dump_json()}"
    assert not any(secret in shown for secret in (SECRET, SECRET[::-1], "client-s3cret"))


def test_the_demo_keeps_who_may_see_what(told: Any) -> None:
    mine = told("[roles]\nadmin = ['a']\n[proxy]\naddresses = ['10.0.0.5']")
    demo = DemoSettings.of(mine, "http://127.0.0.1:1", TOKEN)
    assert demo.guarded
    assert demo.rules == mine.rules


def test_browsers_come_back_from_the_provider_to_a_path_of_ours(told: Any) -> None:
    under = LOGIN | {"redirect_url": "https://ai.example.com/board/oauth2callback"}
    base = 'base_path = "/board/"\n'
    assert told(base + table("login", under)).base_path == "/board"
    for text in (table("login", under), base + table("login", LOGIN)):
        with pytest.raises(settings.SettingsError, match=r"redirect_url leads to /.*base_path"):
            told(text)
