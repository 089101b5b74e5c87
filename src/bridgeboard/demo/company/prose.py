"""What people ask and models think: sentences grown from a small grammar.

A template's slots are filled as they are met, so a text is a function of its stream of chance.
"""

from collections.abc import Callable, Sequence
from random import Random

from bridgeboard.demo.company.company_data import Project, table
from bridgeboard.demo.company.seeded_random import chance, pick

_TEXTS = table("prose")
_WORDS: dict[str, Sequence[str]] = {
    **_TEXTS["words"],
    "constraint": _TEXTS["constraints"],
    "error": _TEXTS["errors"],
    "follow_up": _TEXTS["follow_ups"],
}


class _Slots(dict[str, str]):
    """Slot name → text, made up when it is asked for."""

    def __init__(self, rng: Random, project: Project) -> None:
        super().__init__(project=project.name)
        self.rng, self.about = rng, project

    def __missing__(self, slot: str) -> str:
        maker = _MAKERS.get(slot)
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


_MAKERS: dict[str, Callable[[Random, Project], str]] = {
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
    return _grow(rng, project, pick(rng, ((_TEXTS["follow_ups"], 2), (_TEXTS["asks"], 1))))


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
