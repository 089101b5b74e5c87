"""Several dashboards: what units, compose file and manifests say is run here, and probed.

Nothing here needs systemd, containers or a cluster: the commands, variables, files and probes of
each example are read from it, and executed with its paths and ports replaced.
"""

import os
import re
import signal
import ssl
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from time import monotonic
from typing import Any, Final

import databases
import httpx
import pytest
import typer
import yaml
from dashboard_process import free_port
from identity_services import EXAMPLES, Front, certificate, needed, nginx
from scripted_browser import Visitor, _run
from test_deployment import options

from bridgeboard import settings
from bridgeboard.cli import app
from bridgeboard.runtime.demo_company import Running
from bridgeboard.settings import variables

ROOT: Final = EXAMPLES.parents[1]
GIVE_UP_SECONDS: Final = 120.0
PROGRAM: Final = "/opt/bridgeboard/.venv/bin/bridgeboard"
OURS: Final = "bridgeboard:0.1.0"
"""The image that compose file and manifests run."""
DASHBOARDS: Final = 2
USAGE_ERROR: Final = typer.BadParameter.__mro__[1]
"""What a wrong option or argument is, also one that no parameter is to blame for."""
SECRETS: Final = ("token", "client_secret", "cookie_secret", "state_url", "audit_key")
POD: Final = "10.42.0.17"
"""An address at which a kubelet asks."""

Probe = Callable[[int, int], bool]
"""Whether something is well: of the port in the example and the one that stands for it here."""


@dataclass(frozen=True)
class Service:
    """A process of an example.

    Attributes:
        name: what the example calls it.
        command: what comes after ``bridgeboard``.
        environment: the variables that are set for it.
        port: the one that it listens on.
        folders: where it looks for files → where they really are, by names of this test.
        secrets: the files of secrets that it is given, by their path.
        probes: what asks how it is, by what the example calls it; the last one is for balancers.
        mode: of its folders, as they are before it comes.
    """

    name: str
    command: list[str]
    environment: dict[str, str]
    port: int
    folders: dict[str, str]
    secrets: dict[str, str]
    probes: dict[str, Probe] = field(default_factory=dict)
    mode: int = 0o700

    @property
    def syncs(self) -> bool:
        return self.command[0] == "sync"


def http_probe(path: str, **headers: str) -> Probe:
    """A GET, which a 2xx or 3xx answers, as a kubelet and HAProxy count it."""

    def asks(_written: int, port: int) -> bool:
        try:
            answer = httpx.get(f"http://127.0.0.1:{port}{path}", headers=headers, timeout=10)
        except httpx.TransportError:
            return False
        return 200 <= answer.status_code < 400

    return asks


def command_probe(test: Sequence[str]) -> Probe:
    """A command in the container, which has Python in its PATH."""
    kind, program, *arguments = test
    assert (kind, program) == ("CMD", "python")

    def asks(written: int, port: int) -> bool:
        said = [one.replace(f":{written}/", f":{port}/") for one in arguments]
        assert said != arguments, "it asks another port than that of the service"
        done = subprocess.run([sys.executable, *said], capture_output=True, check=False)  # noqa: S603 - of our own example
        return done.returncode == 0

    return asks


def port_of(command: Sequence[str]) -> int:
    return int(command[command.index("--port") + 1])


# --- systemd


def of_units() -> list[Service]:
    sync = unit("bridgeboard-sync.service", "")
    return [sync, *(unit("bridgeboard-replica@.service", str(8601 + i)) for i in range(DASHBOARDS))]


