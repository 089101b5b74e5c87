"""The alerts command, over a synced store and a webhook of this machine."""

import json
import shutil
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import commands
import demo_sync
import pytest
from misbehaving_ports import Server
from typer.testing import Result
from webhooks import Webhook, webhook

from bridgeboard.cli import alerts
from bridgeboard.store import Store

BUDGETS = """
[[budget]]
name = "Everything"
scope = "organization"
amount = "1"
period = "month"

[[budget]]
name = "Of each"
scope = "organization"
per = "member"
amount = "0.01"
period = "month"
"""


@pytest.fixture(autouse=True)
def _now(no_settings: pytest.MonkeyPatch) -> None:
    no_settings.setattr(alerts, "now", lambda: demo_sync.NOW)


class World:
    """A store with a budget, and recipients at a server."""

    def __init__(self, folder: Path, file: Path, hook: Webhook) -> None:
        self.folder = folder
        self.hook = hook
        self.url = hook.url
        self.store = shutil.copy(file, folder / "copy.duckdb")
        (folder / "budgets.toml").write_text(BUDGETS, "utf-8")

    def recipients(self, *tables: str) -> None:
        path = self.folder / "alerts.toml"
        url = self.url.replace("http", "json")
        text = "".join(
            f'[[recipient]]\nname = "R{number}"\nurl = "{url}/s3cret{number}"\n{table}\n'
            for number, table in enumerate(tables)
        )
        path.write_text(text, "utf-8")
        path.chmod(0o600)

    def run(self, *options: str) -> Result:
        variables = {
            "BRIDGEBOARD_ALERTS": str(self.folder / "alerts.toml"),
            "BRIDGEBOARD_BUDGETS": str(self.folder / "budgets.toml"),
            "BRIDGEBOARD_DATA": str(self.folder / "data"),
        }
        said = commands.run("alerts", "--store", str(self.store), *options, **variables)
        assert "s3cret" not in said.output
        return said

    def answered(self, *options: str) -> list[dict[str, Any]]:
        said = self.run(*options, "--json")
        answer: dict[str, Any] = json.loads(said.stdout)
        return list(answer["recipients"])


@pytest.fixture
def world(tmp_path: Path, synced_file: Path) -> Iterator[World]:
    with webhook() as hook:
        yield World(tmp_path, synced_file, hook)


def people(file: Path) -> set[str]:
    with Store.open(file, memory_mb=256, threads=2) as store:
        rows = store.rows("SELECT username, name FROM initiators")
    return {word for row in rows for word in row if word}


def named(bodies: Sequence[str], names: set[str]) -> set[str]:
    return {name for name in names for body in bodies if name in body}


def test_each_recipient_is_told_once_of_what_their_role_may_read(world: World) -> None:
    world.recipients('role = "viewer"', 'role = "analyst"')
    planned = world.answered("--dry-run")
    assert [one["state"] for one in planned] == ["due", "due"]
    assert {one["address"] for one in planned} == {"json://…"}
    assert world.hook.calls == []
    sent = world.answered()
    assert [one["state"] for one in sent] == ["sent", "sent"]
    assert [one["alerts"] for one in sent] == [one["alerts"] for one in planned]
    groups, everybody = world.hook.bodies
    for percent in (50, 85, 100):
        assert "Budget Everything (Organization), 1 Nov" in groups
        assert f"{percent} % reached" in groups
    assert "Budget Of each" not in groups
    assert "Budget Of each" in everybody
    names = people(world.store)
    assert named([groups], names) == set()
    assert named(sent[1]["alerts"], names)
    assert sent[0]["reference"] in groups
    assert [one["state"] for one in world.answered()] == ["nothing", "nothing"]
    assert len(world.hook.calls) == 2


def test_a_dead_server_is_said_and_tried_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.recipients('kinds = ["budgets"]')
    world.hook.status = 503
    said = world.run()
    assert said.exit_code == 1
    assert "R0 (json://…): could not be sent, and is tried again: the server refused it (503)." in (
        said.stdout
    )
    world.hook.status = 200
    assert "R0 (json://…): waits to be tried again: the server refused it" in world.run().stdout
    monkeypatch.setattr(alerts, "now", lambda: demo_sync.NOW + timedelta(minutes=2))
    assert [one["state"] for one in world.answered()] == ["sent"]
    assert len(world.hook.calls) == 2


def test_what_may_have_arrived_is_reported_and_sent_again_on_request_only(world: World) -> None:
    with Server(lambda _visit: None) as broken:
        world.url = broken.url
        world.recipients('kinds = ["budgets"]')
        assert [one["state"] for one in world.answered()] == ["unknown"]
    world.url = world.hook.url
    world.recipients('kinds = ["budgets"]')
    said = world.run()
    assert (said.exit_code, world.hook.calls) == (1, [])
    assert "not known whether they arrived" in said.output
    assert "--resend" in said.output
    assert world.run("--resend").exit_code == 0
    assert len(world.hook.calls) == 1


def test_a_late_sync_is_told_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.recipients('kinds = ["sync"]')
    assert [one["state"] for one in world.answered()] == ["nothing"]
    monkeypatch.setattr(alerts, "now", lambda: demo_sync.NOW + timedelta(hours=30))
    (one,) = world.answered()
    assert one["state"] == "sent"
    assert one["alerts"][0].startswith("No sync went well since ")
    assert [one["state"] for one in world.answered()] == ["nothing"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('[[recipient]]\nname = "A"\n', "line 1: give one of url"),
        ('[[recipient]]\nname = "A"\nurl = "nothing://s3cret"\n', "nothing://… is none that"),
    ],
)
def test_a_wrong_file_is_one_clear_error(world: World, text: str, message: str) -> None:
    path = world.folder / "alerts.toml"
    path.write_text(text, "utf-8")
    path.chmod(0o600)
    said = world.run("--dry-run")
    assert said.exit_code == 2
    assert message in said.stderr


def test_without_a_file_nobody_is_told(synced_file: Path) -> None:
    said = commands.run("alerts", "--store", str(synced_file))
    assert (said.exit_code, "No alerts_file is set" in said.stderr) == (2, True)
