"""Conversations: agentic loops whose context grows call by call, and what each call costs.

A loop is what api-contract 4.4 makes a thread of: a prompt's root, then a child per tool result.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random

from bridgeboard.demo.company import texts
from bridgeboard.demo.company.company_data import Client, Project, table
from bridgeboard.demo.company.raw_tables import Books, Call, Seat, Spent, Use
from bridgeboard.demo.company.scene import Scene
from bridgeboard.demo.company.seeded_random import chance, heavy, seconds, uuid
from bridgeboard.demo.company.texts import FAILING, Server
from bridgeboard.demo.records import FirewallLog

_FIVE_MINUTES = timedelta(minutes=5)
_HOUR = timedelta(hours=1)
_BLOCK = 128
_REASONERS = ("gpt-5", "o4", "gemini")
_ERRORS: tuple[tuple[str, str], ...] = table("tools")["request_failures"]


@dataclass(slots=True)
class Talk:
    """A conversation as it stands, with its own stream of chance.

    ``context`` is the tokens it has grown to, ``cached`` those of them in the provider's cache
    since ``at``; ``room`` is where the client compacts it; ``bulk`` stretches tool results.
    With ``same``, the model does nothing but that, again and again.
    """

    rng: Random
    seat: Seat
    client: Client
    project: Project
    at: datetime
    context: int
    cached: int
    hour_cache: bool = False
    room: int = 175_000
    bulk: float = 1.0
    server: Server | None = None
    firewall: tuple[str, int] | None = None
    same: Use | None = None


def thread(scene: Scene, talk: Talk, at: datetime, depth: int, prompt: str) -> datetime | None:
    """Write one prompt's loop of up to ``depth`` calls from ``at`` on.

    Returns when it was over, or None if it broke off: the bridge went away or the window ended.
    """
    rng = talk.rng
    root: str | None = None
    for step in range(depth):
        if not scene.open(at):
            return None
        text = prompt if root is None else _slipped(talk)
        call = _call(scene, talk, at, root, text, last=step == depth - 1)
        scene.books.record(rng, talk.seat, _guarded(scene.books, talk, call))
        if call.ended_at is None and not (talk.same or chance(rng, 0.4)):
            return None
        if not call.error[0]:
            root = root or call.id
        at = (call.ended_at or at + seconds(rng, 5, 40)) + _errand(talk)
    return at


def spend(scene: Scene, talk: Talk, at: datetime, output: int) -> Spent:
    """Let the conversation grow by one response, and say what the provider counts for it."""
    rng = talk.rng
    if talk.context > min(talk.room, int(talk.seat.offer.window * 0.9)):
        talk.context, talk.cached = talk.client.preamble + rng.randint(4_000, 11_000), 0
    total = talk.context + heavy(rng, 3_400 * talk.bulk, 0.8, 48_000)
    cached = talk.cached if _warm(scene, talk, at) else 0
    talk.context, talk.cached, talk.at = total + output, total, at
    if talk.seat.offer.route == "messages":
        return _messages(talk, total, cached, output)
    return _openai(talk, total, cached, output)


def _call(
    scene: Scene,
    talk: Talk,
    at: datetime,
    root: str | None,
    prompt: str | None,
    *,
    last: bool,
) -> Call:
    rng = talk.rng
    if scene.strikes("provider_outage", talk.seat.offer.provider_name, at) and chance(rng, 0.9):
        return _failed(rng, at, root, prompt, _ERRORS[rng.randint(0, 2)])
    if chance(rng, 0.008):
        return _failed(rng, at, root, prompt, rng.choice(_ERRORS))
    done = () if last else _uses(scene, talk, at)
    rounds = 1 + sum(1 for use in done if use.server_url)
    outputs = [heavy(rng, 1_500 if last else 850, 0.8, 9_000) for _ in range(rounds)]
    spent = tuple(spend(scene, talk, at, output) for output in outputs)
    thinking = talk.seat.offer.route != "chat" and chance(rng, 0.3)
    return Call(
        id=uuid(rng),
        root=root,
        started_at=at,
        ended_at=_ending(scene, rng, at, sum(outputs)),
        spent=() if chance(rng, 0.004) else spent,
        prompt=prompt,
        uses=done,
        thoughts=(texts.thought(rng, talk.project),) if thinking else (),
        streamed=chance(rng, 0.93),
    )


def _failed(
    rng: Random, at: datetime, root: str | None, prompt: str | None, error: tuple[str, str]
) -> Call:
    ended_at = at + seconds(rng, 0.3, 60 if error[0] == "timeout" else 4)
    return Call(uuid(rng), root, at, ended_at, prompt=prompt, error=error)


def _ending(scene: Scene, rng: Random, at: datetime, output: int) -> datetime | None:
    """A rare call is never seen to end; of those that outlive the window, every other one."""
    ended_at = at + seconds(rng, 0.9, 6) + timedelta(milliseconds=output * 13)
    lost = 0.5 if ended_at >= scene.window.end else 0.0012
    return None if chance(rng, lost) else ended_at


def _uses(scene: Scene, talk: Talk, at: datetime) -> tuple[Use, ...]:
    rng = talk.rng
    if talk.same:
        return (talk.same,)
    if talk.server and chance(rng, 0.3):
        failing = talk.server is FAILING and scene.strikes("failing_tool", talk.server.url, at)
        return (texts.injected(rng, talk.server, talk.project, failing=failing),)
    return texts.uses(rng, talk.client, talk.seat.offer.route, talk.project)


def _slipped(talk: Talk) -> str | None:
    """Children have no prompt, but some clients slip text in that counts as one."""
    if talk.client.name == "Claude Code" and chance(talk.rng, 0.01):
        return texts.reminder(talk.rng, talk.project)
    return None


def _errand(talk: Talk) -> timedelta:
    """How long the client's tools run between two calls: mostly moments, at times a test suite."""
    rng = talk.rng
    if talk.same:
        return seconds(rng, 25, 100)
    return seconds(rng, 0.2, 4) if chance(rng, 0.85) else seconds(rng, 4, 120)