def unit(file: str, instance: str) -> Service:
    """A unit with the drop-in for the state, and HAProxy's check as its probe."""
    lines = [*options(file), *options("bridgeboard-state.conf")]
    said = [(name, filled(value, instance)) for name, value in lines]
    given = dict(value.split("=", 1) for name, value in said if name == "Environment")
    program, *command = dict(said)["ExecStart"].split()
    assert program == PROGRAM
    credentials = [value.split(":") for name, value in said if name == "LoadCredential"]
    assert all(place == f"/etc/bridgeboard/secrets/{name}" for name, place in credentials)
    (path,) = re.findall(r"(?m)^ +option httpchk GET (\S+)$", example("haproxy.cfg"))
    return Service(
        name=file.replace("@.", f"@{instance}."),
        command=command,
        environment=given,
        port=port_of(command),
        folders={"/etc/bridgeboard": "settings", "/var/lib": "state", "/run/credentials": file},
        secrets={f"/run/credentials/{name}": name for name, _ in credentials},
        probes={"ready": http_probe(path)},
    )


def filled(value: str, instance: str) -> str:
    """A value with systemd's specifiers filled in."""
    for specifier, meaning in (("%S", "/var/lib"), ("%d", "/run/credentials"), ("%i", instance)):
        value = value.replace(specifier, meaning)
    assert "%" not in value
    return value


def example(name: str) -> str:
    return (EXAMPLES / name).read_text("utf-8")


# --- compose


def composed() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(example("compose.yaml"))
    return document


def of_compose() -> list[Service]:
    document = composed()
    services = {n: s for n, s in document["services"].items() if s["image"] == OURS}
    return [container(name, said, document) for name, said in services.items()]


def container(name: str, said: Mapping[str, Any], document: Mapping[str, Any]) -> Service:
    folders = dict(reversed(volume.split(":")[:2]) for volume in said["volumes"])
    folders |= {place.split(":")[0]: f"{name}{place.split(':')[0]}" for place in said["tmpfs"]}
    for one in said["configs"]:
        assert document["configs"][one["source"]]["file"] == one["target"]
    for secret in said["secrets"]:
        file = document["secrets"][secret]["file"]
        assert file == f"/etc/bridgeboard/secrets/{secret}"
    (published,) = said["ports"]
    assert published.startswith("127.0.0.1:")
    port = port_of(said["command"])
    assert published.endswith(f":{port}")
    return Service(
        name=name,
        command=said["command"],
        environment=said["environment"],
        port=port,
        folders=folders | {"/etc/bridgeboard": "settings", "/run/secrets": f"{name}-secrets"},
        secrets={f"/run/secrets/{secret}": secret for secret in said["secrets"]},
        probes={"ready": command_probe(said["healthcheck"]["test"])},
    )


# --- Kubernetes


def manifests(kind: str) -> list[dict[str, Any]]:
    every = [one for one in yaml.safe_load_all(example("kubernetes.yaml")) if one["kind"] == kind]
    assert every
    return every


def pods() -> list[dict[str, Any]]:
    return [one["spec"]["template"]["spec"] for one in manifests("Deployment")]


def of_kubernetes() -> list[Service]:
    return [
        pod(one["spec"]["template"]["spec"], f"{one['metadata']['name']}-{number}")
        for one in manifests("Deployment")
        for number in range(one["spec"]["replicas"])
    ]


def pod(spec: Mapping[str, Any], name: str) -> Service:
    (said,) = spec["containers"]
    assert said["image"] == OURS
    mounted = {one["mountPath"]: one["name"] for one in said["volumeMounts"]}
    volumes = {one["name"]: one for one in spec["volumes"]}
    assert set(mounted.values()) == set(volumes)
    folders, secrets = {}, {}
    for path, volume in mounted.items():
        claim = volumes[volume].get("persistentVolumeClaim")
        folders[path] = claim["claimName"] if claim else f"{name}-{volume}"
        if secret := volumes[volume].get("secret"):
            items = secret.get("items", [{"key": each, "path": each} for each in SECRETS])
            secrets |= {f"{path}/{item['path']}": item["key"] for item in items}
    folders["/etc/bridgeboard"] = "settings"
    ports = {one["name"]: one["containerPort"] for one in said["ports"]}
    probes = {}
    for kind in ("startupProbe", "livenessProbe", "readinessProbe"):
        asked = said[kind]["httpGet"]
        assert ports[asked["port"]] == port_of(said["args"])
        probes[kind] = http_probe(asked["path"], Host=f"{POD}:{ports[asked['port']]}")
    return Service(
        name=name,
        command=said["args"],
        environment={one["name"]: one["value"] for one in said["env"]},
        port=port_of(said["args"]),
        folders=folders,
        secrets=secrets,
        probes=probes,
        mode=0o2777,  # what a volume's top folder is open to, at most
    )


