"""The corners of the contract: sessions made by hand, so that every world has each at least once.

Each maker takes the stage and writes what it promises; a moment outside the window writes
nothing, so small worlds merely have fewer of them.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random

from bridgeboard.demo.company import hostile, texts
from bridgeboard.demo.company.company_data import CLIENTS, OFFERS, PROJECTS, Offer, session_id
from bridgeboard.demo.company.conversations import Talk, thread
from bridgeboard.demo.company.people import Colleague
from bridgeboard.demo.company.raw_tables import Call, Seat, Spent, Use
from bridgeboard.demo.company.scene import DAY, Scene, midnight
from bridgeboard.demo.company.seeded_random import cast, seconds, uuid
from bridgeboard.demo.company.texts import SERVERS
from bridgeboard.demo.company.workdays import converse, pause, sit_down, take_seat
from bridgeboard.demo.records import FirewallLog

_LONG = (51, 64, 120, 300)
_FULL = 0.25
_A_DAY = 18
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Stage:
    """Where a maker plays: the world around, its seed, and who may act."""

    scene: Scene
    seed: int
    actors: Sequence[Colleague]
    scale: float

    def dice(self, name: str) -> Random:
        """The stream of chance of one maker."""
        return cast(self.seed, "oddity", name)

    def at(self, part: float) -> datetime:
        """A moment of the window's part, away from the hours at which the bridge is down."""
        return self.after(self.scene.window.moment(part))

    def after(self, at: datetime) -> datetime:
        """That moment, or the next at which the bridge is up."""
        while self.scene.window.contains(at) and not self.scene.open(at):
            at += 10 * _MINUTE
        return at

    def present(self, at: datetime) -> list[Colleague]:
        """Everybody with a team who works here at that time."""
        part = self.scene.part(at)
        return [one for one in self.actors if one.habit.stay[0] <= part <= one.habit.stay[1]]

    def actor(self, rng: Random, at: datetime) -> Colleague:
        """One of those who work here at that time, which must be in the window."""
        return rng.choice(self.present(at))

    def write(self, rng: Random, seat: Seat, call: Call) -> None:
        """Record a call made by hand, if it begins while the bridge is there."""
        if self.scene.open(call.started_at):
            self.scene.books.record(rng, seat, replace(call, spent=_fitting(seat, call.spent)))


def plant(scene: Scene, seed: int, colleagues: Sequence[Colleague], scale: float) -> None:
    """Write all of the oddities; the longest ones only from a quarter of full scale on."""
    actors = [one for one in colleagues if one.person.team and one.habit.level != "leaver"]
    stage = Stage(scene, seed, actors, scale)
    for maker in _MAKERS:
        maker(stage, stage.dice(maker.__name__))


def _fitting(seat: Seat, spent: tuple[Spent, ...]) -> tuple[Spent, ...]:
    """Only Messages tells cache writes apart; elsewhere they are input (api-contract 4.8)."""
    if seat.offer.route == "messages":
        return spent
    return tuple(replace(one, input=one.input + one.cache_write, cache_write=0) for one in spent)


def _each_client(stage: Stage, rng: Random) -> None:
    """Each model of each client is used, though it may be nobody's favourite."""
    pairs = [(client.name, model) for client in CLIENTS.values() for model, _ in client.models]
    for number, (name, model) in enumerate(pairs):
        at = stage.at(0.55 + 0.4 * number / len(pairs))
        if stage.scene.open(at):
            named = model if model in OFFERS else ""
            talk = sit_down(stage.scene, rng, stage.actor(rng, at), at, client=name, model=named)
            converse(stage.scene, talk, prompts=1)


def _shared(stage: Stage, rng: Random) -> None:
    """A colleague goes on in a session somebody handed over: one id, two people."""
    for part in (0.22, 0.52, 0.83):
        at = stage.at(part)
        first, second = rng.sample(stage.present(at), 2)
        talk = sit_down(stage.scene, rng, first, at, client="Claude Code", model="opus")
        converse(stage.scene, talk, prompts=2)
        talk.at = at + timedelta(hours=2)
        handed = (talk.client, talk.seat.offer)
        named = talk.seat.session_id
        talk.seat = take_seat(stage.scene, rng, second, *handed, named=named, at=talk.at)
        converse(stage.scene, talk, prompts=2)


def _long(stage: Stage, rng: Random) -> None:
    """Conversations that are kept open for days; beyond 50 threads the server loses count."""
    for number, length in enumerate(_LONG if stage.scale >= _FULL else _LONG[:1]):
        at = stage.at(0.12 + 0.17 * number)
        if stage.scene.window.end - at < timedelta(days=length / 10):
            continue
        name = "Claude Code" if number % 2 else "Coder Agents"
        model = "haiku" if number % 2 else "sonnet-5"
        person = stage.actor(rng, at)
        talk = sit_down(stage.scene, rng, person, at, client=name, model=model)
        _marathon(stage, rng, talk, length)


