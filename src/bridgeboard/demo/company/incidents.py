"""What goes wrong at the company, planned and owned up to: the truth a radar is measured by."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain
from random import Random

from bridgeboard.demo.company.company_data import table
from bridgeboard.demo.company.conversations import thread
from bridgeboard.demo.company.people import OFFICES, Colleague
from bridgeboard.demo.company.raw_tables import Use
from bridgeboard.demo.company.scene import DAY, Scene, Spell, Window
from bridgeboard.demo.company.seeded_random import cast
from bridgeboard.demo.company.texts import FAILING
from bridgeboard.demo.company.workdays import converse, sit_down
from bridgeboard.demo.records import InterceptionRow, Tables

_HOUR = timedelta(hours=1)
_STEADY = {"regular", "heavy"}
_USUAL = {
    "cache_collapse": ("Codex", "gpt-5-codex"),
    "failing_tool": ("Claude Code", "sonnet-5"),
    "provider_outage": ("Claude Code", "sonnet-4-6"),
}
_NOTES: dict[str, str] = table("tools")["incidents"]


@dataclass(frozen=True)
class Incident:
    """One thing that went wrong, from ``started_at`` to just before ``ended_at`` (aware UTC).

    ``kind`` is one of runaway, spend_spike, cache_collapse, failing_tool, provider_outage,
    data_gap, credential_drift. ``subject`` names what it happened to: a user name, a team, a
    client, a server URL, a provider instance. ``person_ids`` and ``session_ids`` are those
    really touched, sorted; a data gap touches nobody, for it left no trace. ``note`` says why.
    """

    kind: str
    subject: str
    started_at: datetime
    ended_at: datetime
    person_ids: tuple[str, ...]
    session_ids: tuple[str, ...]
    note: str


def forecast(seed: int, window: Window, colleagues: Sequence[Colleague]) -> tuple[Spell, ...]:
    """What will go wrong when, as far as the window has room for it, in the order of time."""
    rng = cast(seed, "incidents")
    team = rng.choice([name for name in OFFICES if name != "payments"])
    steady = [one for one in colleagues if _stays(one)]
    first, second, third, fourth = rng.sample(
        [one for one in steady if one.person.team and not one.habit.own_key], 4
    )
    planned = (
        _days(window, "cache_collapse", ("Codex",), 0.3, 3),
        _hours(window, "provider_outage", ("anthropic",), 0.4, (13.0, 15.5)),
        _days(window, "spend_spike", (team,), 0.47, 2),
        _days(window, "failing_tool", (FAILING.url,), 0.62, 4),
        _night(window, first, 0.72),
        _hours(window, "data_gap", ("bridge",), 0.82, (12.0, 18.0)),
        _drift(window, third, fourth),
        _night(window, second, 0.91),
    )
    return tuple(sorted(chain(*planned), key=lambda spell: spell.since))


def strike(scene: Scene, seed: int, colleagues: Sequence[Colleague], scale: float) -> None:
    """Write the sessions that would not be there without the incidents."""
    for spell in scene.spells:
        rng = cast(seed, "incident", spell.kind, *spell.subjects)
        touched = [one for one in colleagues if _concerned(spell, one)]
        if spell.kind == "runaway":
            _run_away(scene, rng, touched[0], spell, scale)
        elif spell.kind == "spend_spike":
            _splurge(scene, rng, touched, spell)
        elif spell.kind in _USUAL:
            _insist(scene, rng, colleagues, spell)


def testify(scene: Scene, tables: Tables) -> tuple[Incident, ...]:
    """Each spell with the people and sessions it really touched."""
    return tuple(_incident(spell, _touched(spell, tables), tables) for spell in scene.spells)


def _days(
    window: Window, kind: str, subjects: tuple[str, ...], part: float, length: int
) -> list[Spell]:
    since = window.workday(part, length)
    return [Spell(kind, subjects, since, since + length * DAY, _NOTES[kind])] if since else []


def _hours(
    window: Window, kind: str, subjects: tuple[str, ...], part: float, hours: tuple[float, float]
) -> list[Spell]:
    day = window.workday(part)
    if day is None:
        return []
    since, until = (day + hour * _HOUR for hour in hours)
    return [Spell(kind, subjects, since, until, _NOTES[kind])]


def _night(window: Window, colleague: Colleague, part: float) -> list[Spell]:
    """From an office's half past nine in the evening to half past seven in the morning."""
    day = window.workday(part, 2)
    if day is None:
        return []
    since = day + 21.5 * _HOUR - timedelta(minutes=colleague.habit.offset)
    subjects = (colleague.person.username,)
    return [Spell("runaway", subjects, since, since + 10 * _HOUR, _NOTES["runaway"])]


def _drift(window: Window, *drifters: Colleague) -> list[Spell]:
    since = window.workday(0.85)
    subjects = tuple(one.person.id for one in drifters)
    kind = "credential_drift"
    return [Spell(kind, subjects, since, window.end, _NOTES[kind])] if since else []


