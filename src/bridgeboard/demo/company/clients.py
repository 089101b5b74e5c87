"""The tools the demo company codes with: how each names itself, its sessions and its own tools."""

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random
from typing import Literal

from bridgeboard.demo.company.dice import uuid, word
from bridgeboard.demo.company.tables import table

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