def _marathon(stage: Stage, rng: Random, talk: Talk, length: int) -> None:
    """``length`` prompts, most answered at once, a dozen or two a day."""
    at = talk.at
    talk.room = 60_000
    for number in range(length):
        text = texts.follow_up(rng, talk.project)
        end = thread(stage.scene, talk, at, rng.choice((1, 1, 1, 2, 3)), text)
        night = timedelta(hours=16) if number % _A_DAY == _A_DAY - 1 else timedelta()
        at = stage.after((end or at + _MINUTE) + pause(rng) / 4 + night)


def _elsewhere(stage: Stage, rng: Random) -> None:
    """A loop resumed under a new session id: children whose root is in another session."""
    for part in (0.35, 0.7):
        at = stage.at(part)
        person = stage.actor(rng, at)
        talk = sit_down(stage.scene, rng, person, at, client="Claude Code", model="sonnet-5")
        root = uuid(rng)
        use = Use("Bash", '{"command": "make verify"}')
        request = _call(rng, root, None, at, prompt=texts.ask(rng, talk.project), uses=(use,))
        stage.write(rng, talk.seat, request)
        resumed = replace(talk.seat, session_id=uuid(rng))
        for step in range(1, 4):
            child = _call(rng, uuid(rng), root, at + step * _MINUTE, uses=(use,))
            stage.write(rng, resumed, child)


def _headless(stage: Stage, rng: Random) -> None:
    """The bridge crashed under the root, so it never ended; its children did."""
    for part in (0.15, 0.48, 0.77):
        at = stage.at(part)
        talk = sit_down(stage.scene, rng, stage.actor(rng, at), at, client="Zed", model="opus")
        root = replace(
            _call(rng, uuid(rng), None, at, prompt=texts.ask(rng, talk.project)), ended_at=None
        )
        stage.write(rng, talk.seat, root)
        for step in range(1, 3):
            stage.write(rng, talk.seat, _call(rng, uuid(rng), root.id, at + step * _MINUTE))


def _over_midnight(stage: Stage, rng: Random) -> None:
    """Sessions that begin on the last evening of a month and end in the next."""
    for day in stage.scene.window.dates():
        if (day + DAY).day != 1:
            continue
        at = stage.after(midnight(day) + timedelta(hours=23, minutes=25))
        if not stage.scene.open(at):
            continue
        talk = sit_down(stage.scene, rng, stage.actor(rng, at), at, client="Claude Code")
        for minutes in range(0, 60, 12):
            text = texts.follow_up(rng, talk.project)
            moment = at + minutes * _MINUTE
            thread(stage.scene, talk, moment, 2, text)


def _unnamed(stage: Stage, rng: Random) -> None:
    """Requests whose model could not be told, or was empty."""
    for number, model in enumerate(("coder-aibridge-unknown", "") * 3):
        at = stage.at(0.1 + 0.13 * number)
        offered = replace(OFFERS["gpt-4.1"], model=model)
        spent = Spent(rng.randint(40, 900), rng.randint(5, 60))
        _one(stage, rng, at, "Unknown", offered, spent=spent)


def _negative(stage: Stage, rng: Random) -> None:
    """A gateway that reports more cached than prompt tokens (api-contract 4.8)."""
    for part in (0.3, 0.55, 0.8):
        spent = Spent(-rng.randint(3, 60), rng.randint(20, 200), rng.randint(4, 30) * 128)
        _one(stage, rng, stage.at(part), "Kilo Code", OFFERS["router-deepseek"], spent=spent)


def _long_context(stage: Stage, rng: Random) -> None:
    """Prompts around the thresholds above which some models cost more."""
    edges = {"gemini-pro": 200_000, "sonnet-4-5": 200_000, "gpt-5.4": 272_000, "sol": 272_000}
    for number, (model, edge) in enumerate(edges.items()):
        for step, beyond in enumerate((0, 1, 23_456)):
            at = stage.at(0.2 + 0.05 * number + 0.01 * step)
            read = 150_016
            spent = Spent(edge + beyond - read, rng.randint(300, 2_000), read)
            _one(stage, rng, at, "OpenCode", OFFERS[model], spent=spent)


def _searches(stage: Stage, rng: Random) -> None:
    """Server-side web searches, counted only on answers that were not streamed."""
    for part in (0.25, 0.6, 0.9):
        spent = Spent(9, 700, 14_000, 2_200, searches=rng.randint(1, 4))
        at, model = stage.at(part), OFFERS["sonnet-4-6"]
        _one(stage, rng, at, "Claude Code", model, spent=spent, streamed=False)


def _deep(stage: Stage, rng: Random) -> None:
    """One loop as deep as they get, with tools the bridge injects."""
    at = stage.at(0.66)
    talk = sit_down(stage.scene, rng, stage.actor(rng, at), at, client="Codex", model="gpt-5")
    talk.server, talk.firewall = SERVERS[0], None
    thread(stage.scene, talk, at, 80, texts.ask(rng, talk.project))


