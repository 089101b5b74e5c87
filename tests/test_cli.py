"""The command line: what it says, what it refuses, and what it leaves running."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
from commands import run

from aibridge import Client
from bridgeboard.runtime.demo_company import Running

pytestmark = pytest.mark.usefixtures("no_settings")
TOKEN = "abcdefghij-0123456789012345678901"


def test_check_finds_a_good_deployment_good(running: Running) -> None:
    said = run("check", CODER_URL=running.url, CODER_SESSION_TOKEN=running.tokens["owner"])
    assert said.exit_code == 0, said.output
    assert "The token is valid" in said.output
    assert "sessions can be read" in said.output
    assert "interceptions can be read" in said.output
    assert "✗" not in said.output
    assert running.tokens["owner"] not in said.output


def test_check_says_what_is_missing() -> None:
    said = run("check")
    assert said.exit_code == 1
    assert "✗ CODER_URL is not set" in said.output
    assert "✗ CODER_SESSION_TOKEN is not set" in said.output


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://127.0.0.1:9", "Check the port"),
        ("coder.example.com", "http"),
        ("http://no-such-host.invalid", "Check"),
    ],
)
def test_check_says_what_to_do_about_an_address(url: str, words: str) -> None:
    said = run("check", CODER_URL=url, CODER_SESSION_TOKEN=TOKEN)
    assert said.exit_code == 1
    assert words in said.output
    assert TOKEN not in said.output


def test_check_explains_a_members_and_a_wrong_token(running: Running) -> None:
    member = run("check", CODER_URL=running.url, CODER_SESSION_TOKEN=running.tokens["member"])
    assert member.exit_code == 1
    assert "empty" in member.output
    wrong = run("check", CODER_URL=running.url, CODER_SESSION_TOKEN=TOKEN)
    assert wrong.exit_code == 1
    assert "coder tokens create" in wrong.output
    assert TOKEN not in wrong.output


@pytest.mark.parametrize("command", ["serve", "demo"])
def test_an_address_that_others_can_reach_is_refused_without_the_switch(command: str) -> None:
    said = run(command, "--host", "0.0.0.0")  # noqa: S104 - what must be refused
    assert said.exit_code == 2
    assert ("--allow-remote" if command == "demo" else "[proxy]") in said.output


@pytest.mark.parametrize("command", ["serve", "demo"])
def test_a_taken_port_is_explained(command: str, running: Running) -> None:
    port = running.url.rsplit(":", 1)[1]
    said = run(command, "--port", port)
    assert said.exit_code == 2
    assert f"port {port}" in said.output
    assert "--port" in said.output


def test_a_wrong_setting_is_explained() -> None:
    said = run("serve", BRIDGEBOARD_TIMEOUT_SECONDS="soon")
    assert said.exit_code == 2
    assert "timeout_seconds (BRIDGEBOARD_TIMEOUT_SECONDS)" in said.output


def test_the_version_is_told() -> None:
    said = run("--version")
    assert said.exit_code == 0
    assert said.output.startswith("bridgeboard 0.")


@contextmanager
def demo_api(*options: str) -> Iterator[dict[str, object]]:
    command = [sys.executable, "-m", "bridgeboard", "demo-api", "--days", "3", "--scale", "0.1"]
    with subprocess.Popen(  # noqa: S603 - our own command
        [*command, *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONWARNINGS": "error"},
    ) as process:
        try:
            assert process.stdout
            yield json.loads(process.stdout.readline())
        finally:
            process.send_signal(signal.SIGTERM)
            rest, complaints = process.communicate(timeout=30)
    assert rest == ""
    assert "Traceback" not in complaints
    assert process.returncode == 0


def test_demo_api_prints_one_line_and_serves_until_it_is_stopped() -> None:
    with demo_api("--profile", "v2.35", "--end", "2026-11-20") as told:
        assert set(told) == {"url", "tokens"}
        tokens = told["tokens"]
        assert isinstance(tokens, dict)
        assert set(tokens) == {"owner", "auditor", "member"}
        with Client(str(told["url"]), tokens["owner"]) as client:
            assert client.capabilities().release == (2, 35)
            assert client.sessions_page(limit=1).count > 0


@pytest.mark.slow
def test_demo_api_can_be_unlicensed_and_strict() -> None:
    with demo_api("--unlicensed", "--rate-limit", "2") as told:
        path = f"{told['url']}/api/v2/aibridge/sessions"
        statuses = [httpx.get(path).status_code for _ in range(3)]
        assert statuses == [403, 403, 429]


def test_a_profile_that_does_not_exist_is_refused() -> None:
    said = run("demo-api", "--profile", "v1")
    assert said.exit_code == 2
    assert "v2.34" in said.output


def test_demo_api_explains_a_taken_port(running: Running) -> None:
    said = run("demo-api", "--port", running.url.rsplit(":", 1)[1], "--days", "1")
    assert said.exit_code == 2
    assert "Cannot listen on" in said.output
    assert "--port" in said.output


def test_check_does_not_show_a_password_in_an_address() -> None:
    said = run("check", CODER_URL="http://user:hunter2@127.0.0.1:1", CODER_SESSION_TOKEN=TOKEN)
    assert said.exit_code == 1
    assert "hunter2" not in said.output
