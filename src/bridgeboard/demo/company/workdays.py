"""A day's work: when a person opens which tool, with which model and key, for how many prompts."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from random import Random

from bridgeboard.demo.company import texts
from bridgeboard.demo.company.company_data import (
    CLIENTS,
    OFFERS,
    POOL,
    PROJECTS,
    Client,
    Offer,
    offer,
    session_id,
)
from bridgeboard.demo.company.conversations import Talk, thread
from bridgeboard.demo.company.people import Colleague, Habit
from bridgeboard.demo.company.raw_tables import Seat
from bridgeboard.demo.company.scene import SATURDAY, Scene, Window, midnight
from bridgeboard.demo.company.seeded_random import (
    Odds,
    cast,
    chance,
    heavy,
    pick,
    poisson,
    seconds,
    uuid,
)
from bridgeboard.demo.company.texts import SERVERS

_FRIDAY = 4
_NOON = 12
_LEGACY_UNTIL = 0.08
_BARE_UNTIL = 0.04
_TRIAL_UNTIL = 0.2
_MIGRATED = 0.5
_FIREWALL_SINCE = 0.5
_COMMON_WINDOW = 200_000
_SCRIPTS_PREAMBLE = 1_000
_LONGEST = timedelta(days=2)
"""More than any session takes from its first call to its last."""
_NEXT_PRICE = 265_000
"""Clients of these models compact before prompts cost twice as much."""
_PROMPTS = Odds(((1, 45), (2, 24), (3, 13), (4, 8), (5, 5), (7, 3), (10, 1.5), (14, 0.5)))
_DEPTHS = Odds(
    (
        ((1, 2), 40),
        ((3, 7), 37),
        ((8, 15), 15),
        ((16, 32), 5.5),
        ((33, 80), 0.8),
    )
)


def work(
    scene: Scene,
    seed: int,
    colleagues: Sequence[Colleague],
    volume: float,
    since: datetime | None = None,
) -> None:
    """Write everybody's ordinary sessions: all of the window, or all that go on at ``since``."""
    first = max(since - _LONGEST, scene.window.start) if since else scene.window.start
    for colleague in colleagues:
        for at, rng in _openings(seed, scene.window, colleague, volume, first):
            converse(scene, sit_down(scene, rng, colleague, at))


def sit_down(
    scene: Scene,
    rng: Random,
    colleague: Colleague,
    at: datetime,
    *,
    client: str = "",
    model: str = "",
) -> Talk:
    """A new conversation of this person; client and model are his habit's unless named."""
    tool = CLIENTS[client or pick(rng, colleague.habit.clients)]
    offered = OFFERS[model] if model else _choose(scene, rng, colleague, tool, at)
    named = None if colleague.habit.turnwise and tool.name == "Codex" else session_id(rng, tool)
    seat = take_seat(scene, rng, colleague, tool, offered, named=named, at=at)
    warm = tool.preamble if offered.caching and chance(rng, 0.6) else 0
    huge = offered.window > _COMMON_WINDOW and chance(rng, 0.8)
    room = 850_000 if huge else 175_000
    if offered.route == "responses":
        room = min(room, _NEXT_PRICE)
    return Talk(
        rng=rng,
        seat=seat,
        client=tool,
        project=rng.choice(PROJECTS[colleague.person.team]),
        at=at,
        context=tool.preamble + _opened(rng, tool, min(room, offered.window)),
        cached=warm // 4 if chance(rng, 0.3) else warm,
        hour_cache=colleague.habit.hour_cache,
        room=room,
        bulk=2.0 if huge else 1.0,
        server=rng.choice(SERVERS) if chance(rng, 0.16) else None,
        firewall=_firewall(scene, rng, colleague, tool, at),
    )


def _opened(rng: Random, client: Client, room: int) -> int:
    """Tokens that a conversation begins with: instructions and files, or all of an earlier one."""
    if client.preamble < _SCRIPTS_PREAMBLE:
        return 0
    resumed = chance(rng, 0.5)
    return heavy(rng, room * (0.48 if resumed else 0.22), 0.4, int(room * 0.6))


def take_seat(
    scene: Scene,
    rng: Random,
    colleague: Colleague,
    client: Client,
    offered: Offer,
    *,
    named: str | None,
    at: datetime,
) -> Seat:
    """What all calls of one session have in common; the oldest rows know less about it."""
    part = scene.part(at)
    bare = part < _BARE_UNTIL and chance(rng, 0.3)
    kind, hint = _credential(scene, rng, colleague, offered, at)
    return Seat(
        person=colleague.person,
        client=None if bare else client.name,
        offer=offered,
        session_id=named,
        agent=client.agent.format(n=20 + int(40 * part)),
        api_key_id=None if bare else colleague.api_keys[part > _MIGRATED],
        credential_kind=kind,
        credential_hint=hint,
        legacy=part < _LEGACY_UNTIL,
        bare=bare,
    )


