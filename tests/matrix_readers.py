"""Readers of a dashboard behind a proxy: who they are, and the words that each must never be sent.

The words are counted from the demo world alone: nothing of the product is asked who sees what.
"""

import html
import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote, quote_plus

import numpy as np
import pytest
import truth
from dashboard_process import free_port

from bridgeboard.demo.records import InterceptionRow, Person
from bridgeboard.demo.world import World, make

END = datetime(2025, 11, 20, 17, 0, tzinfo=UTC)
"""Long past on every clock: a day that runs is no part of what groups are shown."""
DAYS, SCALE = 5, 0.1
COMPANY = ("--end", f"{END:%Y-%m-%dT%H:%M:%S}", "--days", str(DAYS), "--scale", str(SCALE))
EVERY: dict[str, Any] = {
    "range": "Custom days",
    "dates": ["2025-11-01", "2025-11-30"],
    "tz": "UTC",
}
RULE = "zqrule@readers.example"
"""Somebody whom only the rules name."""
SETTINGS = """
search_text = true
text_days = 0
sync_seconds = 86400
{more}
[proxy]
addresses = ["127.0.0.1"]
[roles]
viewer = ["viewers"]
analyst = ["analysts", "{rule}"]
auditor = ["auditors"]
admin = ["admins"]
self = ["selves"]
[leads]
leads = ["{team}"]
"""
PSEUDONYMS = """
names = "pseudonyms"
pseudonym_key = "a key that only the operator knows"
"""
CHECK_REMOVED = """
import os, pathlib, sys
sys.path.insert(0, {tests!r})
import removed_checks
removed_checks.graft(pathlib.Path(os.environ["MUTATION"]))
from bridgeboard.cli import main
main()
"""
Kind = Literal["names", "rows", "keys", "texts", "offers"]
KINDS: tuple[Kind, ...] = ("names", "rows", "keys", "texts", "offers")
Words = dict[str, frozenset[str]]
"""A word → the ids of the people of whom it tells."""
_RUN = re.compile(r"[A-Za-z0-9 ,]{18,40}")
_SHORTEST = 16
_START = 8
"""Bytes by which words are looked for at once."""


def found(sent: Iterable[bytes], words: Iterable[str]) -> set[str]:
    """Those of the words that are in what was sent, however JSON, HTML or addresses spell them."""
    spelled, short, starts = _index(frozenset(words))
    every = b"\n".join(dict.fromkeys(sent))
    met = _met(every, np.array(sorted(starts), dtype="<u8"))
    ways = [*short, *(way for start in met for way in starts[start])]
    return {spelled[way] for way in ways if way in every}


@lru_cache(maxsize=64)
def _index(
    words: frozenset[str],
) -> tuple[dict[bytes, str], list[bytes], dict[int, list[bytes]]]:
    """Each spelling and its word; those that are too short for a start; those of each start."""
    spelled = {way: word for word in words for way in _spellings(word)}
    starts: dict[int, list[bytes]] = {}
    for way in spelled:
        if len(way) >= _START:
            starts.setdefault(int.from_bytes(way[:_START], "little"), []).append(way)
    return spelled, [way for way in spelled if len(way) < _START], starts


