"""What people ask, models think, and tools are called with: texts that read like work.

A template's slots are filled as they are met, so a text is a function of its stream of chance.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from bridgeboard.demo.company.company_data import (
    CLIENTS,
    LINES,
    Client,
    Gadget,
    Project,
    Route,
    Verb,
    table,
)
from bridgeboard.demo.company.raw_tables import Use
from bridgeboard.demo.company.seeded_random import Odds, chance

_TEXTS = table("prose")
_WORDS: dict[str, Sequence[str]] = {
    **_TEXTS["words"],
    "constraint": _TEXTS["constraints"],
    "error": _TEXTS["errors"],
    "follow_up": _TEXTS["follow_ups"],
}


_FOLLOW_UPS = Odds(((_TEXTS["follow_ups"], 2), (_TEXTS["asks"], 1)))


class _Slots(dict[str, str]):
    """Slot name → text, made up when it is asked for."""

    def __init__(self, rng: Random, project: Project) -> None:
        super().__init__(project=project.name)
        self.rng, self.about = rng, project

    def __missing__(self, slot: str) -> str:
        maker = _SLOT_MAKERS.get(slot)
        if maker:
            return maker(self.rng, self.about)
        return self.rng.choice(_WORDS[slot]).format_map(self)


def _clock(rng: Random, _: Project) -> str:
    return f"{rng.randint(0, 23):02}:{rng.randint(0, 59):02}"


def log(rng: Random, project: Project) -> str:
    """A few lines of a service's log, as people paste them."""
    clock, second = _clock(rng, project), rng.randint(0, 20)
    lines = []
    for _ in range(rng.randint(2, 9)):
        second += rng.randint(0, 4)
        level = rng.choice(("INFO", "WARN", "ERROR"))
        where = f"{project.name} {rng.choice(project.symbols)}"
        what = f"{rng.choice(_WORDS['error'])} id={rng.getrandbits(32):08x}"
        lines.append(f"{clock}:{second:02} {level} {where}: {what}")
    return "\n".join(lines)


_SLOT_MAKERS: dict[str, Callable[[Random, Project], str]] = {
    "file": lambda rng, project: rng.choice(project.files),
    "symbol": lambda rng, project: rng.choice(project.symbols),
    "thing": lambda rng, project: rng.choice(project.things),
    "ticket": lambda rng, project: f"{project.ticket}-{rng.randint(100, 4999)}",
    "low": lambda rng, _: str(rng.randint(2, 60)),
    "high": lambda rng, _: str(rng.randint(90, 1900)),
    "clock": _clock,
    "log": log,
}


def _grow(rng: Random, project: Project, templates: Sequence[str]) -> str:
    return rng.choice(templates).format_map(_Slots(rng, project))


def ask(rng: Random, project: Project) -> str:
    """The prompt that opens a piece of work; some go on for a second paragraph."""
    text = _grow(rng, project, _TEXTS["asks"])
    if chance(rng, 0.2):
        text += "\n\n" + _grow(rng, project, _TEXTS["constraints"])
    return text


def follow_up(rng: Random, project: Project) -> str:
    """A later prompt of the same conversation; every third is a new piece of work."""
    return _grow(rng, project, _FOLLOW_UPS.draw(rng))


def scripted(rng: Random, project: Project) -> str:
    """A prompt that a program sends rather than a person."""
    return _grow(rng, project, _TEXTS["scripted"])


def title(rng: Random, project: Project) -> str:
    """A client's own small request for a conversation title."""
    return _grow(rng, project, _TEXTS["titles"])


def reminder(rng: Random, project: Project) -> str:
    """Text a client slips in, recorded as a prompt all the same (api-contract 4.9)."""
    return _grow(rng, project, _TEXTS["reminders"])


def thought(rng: Random, project: Project) -> str:
    """One thought of the model, a sentence or a paragraph."""
    text = _grow(rng, project, _TEXTS["thoughts"])
    return text + _grow(rng, project, _TEXTS["reflections"]) if chance(rng, 0.4) else text


_ROOT = "/home/coder/src"
_encode = json.JSONEncoder(ensure_ascii=False).encode


@dataclass(frozen=True, slots=True)
class Server:
    """An MCP server whose tools the bridge injects; ``errors`` is its share of failed calls."""

    url: str
    tools: tuple[str, ...]
    errors: float


_TABLE = table("tools")
SERVERS = tuple(Server(**fields) for fields in _TABLE["mcp_servers"])
"""The company's MCP servers."""

FAILING = SERVERS[2]
"""The server that will have its bad days."""


_USES_AT_ONCE = Odds(((1, 8), (2, 1.6), (3, 0.6)))
_GADGETS = {
    client.name: Odds((gadget, gadget.weight) for gadget in client.gadgets)
    for client in CLIENTS.values()
}


