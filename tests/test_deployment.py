"""The files of the deployment guide: checked by systemd, read by our settings, and run."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import httpx
import pytest
from identity_services import EXAMPLES, nginx

from bridgeboard import settings
from bridgeboard.access import Identity, Role, viewer
from bridgeboard.settings import Settings

UNITS = ("bridgeboard.service", "bridgeboard-sync.service", "bridgeboard-replica@.service")
GUIDE = (EXAMPLES.parents[1] / "docs" / "deployment.md").read_text("utf-8")
EXPOSURE = 20  # tenths of what `systemd-analyze security` counts: less is tighter


def options(unit: str) -> list[tuple[str, str]]:
    """Name and value of every line of a unit, in order."""
    lines = (EXAMPLES / unit).read_text("utf-8").splitlines()
    told = [line for line in lines if line and line[0] not in "#["]
    assert all(re.fullmatch(r"[A-Z]\w+=.*", line) for line in told)
    return [(line.partition("=")[0], line.partition("=")[2]) for line in told]


@pytest.fixture
def installed(tmp_path: Path) -> list[str]:
    """The units as on a machine where the programs that they call are there."""
    program = tmp_path / "bridgeboard"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    paths = [tmp_path / unit.replace("@.", "@8601.") for unit in UNITS]
    for unit, path in zip(UNITS, paths, strict=True):
        text = (EXAMPLES / unit).read_text("utf-8")
        path.write_text(text.replace("/opt/bridgeboard/.venv/bin/bridgeboard", str(program)))
        if unit != UNITS[0]:  # the guide has it beside several dashboards only
            (tmp_path / f"{path.name}.d").mkdir()
            shutil.copy(EXAMPLES / "bridgeboard-state.conf", tmp_path / f"{path.name}.d")
    return [str(path) for path in paths]


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd: see the next tests")
def test_systemd_finds_nothing_wrong_with_the_units_and_calls_them_tight(
    installed: list[str],
) -> None:
    verified = subprocess.run(  # noqa: S603 - our own files
        ["systemd-analyze", "verify", "--man=no", *installed],  # noqa: S607 - of this machine
        capture_output=True,
        text=True,
        check=False,
    )
    assert (verified.returncode, verified.stderr) == (0, "")
    for unit in (one for one in installed if one.endswith(".service")):
        judged = subprocess.run(  # noqa: S603 - our own file
            ["systemd-analyze", "security", "--offline=true", f"--threshold={EXPOSURE}", unit],  # noqa: S607 - likewise
            capture_output=True,
            text=True,
            check=False,
        )
        assert judged.returncode == 0, judged.stdout[-200:] + judged.stderr


@pytest.mark.parametrize("unit", UNITS)
def test_a_service_writes_its_own_folder_and_has_no_privilege(unit: str) -> None:
    told = dict(options(unit))
    assert told["User"] == "bridgeboard"
    assert told["ProtectSystem"] == "strict"
    assert told["StateDirectory"] == "bridgeboard"
    assert told["NoNewPrivileges"] == "yes"
    assert told["CapabilityBoundingSet"] == ""
    assert "ReadWritePaths" not in told


@pytest.mark.parametrize("unit", UNITS)
def test_a_service_sets_variables_that_exist_and_secrets_by_credentials_alone(unit: str) -> None:
    told = options(unit)
    variables = dict(value.split("=", 1) for name, value in told if name == "Environment")
    known = {**settings.variables(), **settings.table_variables(), settings.SETTINGS_VARIABLE: ""}
    assert set(variables) <= set(known)
    credentials = {value.split(":")[0] for name, value in told if name == "LoadCredential"}
    secrets = {name: value for name, value in variables.items() if name.endswith("_FILE")}
    assert {f"%d/{name}" for name in credentials} == set(secrets.values())
    assert not {name for name in variables if re.search("(SECRET|TOKEN)$", name)}


def read(
    monkeypatch: pytest.MonkeyPatch, folder: Path, text: str, told: list[tuple[str, str]]
) -> Settings:
    """The settings of a file in the environment that a unit makes, its secrets in a folder."""
    for variable in {**settings.variables(), **settings.table_variables()}:
        monkeypatch.delenv(variable, raising=False)
    file = folder / "bridgeboard.toml"
    file.write_text(text)
    file.chmod(0o644)
    for name in (value.split(":")[0] for option, value in told if option == "LoadCredential"):
        (folder / name).write_text(name * 8)
    for option, value in told:
        if option == "Environment":
            variable, _, said = value.partition("=")
            said = said.replace("%d", str(folder)).replace("%S", str(folder))
            monkeypatch.setenv(variable, said)
    monkeypatch.setenv(settings.SETTINGS_VARIABLE, str(file))
    return settings.read()


def test_the_settings_of_the_guide_make_a_login(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    text = (EXAMPLES / "bridgeboard.toml").read_text("utf-8")
    chosen = read(monkeypatch, tmp_path, text, options("bridgeboard.service"))
    assert chosen.configured
    assert chosen.guarded
    assert chosen.loopback
    assert chosen.backups_path.is_relative_to(chosen.folder)
    assert chosen.backup_time
    assert chosen.token.get_secret_value() == "token" * 8
    assert chosen.login.client_secret.get_secret_value() == "client_secret" * 8
    name = chosen.login.redirect_url.split("/")[2]
    assert name in chosen.host_names
    assert f"server_name {name};" in (EXAMPLES / "nginx.conf").read_text("utf-8")
    assert chosen.login.redirect_url in GUIDE
    somebody = Identity(subject="1", email="lead@example.com", username="lead")
    assert viewer(somebody, chosen.rules).roles == {Role.LEAD}
    nobody = Identity(subject="2", username="new")
    assert viewer(nobody, chosen.rules).roles == {Role.SELF}


def test_the_settings_of_the_guide_make_a_proxy_too(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    text = (EXAMPLES / "bridgeboard.toml").read_text("utf-8")
    text, cut = re.subn(r"(?ms)^\[login\].*?\n\n", "", text)
    text, put = re.subn(r"# (\[proxy\])\n# (addresses)", r"\1\n\2", text)
    assert (cut, put) == (1, 1)
    told = options("bridgeboard.service")
    kept = [one for one in told if not re.search("client_secret|cookie_secret", one[1])]
    assert len(told) - len(kept) == 4  # the lines that the guide says to take out
    chosen = read(monkeypatch, tmp_path, text, kept)
    assert chosen.proxy.trusts("127.0.0.1")
    assert not chosen.proxy.trusts("10.0.0.1")
    names = set(re.findall(r"proxy_set_header (X-Forwarded-\S+) +\$who", nginx_example()))
    headers = chosen.proxy.headers
    assert names == {headers.user, headers.email, headers.groups, headers.username}


def nginx_example() -> str:
    return (EXAMPLES / "nginx.conf").read_text("utf-8")


@contextmanager
def answering() -> Iterator[int]:
    """A port at which somebody answers with its number."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(str(self.server.server_address[1]).encode())

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