def _met(raw: bytes, known: np.ndarray[Any, Any]) -> set[int]:
    """Which of the known starts there are anywhere."""
    met: set[int] = set()
    for shift in range(min(_START, len(raw))):
        windows = np.frombuffer(raw, "<u8", (len(raw) - shift) // _START, shift)
        met.update(map(int, windows[np.isin(windows, known)]))
    return met


def _spellings(word: str) -> set[bytes]:
    ways = {word, json.dumps(word)[1:-1], html.escape(word), html.escape(word, quote=False)}
    return {way.encode() for way in ways | {quote(word), quote_plus(word)}}


@dataclass(frozen=True)
class Company:
    """The company that is served, and the people whom the tests are about.

    Attributes:
        words: by kind, with the ids of all of whom each tells.
        team: whose lead one of the readers is.
        other: somebody of another team, and no reader.
        me: the reader who sees their own usage, of neither.
    """

    world: World
    requests: tuple[InterceptionRow, ...]
    words: Mapping[Kind, Words]
    team: str
    other: Person
    me: Person

    @property
    def every_word(self) -> frozenset[str]:
        return frozenset(word for words in self.words.values() for word in words)

    @property
    def people(self) -> frozenset[str]:
        return frozenset(row.initiator_id for row in self.requests)

    def members(self, team: str) -> frozenset[str]:
        names = self.world.teams[team]
        return frozenset(one.id for one in self.world.tables.people if one.username in names)

    def of(self, person: str) -> list[InterceptionRow]:
        """The requests of one person that have a prompt worth reading, the earliest first."""
        prompts = {one.interception_id for one in self.world.tables.prompts if _runs(one.prompt)}
        return [row for row in self.requests if row.initiator_id == person and row.id in prompts]


def company() -> Company:
    """The same as the dashboard serves."""
    world = make(7, end=END, days=DAYS, scale=SCALE)
    rows = tuple(truth.finished(world.tables))
    people = {one.id: one for one in world.tables.people}
    busy = [people[id_] for id_, _ in Counter(row.initiator_id for row in rows).most_common()]
    other, rest = busy[0], [one for one in busy if one.team not in {"", busy[0].team}]
    me = rest[0]
    # Nobody of it owns the token that the dashboard reads with.
    owners = {one.team for one in people.values() if one.role == "owner"}
    team = next(one.team for one in rest if one.team not in {me.team, *owners})
    return Company(world, rows, _words(world, rows), team, other, me)


def _words(world: World, rows: Iterable[InterceptionRow]) -> dict[Kind, Words]:
    told: dict[Kind, dict[str, set[str]]] = {kind: {} for kind in KINDS}

    def say(kind: Kind, whose: str, *words: str | None) -> None:
        for word in filter(None, words):
            told[kind].setdefault(word, set()).add(whose)

    for one in world.tables.people:
        say("names", one.id, one.id, one.username, one.name)
    for row in rows:
        say("rows", row.initiator_id, row.id, row.session_id)
        say("keys", row.initiator_id, row.api_key_id, row.credential_hint)
        say("offers", row.initiator_id, row.model, row.client)
    texts = _texts(world, rows)
    written = {whose: "\n".join(every) for whose, every in texts.items()}
    for run in {run for every in texts.values() for text in every for run in _runs(text)}:
        # What several wrote tells of all of them, wherever in their texts it stands.
        told["texts"][run] = {whose for whose, text in written.items() if run in text}
    return {kind: {word: frozenset(ids) for word, ids in told[kind].items()} for kind in KINDS}


def _texts(world: World, rows: Iterable[InterceptionRow]) -> dict[str, list[str]]:
    """All that was recorded of what people and models wrote, by whose it is."""
    tables, owners = world.tables, {row.id: row.initiator_id for row in rows}
    told: dict[str, list[str]] = {}
    for row in rows:
        told.setdefault(row.initiator_id, []).append(row.error_message)
    for table, fields in (
        (tables.prompts, ("prompt",)),
        (tables.tools, ("input", "invocation_error")),
        (tables.thoughts, ("text",)),
    ):
        for one in table:
            if whose := owners.get(one.interception_id):
                told[whose] += [getattr(one, name) for name in fields]
    return told


def _runs(text: str) -> list[str]:
    """Pieces of a text that nothing escapes or cuts, of its beginning first."""
    return [run for run in map(str.strip, _RUN.findall(text)[:3]) if len(run) >= _SHORTEST]


@dataclass(frozen=True)
class Who:
    """A reader: the headers that the proxy sends, and of whom they may be told what.

    Attributes:
        query: what stands in all of their addresses.
    """

    name: str
    headers: Mapping[str, str] = field(default_factory=dict)
    may: Mapping[Kind, frozenset[str]] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)

    @property
    def email(self) -> str:
        return self.headers.get("X-Forwarded-Email", "")

    def forbidden(self, told: Company) -> set[str]:
        """All words that must never reach them."""
        return {
            word
            for kind, words in told.words.items()
            for word, ids in words.items()
            if not ids & self.may.get(kind, frozenset())
        }

    def permitted(self, told: Company, kind: Kind) -> set[str]:
        """Words of a kind that may."""
        mine = self.may.get(kind, frozenset())
        return {word for word, ids in told.words[kind].items() if ids & mine}


def _who(name: str, groups: str, may: Mapping[Kind, frozenset[str]], username: str = "") -> Who:
    told = {
        "X-Forwarded-User": f"subject of {name}",
        "X-Forwarded-Email": f"{name.replace(' ', '-')}@readers.example",
        "X-Forwarded-Groups": groups,
        **({"X-Forwarded-Preferred-Username": username} if username else {}),
    }
    return Who(name, told, may)


def readers(told: Company) -> dict[str, Who]:
    """Everybody, by name; whoever sees more comes before who sees less."""
    me, username, team = frozenset({told.me.id}), told.me.username, told.members(told.team)
    sums: dict[Kind, frozenset[str]] = {"offers": told.people}
    own = {**sums, **_may(me, "names", "rows", "keys", "texts")}
    every = [
        _who("auditor", "auditors", {**sums, **_may(told.people, "names", "rows", "keys")}),
        _who("analyst", "analysts", {**sums, **_may(told.people, "names", "rows", "keys")}),
        _who("lead", "leads", {**sums, **_may(team, "names", "rows", "keys")}),
        _who("self", "selves", own, username),
        replace(_who("viewer as self", "viewers,selves", own, username), query={"own": "true"}),
        _who("viewer and self", "viewers,selves", sums, username),
        _who("admin", "admins", sums),
        _who("viewer", "viewers", sums),
        _who("somebody", "strangers", {}),
        Who("nobody"),
    ]
    return {one.name: one for one in every}


def veiled(told: Company) -> dict[str, Who]:
    """Readers of a dashboard that shows pseudonyms."""
    team = told.members(told.team)
    every = [
        _who("analyst", "analysts", _may(told.people, "rows", "offers")),
        _who("lead", "leads", _may(team, "rows") | _may(told.people, "offers")),
    ]
    return {one.name: one for one in every}


def _may(people: frozenset[str], *kinds: Kind) -> dict[Kind, frozenset[str]]:
    return dict.fromkeys(kinds, people)


def settings_file(folder: Path, team: str, more: str = "") -> Path:
    """The operator's settings; only the operator may read them."""
    path = folder / "bridgeboard.toml"
    path.write_text(SETTINGS.format(rule=RULE, team=team, more=more), "utf-8")
    path.chmod(0o600)
    return path


@contextmanager
def mutated(**environment: str) -> Iterator[str]:
    """The address of a dashboard in which ``removed_checks`` takes away what ``MUTATION`` names."""
    port = free_port()
    code = CHECK_REMOVED.format(tests=str(Path(__file__).parent))
    with subprocess.Popen(  # noqa: S603 - our own command
        [sys.executable, "-c", code, "demo", *COMPANY, "--port", str(port)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ | environment,
    ) as process:
        try:
            assert process.stdout
            if not any("Bridgeboard is at" in line for line in process.stdout):
                pytest.fail("the mutated dashboard did not start")
            yield f"http://127.0.0.1:{port}/"
        finally:
            process.terminate()
            process.communicate(timeout=30)