def converse(scene: Scene, talk: Talk, prompts: int | None = None) -> datetime | None:
    """Prompt after prompt, with pauses to read and think; as many as it takes unless told.

    Returns when the conversation ended, or None if it broke off.
    """
    rng, at = talk.rng, talk.at
    if talk.client.name in {"Claude Code", "OpenCode"} and chance(rng, 0.22):
        _entitle(scene, talk)
    scripted = talk.client.name == "Unknown"
    for number in range(prompts or _PROMPTS.draw(rng)):
        ask = texts.follow_up if number else texts.ask
        text = texts.scripted(rng, talk.project) if scripted else ask(rng, talk.project)
        end = thread(scene, talk, at, depth(rng, talk.client), text)
        if end is None:
            return None
        at = end + pause(rng)
    return at


def depth(rng: Random, client: Client) -> int:
    """How many calls a prompt takes: mostly a few, at times dozens, never over 80."""
    least, most = _DEPTHS.draw(rng)
    return max(1, min(80, round(rng.randint(least, most) * client.depth)))


def pause(rng: Random) -> timedelta:
    """Between two prompts: minutes to read the answer, at times a meeting or a meal."""
    return seconds(rng, 12, 540) if chance(rng, 0.8) else seconds(rng, 900, 5_400)


def _choose(scene: Scene, rng: Random, colleague: Colleague, client: Client, at: datetime) -> Offer:
    team, part = colleague.person.team, scene.part(at)
    name = pick(rng, client.models)
    if team == "data" and client.name == "Codex" and chance(rng, 0.7):
        name = "sol"
    if team == "mobile" and name == "sonnet" and part < _TRIAL_UNTIL:
        name = "trial"
    migrated = part >= colleague.habit.migrates
    return offer(name, migrated=migrated, european=team == "payments")


def _credential(
    scene: Scene, rng: Random, colleague: Colleague, offered: Offer, at: datetime
) -> tuple[str, str]:
    """Copilot is always the person's own login; otherwise the company's pool, for most."""
    if offered.wire == "copilot":
        return "byok", "gho_" + colleague.own_hint[4:]
    drifting = scene.strikes("credential_drift", colleague.person.id, at)
    if drifting or (colleague.habit.own_key and chance(rng, 0.5)):
        return "byok", colleague.own_hint
    return "centralized", rng.choice(POOL[offered.provider_name])


def _firewall(
    scene: Scene, rng: Random, colleague: Colleague, client: Client, at: datetime
) -> tuple[str, int] | None:
    watched = client.name == "Coder Agents" or colleague.person.team == "security"
    if watched and scene.part(at) > _FIREWALL_SINCE:
        return uuid(rng), rng.randint(0, 3)
    return None


def _entitle(scene: Scene, talk: Talk) -> None:
    """A client's small side call for a title: a thread of its own, without any tool."""
    rng = talk.rng
    european = talk.seat.offer.provider_name == "bedrock-eu"
    cheap = offer("haiku", migrated=True, european=european)
    if talk.seat.offer.wire != "anthropic":
        return
    aside = Talk(
        rng=rng,
        seat=replace(talk.seat, offer=cheap),
        client=talk.client,
        project=talk.project,
        at=talk.at,
        context=rng.randint(180, 900),
        cached=0,
    )
    text = texts.title(rng, talk.project)
    thread(scene, aside, talk.at + seconds(rng, 0.2, 2), 1, text)


def _openings(
    seed: int, window: Window, colleague: Colleague, volume: float, first: datetime
) -> Iterator[tuple[datetime, Random]]:
    """The moments from ``first`` at which this person opens a session, each with its own chance.

    A day's stream is named by its date, so a window that begins or ends a day later tells
    nearly the same story about the days both have.
    """
    holiday = window.holiday
    for day in window.dates():
        rng = cast(seed, colleague.person.username, day)
        mean = volume * _eagerness(colleague.habit, window, day, holiday)
        for number in range(poisson(rng, mean) if mean else 0):
            at = _opening(rng, colleague.habit, day)
            if window.contains(at) and at >= first:
                yield at, cast(seed, colleague.person.username, day, number)


def _eagerness(habit: Habit, window: Window, day: date, holiday: date | None) -> float:
    part = window.part(midnight(day))
    if not habit.stay[0] <= part < habit.stay[1] or habit.away[0] <= part < habit.away[1]:
        return 0.0
    quiet = habit.weekends if day.weekday() >= SATURDAY else 1.0
    quiet = min(quiet, habit.weekends) if day == holiday else quiet
    slack = 0.85 if day.weekday() == _FRIDAY else 1.0
    first, last = habit.growth
    return habit.sessions * quiet * slack * (first + (last - first) * min(1.0, max(0.0, part)))


def _opening(rng: Random, habit: Habit, day: date) -> datetime:
    """A minute of an office day: a hump before lunch, a broader one after, evenings for some."""
    if habit.late and chance(rng, 0.3):
        hour = rng.gauss(21.5, 1.3)
    elif chance(rng, 0.45):
        hour = rng.gauss(10.3, 1.0)
    else:
        hour = rng.gauss(15.2, 1.5)
    if int(hour) == _NOON and chance(rng, 0.6):
        hour += 1.3
    local = midnight(day) + timedelta(hours=round(hour, 6)) + timedelta(seconds=rng.random())
    return local - timedelta(minutes=habit.offset)