PLATFORMS: Final = {"systemd": of_units, "compose": of_compose, "kubernetes": of_kubernetes}


@pytest.fixture(params=PLATFORMS)
def services(request: pytest.FixtureRequest) -> list[Service]:
    """The sync node and the dashboards of an example, that one first."""
    found = PLATFORMS[request.param]()
    assert [one.syncs for one in found] == [True] + [False] * DASHBOARDS
    return found


# --- what is written


def test_commands_are_those_of_the_program(services: list[Service]) -> None:
    group = typer.main.get_command(app)
    for service in services:
        name, *arguments = service.command
        assert isinstance(group, typer.core.TyperGroup)
        with typer.Context(group) as context:
            command = group.get_command(context, name)
            assert command, f"{service.name} runs {name}"
            parsed = command.make_context(name, arguments, parent=context).params
        assert parsed["port"] == service.port
        if service.syncs:
            assert parsed["watching"] is True
        else:
            assert parsed["replica"]


@pytest.mark.parametrize("wrong", [["sync", "--wach"], ["serve", "--replica"], ["serve", "x"]])
def test_a_wrong_command_would_be_noticed(wrong: list[str]) -> None:
    (service, *_) = of_compose()
    mistaken = replace(service, command=[*wrong, "--port", "8502"])
    with pytest.raises(USAGE_ERROR, match=r"(?i)no such option|unexpected extra argument"):
        test_commands_are_those_of_the_program([mistaken])


def test_variables_are_settings_and_secrets_are_files_that_are_there(
    services: list[Service],
) -> None:
    known = {**variables(), **settings.table_variables(), settings.SETTINGS_VARIABLE: ""}
    for service in services:
        assert set(service.environment) <= set(known), service.name
        files = {v for name, v in service.environment.items() if name.endswith("_FILE")}
        assert files == set(service.secrets)
        assert not {n for n in service.environment if re.search("(SECRET|TOKEN|KEY|URL)$", n)}
        assert ("token" in service.secrets.values()) == service.syncs


def test_what_has_to_be_the_same_on_all_is(services: list[Service]) -> None:
    node, *dashboards = services
    of_the_node = {"CODER_SESSION_TOKEN_FILE", "BRIDGEBOARD_PUBLISH_FOLDER"}
    same = {n: v for n, v in node.environment.items() if n not in of_the_node}
    keys = {"BRIDGEBOARD_STATE_URL_FILE", "BRIDGEBOARD_AUDIT_KEY_FILE"}
    keys |= {"BRIDGEBOARD_LOGIN_COOKIE_SECRET_FILE", settings.SETTINGS_VARIABLE}
    assert keys <= set(same)
    assert all(one.environment == same for one in dashboards)
    sources = [one.folders["/etc/bridgeboard"] for one in services]
    assert len(set(sources)) == 1


def test_containers_are_not_root_and_write_their_volumes_alone() -> None:
    for said in (s for s in composed()["services"].values() if s["image"] == OURS):
        assert said["user"].split(":")[0] not in {"", "0", "root"}
        assert said["read_only"] is True
        assert said["cap_drop"] == ["ALL"]
        assert "no-new-privileges:true" in said["security_opt"]
    for spec in pods():
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["runAsUser"] > 0
        assert spec["automountServiceAccountToken"] is False
        (said,) = spec["containers"]
        closed = said["securityContext"]
        assert closed["readOnlyRootFilesystem"] is True
        assert closed["allowPrivilegeEscalation"] is False
        assert closed["capabilities"] == {"drop": ["ALL"]}