def uses(rng: Random, client: Client, route: Route, project: Project) -> tuple[Use, ...]:
    """What one response of the model asks for: mostly one tool use, sometimes a few at once."""
    count = _USES_AT_ONCE.draw(rng) if route != "chat" else 1
    return tuple(_use(rng, client, route, project) for _ in range(count))


def injected(rng: Random, server: Server, project: Project, *, failing: bool) -> Use:
    """One use of a tool the bridge runs itself; only these can tell that they failed."""
    tool = rng.choice(server.tools)
    if chance(rng, 0.88 if failing else server.errors):
        error = _TABLE["tool_outage"] if failing else rng.choice(_TABLE["tool_failures"])
    else:
        error = ""
    query = f"{rng.choice(project.things)} {rng.choice(project.symbols)}"
    text = json.dumps({"query": query, "limit": rng.choice((5, 10, 25))})
    return Use(tool, text, server.url, error)


def command(rng: Random, project: Project) -> str:
    """A shell command somebody would run in this project."""
    if chance(rng, 0.3):
        return project.test
    return str(rng.choice(_TABLE["commands"])).format(
        file=rng.choice(project.files), symbol=rng.choice(project.symbols), build=project.build
    )


def code(rng: Random, project: Project, lines: int) -> str:
    """A few lines that look like the project's language."""
    shapes = LINES[project.language]
    slots = {"symbol": rng.choice(project.symbols), "number": rng.randint(2, 400)}
    return "\n".join([rng.choice(shapes).format_map(slots) for _ in range(lines)])


def _use(rng: Random, client: Client, route: Route, project: Project) -> Use:
    gadget = _GADGETS[client.name].draw(rng)
    if chance(rng, 0.002):
        return Use(gadget.name, "null" if route == "chat" else '""')
    arguments = _INPUTS[gadget.verb](rng, gadget, project)
    text = _encode(arguments)
    return Use(gadget.name, _escaped(text) if route == "chat" else text)


def _escaped(text: str) -> str:
    """Some routes keep the escapes that came over the wire (api-contract 4.10)."""
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _path(rng: Random, project: Project) -> str:
    return f"{_ROOT}/{project.name}/{rng.choice(project.files)}"


def _read(rng: Random, gadget: Gadget, project: Project) -> object:
    arguments: dict[str, object] = {gadget.key: _path(rng, project)}
    if chance(rng, 0.4):
        arguments |= {"offset": rng.randint(1, 400), "limit": rng.choice((80, 120, 200))}
    return arguments


def _edit(rng: Random, gadget: Gadget, project: Project) -> object:
    return {
        gadget.key: _path(rng, project),
        "old_string": code(rng, project, rng.randint(1, 4)),
        "new_string": code(rng, project, rng.randint(1, 9)),
    }


def _write(rng: Random, gadget: Gadget, project: Project) -> object:
    return {gadget.key: _path(rng, project), "content": code(rng, project, rng.randint(8, 40))}


def _run(rng: Random, gadget: Gadget, project: Project) -> object:
    line = command(rng, project)
    if gadget.name == "shell":
        return {"command": ["bash", "-lc", line], "workdir": f"{_ROOT}/{project.name}"}
    return {gadget.key: line, "description": f"Work on {rng.choice(project.things)}"}


def _find(rng: Random, gadget: Gadget, project: Project) -> object:
    return {gadget.key: rf"\b{rng.choice(project.symbols)}\(", "path": f"{_ROOT}/{project.name}"}


def _list(rng: Random, gadget: Gadget, project: Project) -> object:
    return {gadget.key: rng.choice(project.files).rsplit("/", 1)[0] + "/**"}


def _plan(rng: Random, gadget: Gadget, project: Project) -> object:
    steps = [
        {"content": f"{verb} {rng.choice(project.things)}", "status": status}
        for verb, status in (
            ("Understand", "completed"),
            ("Write a failing test for", "in_progress"),
            ("Change", "pending"),
        )
    ]
    return {gadget.key: steps}


def _patch(rng: Random, _: Gadget, project: Project) -> object:
    """A free-form tool: its input is one string, not an object."""
    added = code(rng, project, rng.randint(1, 8)).replace("\n", "\n+")
    head = f"*** Begin Patch\n*** Update File: {rng.choice(project.files)}"
    return f"{head}\n@@\n+{added}\n*** End Patch"


def _fetch(rng: Random, gadget: Gadget, project: Project) -> object:
    return {gadget.key: f"https://docs.meridian.example/{project.name}/{rng.randint(1, 90)}"}


def _ask(rng: Random, gadget: Gadget, project: Project) -> object:
    return {gadget.key: ask(rng, project), "description": rng.choice(project.things)}


_INPUTS: dict[Verb, Callable[[Random, Gadget, Project], object]] = {
    "read": _read,
    "edit": _edit,
    "write": _write,
    "run": _run,
    "search": _find,
    "list": _list,
    "plan": _plan,
    "patch": _patch,
    "fetch": _fetch,
    "ask": _ask,
}
