"""Real neighbours for the tests: an OpenID Connect provider, nginx with TLS, and a page to ask.

Each is a process on a loopback port. What a machine lacks is a failure in CI, elsewhere a reason
to skip; docs/deployment.md is about the same arrangement with your own names.
"""

import json
import os
import re
import secrets
import shutil
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
from dashboard_process import free_port

RIGS = Path(__file__).with_name("rigs")
EXAMPLES = Path(__file__).parents[1] / "examples" / "deployment"
HOUR = 3600

ACCOUNTS: tuple[dict[str, Any], ...] = (
    {
        "login": "ada",
        "sub": "0001-ada",
        "name": "Ada Admin",
        "preferred_username": "ada",
        "email": "ada@example.com",
        "email_verified": True,
        "groups": ["bridgeboard-admins", "engineering"],
    },
    {
        "login": "eve",
        "sub": "0002-eve",
        "name": "Eve Extern",
        "preferred_username": "eve",
        "email": "ada@example.com",
        "email_verified": False,
        "groups": [],
    },
)
"""Two people; the second one claims the first one's e-mail address without having proved it."""


def needed(program: str, package: str, *folders: str) -> str:
    """The path of a program; its absence is a failure in CI and a reason to skip elsewhere.

    Debian keeps some programs in ``folders`` that no shell looks into.
    """
    places = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", *folders])
    path = shutil.which(program, path=places)
    if path is None:
        lacking(f"{program} is not installed: apt-get install {package}")
    return str(path)