def test_what_a_cluster_tells_of_its_services_is_no_setting() -> None:
    # For a Service of that name Kubernetes would set BRIDGEBOARD_PORT to tcp://10.43.0.9:80.
    told = {f"{one['metadata']['name'].upper()}_PORT" for one in manifests("Service")}
    assert told & set(variables())
    assert all(spec["enableServiceLinks"] is False for spec in pods())


def test_manifests_name_each_other_rightly() -> None:
    (service,), (ingress,) = manifests("Service"), manifests("Ingress")
    (dashboards,) = (d for d in manifests("Deployment") if d["metadata"]["name"] == "bridgeboard")
    labels = dashboards["spec"]["template"]["metadata"]["labels"]
    assert service["spec"]["selector"] == dashboards["spec"]["selector"]["matchLabels"] == labels
    (rule,) = ingress["spec"]["rules"]
    (path,) = rule["http"]["paths"]
    assert path["backend"]["service"]["name"] == service["metadata"]["name"]
    assert f'allowed_hosts = "{rule["host"]}"' in example("bridgeboard.toml")
    claims = {one["metadata"]["name"] for one in manifests("PersistentVolumeClaim")}
    volumes = [v for spec in pods() for v in spec["volumes"] if "persistentVolumeClaim" in v]
    assert {one["persistentVolumeClaim"]["claimName"] for one in volumes} == claims
    assert len({str(spec["nodeSelector"]) for spec in pods()}) == 1  # one disk


def test_what_is_copied_into_the_image_is_all_that_the_package_is_made_of(tmp_path: Path) -> None:
    text = example("Dockerfile")
    for line in re.findall(r"(?m)^COPY (.+)$", text):
        *sources, target = line.split()
        for source in sources:
            at = tmp_path / target
            at = at / source if target == "./" else at
            at.symlink_to(ROOT / source)
    wanted = tomllib.loads((tmp_path / "pyproject.toml").read_text("utf-8"))
    (extras,) = re.findall(r'"\.\[(.+)\]"', text)
    assert set(extras.split(",")) <= set(wanted["project"]["optional-dependencies"])
    wheel = wanted["tool"]["hatch"]["build"]["targets"]["wheel"]
    needed_files = [*wheel["packages"], *wheel["force-include"], wanted["project"]["readme"]]
    needed_files += wanted["project"]["license-files"]
    for name in needed_files:
        assert (tmp_path / name).exists(), name
    (account,) = re.findall(r"(?m)^USER (.+)$", text)
    assert {s["user"] for s in composed()["services"].values() if s["image"] == OURS} == {account}


# --- balancers


