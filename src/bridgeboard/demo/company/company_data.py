"""What the company works on, with and by: projects, clients and models, from TOML files."""

import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from random import Random
from typing import Any, Literal

from bridgeboard.demo.company.seeded_random import uuid, word
from bridgeboard.demo.records import Provider


def table(name: str) -> dict[str, Any]:
    """The contents of one file; its lists are tuples."""
    text = files(__package__).joinpath("data", f"{name}.toml").read_text("utf-8")
    frozen: dict[str, Any] = _frozen(tomllib.loads(text))
    return frozen


def _frozen(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _frozen(part) for key, part in value.items()}
    return tuple(map(_frozen, value)) if isinstance(value, list) else value


@dataclass(frozen=True, slots=True)
class Project:
    """A repository. ``test`` and ``build`` are shell commands; ``ticket`` a tracker's key."""

    name: str
    language: str
    ticket: str
    test: str
    build: str
    files: tuple[str, ...]
    symbols: tuple[str, ...]
    things: tuple[str, ...]


_PROJECT_TABLE = table("projects")
_PROJECTS = {name: Project(name, **fields) for name, fields in _PROJECT_TABLE["projects"].items()}
PROJECTS = {
    team: tuple(map(_PROJECTS.__getitem__, names))
    for team, names in _PROJECT_TABLE["teams"].items()
}
"""Team → the repositories it works in; "" is for those without a team."""

LINES: dict[str, tuple[str, ...]] = _PROJECT_TABLE["lines"]
"""Language → lines that look like it."""


Verb = Literal["read", "edit", "write", "run", "search", "list", "plan", "patch", "fetch", "ask"]
Naming = Literal["uuid", "workspace", "opencode", "none"]


@dataclass(frozen=True, slots=True)
class Gadget:
    """One tool a client offers its model; ``key`` is what it calls its main argument."""

    name: str
    verb: Verb
    key: str
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Client:
    """A coding tool. ``preamble`` is its system prompt in tokens, ``depth`` stretches its loops."""

    name: str
    agent: str
    naming: Naming
    models: tuple[tuple[str, float], ...]
    gadgets: tuple[Gadget, ...]
    preamble: int
    depth: float = 1.0


def _clients() -> Iterator[Client]:
    contents = table("clients")
    kits = {
        name: tuple(Gadget(*fields) for fields in kit) for name, kit in contents["kits"].items()
    }
    for fields in contents["clients"]:
        yield Client(gadgets=kits[fields.pop("kit")], **fields)


CLIENTS = {client.name: client for client in _clients()}
"""Every client name of api-contract 4.11, by that name."""


def session_id(rng: Random, client: Client) -> str | None:
    """An id as this client supplies it, or None where it supplies none (api-contract 4.2)."""
    match client.naming:
        case "uuid":
            return uuid(rng)
        case "workspace":
            return word(rng, 10)
        case "opencode":
            return f"ses_{word(rng, 26)}"
        case _:
            return None


Route = Literal["messages", "chat", "responses"]
Wire = Literal["anthropic", "openai", "copilot"]

_VENDOR_TABLE = table("vendors")
POOL: dict[str, tuple[str, ...]] = {
    fields["name"]: fields.pop("key_hints") for fields in _VENDOR_TABLE["providers"]
}
"""The company's keys as the bridge remembers them."""

PROVIDERS = tuple(Provider(**fields) for fields in _VENDOR_TABLE["providers"])
"""Configured instances."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A model as one provider instance serves it; ``window`` is its context in tokens."""

    model: str
    provider_name: str
    wire: Wire
    route: Route
    window: int

    @property
    def caching(self) -> bool:
        """Whether the provider reports cached prompt tokens at all."""
        return self.provider_name != "vllm-internal"


OFFERS = {name: Offer(*fields) for name, fields in _VENDOR_TABLE["offers"].items()}
"""All models in use, by the short name the rest of the demo has for them."""

EUROPEAN: dict[str, str] = _VENDOR_TABLE["european"]
"""What a team whose data must stay in Europe gets instead."""


def offer(name: str, *, migrated: bool, european: bool = False) -> Offer:
    """The offer behind a short name; plain "sonnet" is the company's default of the day.

    The company moved its default from Sonnet 4.6 to the cheaper Sonnet 5 in mid-quarter;
    ``migrated`` says on which side of that day one asks.
    """
    if european and name in EUROPEAN:
        return OFFERS[EUROPEAN[name]]
    if name == "sonnet":
        return OFFERS["sonnet-5" if migrated else "sonnet-4-6"]
    return OFFERS[name]