def _warm(scene: Scene, talk: Talk, at: datetime) -> bool:
    life = _HOUR if talk.hour_cache else _FIVE_MINUTES
    return at - talk.at < life and not scene.strikes("cache_collapse", talk.client.name, at)


def _messages(talk: Talk, total: int, cached: int, output: int) -> Spent:
    rng = talk.rng
    fresh = rng.randint(2, 12)
    written = total - cached - fresh
    hour = written if talk.hour_cache else 0
    if hour and chance(rng, 0.15):
        hour = written // 3
    searches = rng.randint(1, 3) if chance(rng, 0.03) else 0
    return Spent(fresh, output, cached, written, hour, searches=searches)


def _openai(talk: Talk, total: int, cached: int, output: int) -> Spent:
    rng = talk.rng
    hit = talk.seat.offer.caching and chance(rng, 0.94)
    read = cached // _BLOCK * _BLOCK if hit else 0
    thinks = any(word in talk.seat.offer.model for word in _REASONERS)
    reasoning = int(output * rng.uniform(0.2, 0.7)) if thinks else 0
    return Spent(total - read, output, read, reasoning=reasoning)


def _guarded(books: Books, talk: Talk, call: Call) -> Call:
    """Number the firewall's entries: the call's own, then those its tools caused."""
    if talk.firewall is None:
        return call
    rng, (firewall, own) = talk.rng, talk.firewall
    after = rng.randint(0, 4) if call.uses else 0
    for number in range(own, own + 1 + after):
        allowed = number == own or not chance(rng, 0.07)
        books.firewall_logs.append(FirewallLog(firewall, number, allowed))
    talk.firewall = (firewall, own + 1 + after)
    return replace(call, firewall=(firewall, own))