def lacking(reason: str) -> None:
    """Fail in CI, and skip elsewhere."""
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@contextmanager
def _process(
    command: Sequence[str], ready: str, *, stream: str = "stdout", **environment: str
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A process and the line by which it told that it serves; it ends with the block."""
    with subprocess.Popen(  # noqa: S603 - our own commands
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE if stream == "stdout" else subprocess.DEVNULL,
        stderr=subprocess.PIPE if stream == "stderr" else None,
        text=True,
        env=os.environ | environment,
    ) as process:
        try:
            told: list[str] = []
            for line in getattr(process, stream):
                told.append(line)
                if re.search(ready, line):
                    break
            else:
                pytest.fail(f"{command[0]} did not start:\n{''.join(told)}")
            yield process, told[-1].strip()
        finally:
            process.terminate()
            process.communicate(timeout=30)


@dataclass(frozen=True)
class Provider:
    """A provider that runs; ``stop`` makes it unreachable."""

    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    process: subprocess.Popen[str] = field(repr=False)

    @property
    def metadata_url(self) -> str:
        return f"{self.issuer}/.well-known/openid-configuration"

    def auth(self, redirect: str, **more: Any) -> dict[str, Any]:
        """What Streamlit wants as secrets of the name ``auth``."""
        return {
            "redirect_uri": redirect,
            "cookie_secret": secrets.token_hex(32),
            "client_id": self.client_id,
            "client_secret": self.client_secret,
            "server_metadata_url": self.metadata_url,
            "client_kwargs": {"scope": "openid email profile groups"},
        } | more

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(timeout=30)


@contextmanager
def provider(
    *redirects: str,
    accounts: Sequence[Mapping[str, Any]] = ACCOUNTS,
    session_seconds: int = HOUR,
    token_seconds: int = HOUR,
    lean: bool = False,
) -> Iterator[Provider]:
    """An OpenID Connect provider for one client with these redirect addresses.

    ``lean`` leaves every claim but the subject out of the ID token, as the standard permits.
    """
    node = needed("node", "nodejs")
    if not (RIGS / "oidc" / "node_modules" / "oidc-provider").is_dir():
        lacking(f"the provider is not installed: npm install --ignore-scripts in {RIGS / 'oidc'}")
    client_secret = secrets.token_hex(16)
    told = {
        "port": 0,
        "client": {"id": "bridgeboard", "secret": client_secret, "redirects": redirects},
        "accounts": list(accounts),
        "seconds": {"session": session_seconds, "token": token_seconds},
        "lean": lean,
    }
    command = [node, str(RIGS / "oidc" / "provider.js"), json.dumps(told)]
    with _process(command, "^http://", NODE_NO_WARNINGS="1") as (process, issuer):
        yield Provider(issuer, "bridgeboard", client_secret, process)


@contextmanager
def whoami(
    port: int,
    *,
    auth: Mapping[str, Any] | None = None,
    proxies: Sequence[str] = (),
    forwarded: str | None = "",
    secure: bool = False,
    **environment: str,
) -> Iterator[str]:
    """The address of a page that shows what Streamlit tells it of who is looking."""
    told = {
        "port": port,
        "auth": auth,
        "proxies": proxies,
        "forwarded": forwarded,
        "secure": secure,
    }
    command = [sys.executable, str(RIGS / "whoami_server.py"), json.dumps(told)]
    with _process(command, "^serving$", **environment):
        yield f"http://127.0.0.1:{port}/"


def certificate(folder: Path) -> tuple[Path, Path]:
    """A self-signed certificate of this machine and its key."""
    pem, key = folder / "fullchain.pem", folder / "privkey.pem"
    kind = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    places = ["-days", "2", "-keyout", str(key), "-out", str(pem)]
    openssl = needed("openssl", "openssl")
    subprocess.run([openssl, "req", *kind, *names, *places], check=True, capture_output=True)  # noqa: S603 - our own command
    return pem, key


@dataclass(frozen=True)
class Front:
    """nginx that runs: its address, a TLS context that trusts it, its address without TLS."""

    address: str
    trust: ssl.SSLContext = field(repr=False)
    plain: str = ""

    @property
    def redirect(self) -> str:
        """Where a provider sends people back to."""
        return f"{self.address}oauth2callback"


@contextmanager
def nginx(
    folder: Path,
    port: int,
    people: Mapping[str, Mapping[str, str]] | None = None,
    *,
    base: str = "",
    strips: bool = False,
    replicas: Sequence[int] = (),
) -> Iterator[Front]:
    """The guide's nginx before a port of this machine, in a folder of its own.

    ``people`` is what the authenticator tells of the holder of each value of the cookie ``who``;
    without it, nginx lets everybody through and names nobody. ``base`` is the path under which it
    shows the port, which it passes on unless it ``strips`` it. ``replicas`` are the ports of three
    dashboards in place of the one.
    """
    program = needed("nginx", "nginx-light")
    certificate_file, key_file = certificate(folder)
    tls, plain = free_port(), free_port()
    with authenticator(people or {}) as authority:
        replaced = {
            "bridgeboard.example.com": "localhost 127.0.0.1",
            "listen 80;": f"listen 127.0.0.1:{plain};",
            "listen 443 ": f"listen 127.0.0.1:{tls} ",
            "https://$host$": f"https://$host:{tls}$",
            "/etc/ssl/bridgeboard/fullchain.pem": str(certificate_file),
            "/etc/ssl/bridgeboard/privkey.pem": str(key_file),
            "127.0.0.1:4180": authority,
            "location / {": f"location {base}/ {{",
            "127.0.0.1:8501;": f"127.0.0.1:{port}{'/' * strips};",
        }
        example = (EXAMPLES / "nginx.conf").read_text("utf-8")
        if replicas:
            example = _before(replicas, example)
            del replaced["127.0.0.1:8501;"]
        whole = _whole(example, folder, replaced, named=people is not None)
        (folder / "nginx.conf").write_text(whole)
        command = [program, "-p", str(folder), "-c", str(folder / "nginx.conf")]
        command += ["-e", str(folder / "early.log")]
        with _process(command, "event method", stream="stderr"):
            trust = ssl.create_default_context(cafile=str(certificate_file))
            there = f"https://localhost:{tls}{base}/"
            yield Front(there, trust, f"http://localhost:{plain}/")


@contextmanager
def balancer(folder: Path, port: int, replicas: Mapping[str, int]) -> Iterator[None]:
    """nginx that leads each browser to the replica that its cookie ``replica`` names."""
    program = needed("nginx", "nginx-light")
    where = "\n".join(f"{name} 127.0.0.1:{number};" for name, number in replicas.items())
    (folder / "balancer.conf").write_text(f"""daemon off;
master_process off;
pid {folder / "balancer.pid"};
error_log stderr notice;
events {{}}
http {{
{_temporary(folder)}
map $cookie_replica $replica {{
{where}
}}
server {{
    listen 127.0.0.1:{port};
    location / {{
        proxy_pass http://$replica;
        proxy_http_version 1.1;
        proxy_set_header Host $http_host;
        proxy_set_header Upgrade $http_upgrade;
        proxy_set_header Connection upgrade;
    }}
}}
}}
""")
    command = [program, "-p", str(folder), "-c", str(folder / "balancer.conf")]
    command += ["-e", str(folder / "early.log")]
    with _process(command, "event method", stream="stderr"):
        yield


def _temporary(folder: Path) -> str:
    """Where nginx keeps files for the while, as it runs as nobody in particular."""
    kept = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    return "\n".join(f"{name}_temp_path {folder / name};" for name in kept)


def _before(replicas: Sequence[int], example: str) -> str:
    """The example with what the one for replicas says to put in, and that one before it."""
    beside = (EXAMPLES / "nginx-replicas.conf").read_text("utf-8")
    passed, cookie = re.findall(r"(?m)^#     ((?:proxy_pass|add_header) .*;)$", beside)
    (otherwise,) = re.findall(r"(?m)^#     (proxy_next_upstream .*;)$", beside)
    for old, new in (
        ("proxy_pass http://127.0.0.1:8501;", f"{passed}\n{otherwise}"),
        ('add_header Strict-Transport-Security "max-age=31536000" always;', None),
    ):
        assert example.count(old) == 1
        example = example.replace(old, new or f"{old}\n{cookie}")
    ports = iter(replicas)
    beside, changed = re.subn(r"127\.0\.0\.1:860\d", lambda _: f"127.0.0.1:{next(ports)}", beside)
    assert changed == len(replicas)
    return f"{beside}\n{example}"


def _whole(example: str, folder: Path, replaced: Mapping[str, str], *, named: bool) -> str:
    """The example, with the places of this machine, inside a configuration of its own."""
    if not named:
        example, cut = re.subn(r"(?s) *# --- who it is.*?# --- end ---\n", "", example)
        assert cut == 1
    for old, new in replaced.items():
        assert old in example or not named, old
        example = example.replace(old, new)
    return f"""daemon off;
master_process off;
pid {folder / "nginx.pid"};
error_log stderr notice;
error_log {folder / "error.log"} warn;
events {{}}
http {{
{_temporary(folder)}
{example}
}}
"""


class _Authority(BaseHTTPRequestHandler):
    """Answers as oauth2-proxy does: headers about the holder of a cookie, or 401."""

    people: ClassVar[Mapping[str, Mapping[str, str]]] = {}

    def do_GET(self) -> None:
        held = SimpleCookie(self.headers.get("Cookie", "")).get("who")
        person = self.people.get(held.value) if held else None
        if self.path.startswith("/oauth2/start"):
            wanted = self.headers.get("X-Auth-Request-Redirect", "")
            self._answer(200, {}, f"Sign in to see {wanted}".encode())
        elif self.path != "/oauth2/auth" or person is None:
            self._answer(401, {})
        else:
            self._answer(202, {f"X-Auth-Request-{name}": said for name, said in person.items()})

    def _answer(self, status: int, headers: Mapping[str, str], body: bytes = b"") -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


@contextmanager
def authenticator(people: Mapping[str, Mapping[str, str]]) -> Iterator[str]:
    """Host and port of an authenticator that nginx can ask."""
    handler = type("_These", (_Authority,), {"people": people})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()