def _concerned(spell: Spell, colleague: Colleague) -> bool:
    person = colleague.person
    return bool({person.team, person.username, person.id} & set(spell.subjects))


def _run_away(scene: Scene, rng: Random, person: Colleague, spell: Spell, scale: float) -> None:
    """One prompt in the evening, and the same command again and again until the morning."""
    talk = sit_down(scene, rng, person, spell.since, client="Claude Code", model="opus")
    talk.hour_cache, talk.bulk, talk.room = True, 2.5, 880_000
    talk.same = Use("Bash", f'{{"command": "{talk.project.test}", "timeout": 600000}}')
    depth = int(rng.randint(450, 510) * min(1.0, max(0.5, scale)))
    text = f"Get `{talk.project.test}` green before tomorrow. Don't ask, just keep going."
    thread(scene, talk, spell.since, depth, text)


def _splurge(scene: Scene, rng: Random, team: Sequence[Colleague], spell: Spell) -> None:
    """Two long conversations a day for everybody in the team, from each office's morning on."""
    for person in team:
        local = 9.5 * _HOUR - timedelta(minutes=person.habit.offset)
        morning = spell.since + max(timedelta(), local)
        for at in (morning, morning + 2.5 * _HOUR, morning + DAY, morning + DAY + 2.5 * _HOUR):
            talk = sit_down(scene, rng, person, at, client="Claude Code", model="opus-4-1")
            talk.bulk, talk.room = 2.0, 175_000
            converse(scene, talk, prompts=3)


def _insist(scene: Scene, rng: Random, colleagues: Sequence[Colleague], spell: Spell) -> None:
    """Usual work all through a spell, so that it never passes unfelt."""
    client, model = _USUAL[spell.kind]
    there = [one for one in colleagues if _stays(one) and one.person.team]
    for number in range(6):
        at = spell.since + (spell.until - spell.since) * (number + 0.5) / 6
        talk = sit_down(scene, rng, rng.choice(there), at, client=client, model=model)
        talk.server = FAILING if spell.kind == "failing_tool" else None
        converse(scene, talk, prompts=2)


def _stays(colleague: Colleague) -> bool:
    """Whether somebody is at work all through the window."""
    return colleague.habit.level in _STEADY and colleague.habit.stay == (0.0, 1.0)


def _incident(spell: Spell, rows: Sequence[InterceptionRow], tables: Tables) -> Incident:
    people = {person.id: person.username for person in tables.people}
    return Incident(
        kind=spell.kind,
        subject=", ".join(people.get(subject, subject) for subject in spell.subjects),
        started_at=spell.since,
        ended_at=spell.until,
        person_ids=tuple(sorted({row.initiator_id for row in rows})),
        session_ids=tuple(sorted({row.session_id for row in rows})),
        note=spell.note,
    )


def _touched(spell: Spell, tables: Tables) -> list[InterceptionRow]:
    inside = [row for row in tables.interceptions if spell.since <= row.started_at < spell.until]
    touches = _TOUCHES[spell.kind](spell, tables)
    return [row for row in inside if touches(row)]


_Test = Callable[[InterceptionRow], bool]


def _collapsed(spell: Spell, _: Tables) -> _Test:
    return lambda row: row.client in spell.subjects


def _failed(spell: Spell, _: Tables) -> _Test:
    return lambda row: row.provider_name in spell.subjects and bool(row.error_type)


def _misfired(spell: Spell, tables: Tables) -> _Test:
    calls = {
        row.interception_id
        for row in tables.tools
        if row.server_url in spell.subjects and row.invocation_error
    }
    return lambda row: row.id in calls


def _own_key(spell: Spell, _: Tables) -> _Test:
    def touches(row: InterceptionRow) -> bool:
        own = row.credential_kind == "byok" and row.provider != "copilot"
        return own and row.initiator_id in spell.subjects

    return touches


def _splurged(spell: Spell, tables: Tables) -> _Test:
    team = {person.id for person in tables.people if person.team in spell.subjects}
    return lambda row: row.initiator_id in team and "opus-4-1" in row.model


def _ran_away(spell: Spell, tables: Tables) -> _Test:
    own = {person.id for person in tables.people if person.username in spell.subjects}
    rows = [row for row in tables.interceptions if row.initiator_id in own]
    begun = [row.session_id for row in rows if row.started_at == spell.since]
    return lambda row: row.session_id in begun and row.initiator_id in own


_TOUCHES: dict[str, Callable[[Spell, Tables], _Test]] = {
    "cache_collapse": _collapsed,
    "provider_outage": _failed,
    "failing_tool": _misfired,
    "credential_drift": _own_key,
    "spend_spike": _splurged,
    "runaway": _ran_away,
    "data_gap": lambda _spell, _tables: lambda _row: True,
}