def test_browsers_stay_at_one_replica_until_it_is_gone(tmp_path: Path) -> None:
    with ExitStack() as stack:
        gone = stack.enter_context(ExitStack())
        ports = [gone.enter_context(answering())]
        ports += [stack.enter_context(answering()) for _ in range(2)]
        front = stack.enter_context(nginx(tmp_path, 0, replicas=ports))
        browsers = [
            stack.enter_context(httpx.Client(base_url=front.address, verify=front.trust))
            for _ in range(40)
        ]
        first = [browser.get("").text for browser in browsers]
        # The cookie that came with the first answer names the replica that gave it.
        assert [browser.get("spend").text for browser in browsers] == first
        assert set(first) == {str(port) for port in ports}
        answer = browsers[0].get("")
        assert "set-cookie" not in answer.headers
        assert answer.headers["strict-transport-security"]
        gone.close()
        later = [browser.get("").text for browser in browsers]
        assert set(later) == {str(port) for port in ports[1:]}
        stayed = [(one, two) for one, two in zip(first, later, strict=True) if one != str(ports[0])]
        assert all(one == two for one, two in stayed)


def test_the_unit_of_replicas_is_one_of_nginx_and_reads_what_the_guide_publishes() -> None:
    command = dict(options("bridgeboard-replica@.service"))["ExecStart"]
    assert "--port %i" in command
    folder = command.split()[-1]
    folder = folder.replace("%S", "/var/lib")
    assert f'publish_folder = "{folder}"' in GUIDE
    assert f'publish_folder = "{folder}"' in (EXAMPLES / "bridgeboard.toml").read_text("utf-8")
    beside = (EXAMPLES / "nginx-replicas.conf").read_text("utf-8")
    assert "server 127.0.0.1:8601 " in beside