@contextmanager
def haproxy(folder: Path, ports: Sequence[int]) -> Iterator[Front]:
    """The guide's HAProxy before ports of this machine."""
    program = needed("haproxy", "haproxy")
    pem, key = certificate(folder)
    whole = folder / "bridgeboard.pem"
    whole.write_text(pem.read_text() + key.read_text())
    tls, plain = free_port(), free_port()
    text = example("haproxy.cfg")
    for old, new in (
        ("/etc/ssl/bridgeboard/bridgeboard.pem", str(whole)),
        ("bind :443", f"bind 127.0.0.1:{tls}"),
        ("bind :80", f"bind 127.0.0.1:{plain}"),
        *((f"127.0.0.1:{8601 + i}", f"127.0.0.1:{port}") for i, port in enumerate(ports)),
    ):
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    file = folder / "haproxy.cfg"
    file.write_text(text)
    checked = subprocess.run(  # noqa: S603 - our own file
        [program, "-c", "-f", str(file)], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stderr
    assert "WARNING" not in checked.stderr
    log = folder / "haproxy.log"
    with (
        log.open("w") as out,
        subprocess.Popen([program, "-db", "-f", str(file)], stderr=out) as it,  # noqa: S603 - likewise
    ):
        try:
            trust = ssl.create_default_context(cafile=str(pem))
            yield Front(f"https://localhost:{tls}/", trust, f"http://localhost:{plain}/")
        finally:
            it.terminate()
            it.wait(timeout=30)


@contextmanager
def echoing(health: list[int]) -> Iterator[int]:
    """A port that answers with its number and the headers that came; /healthz with a status."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(health[0] if self.path == "/healthz" else 200)
            self.send_header("port", str(self.server.server_address[1]))
            for name, value in self.headers.items():
                self.send_header(f"got-{name}", value)
            self.send_header("Content-Length", "0")
            self.end_headers()

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


def until(wanted: Callable[[], bool], what: str) -> None:
    end = monotonic() + GIVE_UP_SECONDS
    while not wanted():
        assert monotonic() < end, what


def status(client: httpx.Client) -> int:
    """What a balancer answers; 0 while it does not."""
    try:
        return client.get("").status_code
    except httpx.TransportError:
        return 0


def test_haproxy_keeps_browsers_at_one_replica_until_it_is_not_well(tmp_path: Path) -> None:
    with ExitStack() as stack:
        health = [[503], [503], [503]]
        ports = [stack.enter_context(echoing(each)) for each in health]
        front = stack.enter_context(haproxy(tmp_path, ports))

        def browser() -> httpx.Client:
            made = httpx.Client(base_url=front.address, verify=front.trust)
            return stack.enter_context(made)

        until(lambda: status(browser()) == 503, "nobody is well yet")
        for each in health:
            each[0] = 200

        def reached() -> set[str]:
            return {browser().get("").headers.get("port", "") for _ in range(6)}

        until(lambda: reached() == {str(port) for port in ports}, "all three are used")
        browsers = [browser() for _ in range(12)]
        first = [one.get("").headers["port"] for one in browsers]
        assert [one.get("spend").headers["port"] for one in browsers] == first
        cookie = browser().get("").headers["set-cookie"]
        assert all(flag in cookie for flag in ("BB=", "HttpOnly", "Secure", "SameSite=Lax"))
        assert "set-cookie" not in browsers[0].get("").headers
        health[0][0] = 503
        until(
            lambda: all(one.get("").headers["port"] != str(ports[0]) for one in browsers),
            "nobody is at the one that is not well",
        )
        later = [one.get("").headers["port"] for one in browsers]
        assert all(
            now == before
            for now, before in zip(later, first, strict=True)
            if before != str(ports[0])
        )


def test_haproxy_says_who_asks_and_how_and_nothing_that_a_browser_says(tmp_path: Path) -> None:
    with ExitStack() as stack:
        ports = [stack.enter_context(echoing([200])) for _ in range(3)]
        front = stack.enter_context(haproxy(tmp_path, ports))
        client = stack.enter_context(httpx.Client(base_url=front.address, verify=front.trust))
        until(lambda: status(client) == 200, "somebody is well")
        forged = {
            "X-Forwarded-Email": "boss@example.com",
            "X-Forwarded-For": "10.0.0.1",
            "X-Forwarded-Host": "evil.example.com",
            "X-Forwarded-Proto": "http",
            "Forwarded": "for=10.0.0.1",
            "Authorization": "Bearer x",
        }
        answer = client.get("", headers=forged)
        got = {n.removeprefix("got-"): v for n, v in answer.headers.items() if n.startswith("got-")}
        assert got["host"] == front.address.split("/")[2]
        assert (got["x-forwarded-for"], got["x-forwarded-proto"]) == ("127.0.0.1", "https")
        assert not {"x-forwarded-email", "x-forwarded-host", "forwarded", "authorization"} & set(
            got
        )
        assert answer.headers.get_list("strict-transport-security") == ["max-age=31536000"]
        plain = httpx.get(f"{front.plain}people?x=1")
        assert plain.status_code == 301
        assert plain.headers["location"].startswith("https://")
        assert plain.headers["location"].endswith("/people?x=1")


# --- what is run


@dataclass(frozen=True)
class Machine:
    """Where the folders and ports of an example are on this one.

    Attributes:
        root: everything of it.
        ports: the one here, by the service.
    """

    root: Path
    ports: dict[str, int]

    def passes(self, service: Service, probe: str) -> bool:
        return service.probes[probe](service.port, self.ports[service.name])

    def until(self, service: Service, probe: str) -> None:
        until(
            lambda: self.passes(service, probe), f"{probe} of {service.name}: {self.log(service)}"
        )

    def log(self, service: Service) -> str:
        file = self.root / f"{service.name}.log"
        return file.read_text("utf-8")[-2_000:] if file.exists() else ""

    def here(self, service: Service, text: str) -> str:
        """A value with the paths of this machine in place of those of the example."""
        for path, name in sorted(service.folders.items(), reverse=True):
            text = re.sub(rf"^{path}(?=/|$)", str(self.root / name.replace("/", "-")), text)
        return text

    @contextmanager
    def runs(self, service: Service) -> Iterator[None]:
        """The process of a service, until the block ends with a polite kill."""
        command = [self.here(service, one) for one in service.command]
        command[command.index("--port") + 1] = str(self.ports[service.name])
        command = ["127.0.0.1" if one == "0.0.0.0" else one for one in command]  # noqa: S104 - not bound
        bare = {n: v for n, v in os.environ.items() if not n.startswith(("BRIDGEBOARD_", "CODER_"))}
        given = {name: self.here(service, v) for name, v in service.environment.items()}
        with (
            (self.root / f"{service.name}.log").open("w") as log,
            subprocess.Popen(  # noqa: S603 - of our own examples
                [sys.executable, "-m", "bridgeboard", *command],
                stdout=log,
                stderr=subprocess.STDOUT,
                env=bare | given,
            ) as process,
        ):
            try:
                yield
            finally:
                process.terminate()
                try:
                    # A dashboard stops, and ends as killed then.
                    ended = process.wait(timeout=60)
                    assert ended in {0, -signal.SIGTERM}, self.log(service)
                except subprocess.TimeoutExpired:
                    process.kill()
                    raise


def prepared(root: Path, services: Sequence[Service], values: Mapping[str, str]) -> Machine:
    """The machine with folders, settings and secrets, as the guide has them made."""
    machine = Machine(root, {one.name: free_port() for one in services})
    for service in services:
        for name in service.folders.values():
            folder = root / name.replace("/", "-")
            folder.mkdir(exist_ok=True)
            folder.chmod(service.mode)
        for path, secret in service.secrets.items():
            file = Path(machine.here(service, path))
            file.write_text(values[secret])
            file.chmod(0o440)
    text = example("bridgeboard.toml").replace("https://coder.example.com", values["url"])
    state = root / "state" / "bridgeboard"
    # As the guide says where a unit publishes: in the file, that commands know of it.
    text = text.replace('# publish_folder = "/var/lib/bridgeboard', f'publish_folder = "{state}')
    text = text.replace("/etc/bridgeboard/", f"{root / 'settings'}/")
    if not state.parent.is_dir():
        text = text.replace("publish_folder", "# publish_folder")
    (root / "settings" / "bridgeboard.toml").write_text(text)
    (root / "settings" / "teams.csv").write_text("username,team\nada,Platform\n")
    return machine


@pytest.fixture
def values(smallest: Running, postgres: databases.Server) -> dict[str, str]:
    """What the secrets are, and the address of the deployment."""
    made = {name: name * 8 for name in SECRETS}
    return made | {
        "token": smallest.tokens["owner"],
        "state_url": postgres.fresh(),
        "url": smallest.url,
    }


@pytest.mark.slow
def test_the_services_of_an_example_run_and_its_probes_tell_how_they_are(
    tmp_path: Path, services: list[Service], values: dict[str, str]
) -> None:
    node, *dashboards = services
    machine = prepared(tmp_path, services, values)
    for service in services:
        assert not any(machine.passes(service, probe) for probe in service.probes)
    ready = list(node.probes)[-1]
    with ExitStack() as stack:
        for service in dashboards:
            stack.enter_context(machine.runs(service))
        for service in dashboards:
            for probe in list(service.probes)[:-1]:
                machine.until(service, probe)
        alive = http_probe("/_stcore/health")
        for service in dashboards:
            until(lambda one=service: alive(0, machine.ports[one.name]), machine.log(service))
            # It answers, and there is no copy yet.
            assert not machine.passes(service, ready)
        assert not any(machine.passes(node, probe) for probe in node.probes)
        with machine.runs(node):
            for probe in node.probes:
                machine.until(node, probe)
            for service in dashboards:
                machine.until(service, ready)
                told = httpx.get(f"http://127.0.0.1:{machine.ports[service.name]}/healthz").json()
                assert told["replica"]["good"]
            told = httpx.get(f"http://127.0.0.1:{machine.ports[node.name]}/healthz").json()
            assert told["lease"] == {"held": True, "number": 1}
        assert not any(machine.passes(node, probe) for probe in node.probes)
        # Who only reads goes on with what there is.
        assert all(machine.passes(service, ready) for service in dashboards)


@pytest.mark.slow
@pytest.mark.parametrize("balancer", [haproxy, nginx])
def test_a_page_comes_through_the_balancer_also_when_one_dashboard_is_gone(
    tmp_path: Path, values: dict[str, str], balancer: Any
) -> None:
    services = of_units()
    node, *dashboards = services
    machine = prepared(tmp_path, services, values)
    ports = [machine.ports[one.name] for one in dashboards]
    nobody = free_port()
    with ExitStack() as stack:
        folder = tmp_path / "balancer"
        folder.mkdir()
        front = stack.enter_context(
            haproxy(folder, [*ports, nobody])
            if balancer is haproxy
            else nginx(folder, 0, replicas=[*ports, nobody])
        )
        allow(tmp_path, front)
        first = stack.enter_context(httpx.Client(base_url=front.address, verify=front.trust))
        until(lambda: status(first) in {502, 503}, "nobody answers behind it")
        running = {one.name: stack.enter_context(ExitStack()) for one in dashboards}
        for service in dashboards:
            running[service.name].enter_context(machine.runs(service))
        with machine.runs(node):
            for service in dashboards:
                machine.until(service, "ready")
        until(lambda: status(first) == 200, "the dashboards answer behind it")
        names = {"BB", "bridgeboard_replica"} & {one.name for one in first.cookies.jar}
        assert len(names) == 1
        with Visitor(front.address, trust=front.trust) as visitor:
            assert visitor.get("").status_code == 200
            assert asks_to_log_in(visitor)
            running[dashboards[0].name].close()
            until(lambda: visitor.get("").status_code == 200, "the other dashboard answers")
            assert asks_to_log_in(visitor)


def asks_to_log_in(visitor: Visitor) -> bool:
    """Whether the page comes over its websocket, and is that of a stranger."""
    with visitor._page() as page:
        return any("Log in" in str(message) for message in _run(page))


def allow(root: Path, front: Front) -> None:
    """Have the settings say under which address browsers come, as the guide has it."""
    file = root / "settings" / "bridgeboard.toml"
    text = file.read_text().replace("https://bridgeboard.example.com/", front.address)
    file.write_text(text.replace('"bridgeboard.example.com"', f'"{front.address.split("/")[2]}"'))