def _one_firewall(stage: Stage, rng: Random) -> None:
    """Two sessions in one sandbox: the log between their marks is shared out among them."""
    at, sandbox = stage.at(0.81), uuid(rng)
    person = stage.actor(rng, at)
    for number in range(2):
        talk = sit_down(stage.scene, rng, person, at, client="Coder Agents", model="opus-4-5")
        talk.firewall = (sandbox, 5 * number)
        text = texts.ask(rng, talk.project)
        call = _call(rng, uuid(rng), None, at + number * _MINUTE, prompt=text)
        stage.write(rng, talk.seat, replace(call, firewall=(sandbox, 5 * number)))
    for number in range(9):
        allowed = number not in {2, 7}
        stage.scene.books.firewall_logs.append(FirewallLog(sandbox, number, allowed))


def _quiet_firewall(stage: Stage, rng: Random) -> None:
    """A watched session that never reached out: zero network calls, not none."""
    at = stage.at(0.86)
    talk = sit_down(stage.scene, rng, stage.actor(rng, at), at, client="Coder Agents")
    call = _call(rng, uuid(rng), None, at, prompt=texts.ask(rng, talk.project))
    stage.write(rng, talk.seat, replace(call, firewall=(uuid(rng), 0)))


def _hostile(stage: Stage, rng: Random) -> None:
    """Sessions that carry whatever harms a careless reader."""
    for number, text in enumerate((*hostile.PROMPTS, hostile.LONG_LINE)):
        at = stage.at(0.4 + 0.03 * number)
        talk = sit_down(stage.scene, rng, stage.actor(rng, at), at, client="Mux", model="haiku")
        uses = (hostile.USES[number % len(hostile.USES)],)
        call = _call(rng, uuid(rng), None, at, prompt=text, uses=uses)
        stage.write(rng, talk.seat, replace(call, thoughts=(text[:500],)))
    _hostile_names(stage, rng, stage.at(0.93))


def _hostile_names(stage: Stage, rng: Random, at: datetime) -> None:
    offered = replace(OFFERS["gpt-4.1"], model=hostile.MODEL)
    talk = sit_down(stage.scene, rng, stage.actor(rng, at), at, client="Mux")
    seat = replace(talk.seat, client=hostile.CLIENT, offer=offered, session_id=hostile.SESSION_ID)
    big = Use("Write", hostile.big_input())
    stage.write(rng, seat, _call(rng, uuid(rng), None, at, prompt="Import the dump", uses=(big,)))


def _running(stage: Stage, rng: Random) -> None:
    """Work that is going on when the window ends: some calls will end after it, some never."""
    for number in range(3):
        at = stage.scene.window.end - (9 - 2 * number) * _MINUTE
        talk = sit_down(stage.scene, rng, stage.actor(rng, at), at, client="Claude Code")
        use = Use("Bash", '{"command": "git status --short"}')
        first = _call(rng, uuid(rng), None, at, prompt=texts.ask(rng, talk.project), uses=(use,))
        stage.write(rng, talk.seat, first)
        last = _call(rng, uuid(rng), first.id, stage.scene.window.end - seconds(rng, 1, 9))
        unfinished = replace(last, ended_at=None, spent=())
        stage.write(rng, talk.seat, unfinished if number else _late(stage, last))


def _late(stage: Stage, call: Call) -> Call:
    return replace(call, ended_at=stage.scene.window.end + 40 * timedelta(seconds=1))


def _one(
    stage: Stage,
    rng: Random,
    at: datetime,
    client: str,
    offered: Offer,
    *,
    spent: Spent,
    streamed: bool = True,
) -> None:
    person, tool = stage.actor(rng, at), CLIENTS[client]
    named = session_id(rng, tool)
    seat = take_seat(stage.scene, rng, person, tool, offered, named=named, at=at)
    text = texts.ask(rng, rng.choice(PROJECTS[person.person.team]))
    call = _call(rng, uuid(rng), None, at, prompt=text)
    stage.write(rng, seat, replace(call, spent=(spent,), streamed=streamed))


def _call(
    rng: Random,
    call_id: str,
    root: str | None,
    at: datetime,
    *,
    prompt: str | None = None,
    uses: tuple[Use, ...] = (),
) -> Call:
    spent = Spent(rng.randint(3, 12), rng.randint(60, 600), 12_032, rng.randint(300, 3_000))
    return Call(call_id, root, at, at + seconds(rng, 2, 20), (spent,), prompt, uses)


_MAKERS: tuple[Callable[[Stage, Random], None], ...] = (
    _each_client,
    _shared,
    _long,
    _elsewhere,
    _headless,
    _over_midnight,
    _unnamed,
    _negative,
    _long_context,
    _searches,
    _deep,
    _one_firewall,
    _quiet_firewall,
    _hostile,
    _running,
)
