"""Pauses of a session that outlived its cache, and what it cost to write the prompt again.

A provider keeps a prompt for five minutes or an hour after its last use, as the request that wrote
it chose (docs/costs.md 6.2). Only what is certain is shown: nothing where the next request shows
that the cache was still there, or where it is not recorded for how long it was.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final
from uuid import UUID

from bridgeboard import pricing
from bridgeboard.analysis.runner import Runner
from bridgeboard.model.accuracy import Standing
from bridgeboard.model.store import Reader
from bridgeboard.pricing import CLASSES, Book, PriceFileError, informed, own_book
from bridgeboard.queries import session_pauses
from bridgeboard.queries.session_pauses import Response
from bridgeboard.queries.typed_rows import typed

SHORT_LIFE: Final = timedelta(minutes=5)
LONG_LIFE: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Rewritten:
    """A response that wrote again what the session's cache had held before a pause.

    Attributes:
        response: the first of the request after the pause.
        seconds: how long no request of the session ran.
        tokens: how many tokens were written again.
    """

    response: Response
    seconds: float
    tokens: int


@dataclass(frozen=True, slots=True)
class Pause:
    """A pause that a session's cache did not survive.

    Attributes:
        usage, place: our key of the request after it, and its place in the session from 1 on.
        thread, place_in_thread: its thread, None for none, and its place there.
        seconds: how long no request of the session ran.
        tokens: written again that would have been read from the cache.
        cost: how much more that cost than reading them, in pico-USD; None is not known.
        standing: how the cost stands.
        is_spend: whether the company pays for it by use; else the cost is a value only.
    """

    usage: int
    place: int
    thread: UUID | None
    place_in_thread: int
    seconds: float
    tokens: int
    cost: int | None
    standing: Standing
    is_spend: bool


def pauses(runner: Runner, session: int, prices: Path | None) -> tuple[Pause, ...]:
    """The pauses of a session, in order, by the prices of the operator's file and the list.

    Raises:
        PriceFileError: when the operator's file cannot be used.
    """
    return runner.cached(("pauses", session, prices), lambda: _pauses(runner, session, prices))


def _pauses(runner: Runner, session: int, prices: Path | None) -> tuple[Pause, ...]:
    question = session_pauses.responses(session)
    rows = typed(Response, runner.read(lambda reader: reader.rows(*question)))
    after = tuple(rewritten(rows))
    if not after:
        return ()
    book = runner.read(lambda reader: _book(reader, prices))
    return tuple(_pause(each, book) for each in after)


def _book(reader: Reader, prices: Path | None) -> Book | None:
    try:
        return informed(reader, own_book(prices))
    except PriceFileError:  # the pages Trust and Settings say so
        return None


Model = tuple[str, str | None, str | None]
"""Provider, its instance and the model: others have a cache of their own."""


def rewritten(responses: Sequence[Response]) -> Iterator[Rewritten]:
    """What was written again after each pause that the cache did not survive.

    Nothing of a session of which some requests are only known as sums: another request may have
    kept the cache alive. ``responses`` are all of the session in order.
    """
    if not all(each.is_request and each.ended_at for each in responses):
        return
    first: dict[Model, Response] = {}
    last: dict[Model, Response] = {}
    lives: dict[Model, timedelta] = {}
    idle_since = request = None
    for each in responses:
        model = (each.provider, each.provider_name, each.model)
        if each.usage != request and idle_since is not None and model in lives:
            pause = each.started_at - idle_since
            tokens = _written_again(each, first[model], last[model])
            if pause > lives[model] and tokens:
                yield Rewritten(each, pause.total_seconds(), tokens)
        request = each.usage
        idle_since = max(filter(None, (idle_since, each.ended_at)))
        if _cached(each):
            first.setdefault(model, each)
            last[model] = each
        if each.cache_write:
            lives[model] = max(lives.get(model, SHORT_LIFE), _life(each))


def _life(response: Response) -> timedelta:
    """For how long what a response wrote may be cached."""
    if response.split_unknown:
        return timedelta.max
    return LONG_LIFE if response.cache_write_1h else SHORT_LIFE


def _cached(response: Response) -> int:
    """How much of a prompt the cache holds after the response."""
    return response.cache_read + response.cache_write


def _written_again(response: Response, first: Response, last: Response) -> int:
    """How many tokens a response wrote that the cache had held after the last one.

    None when it read more than the session's first prompt with this model, as then something of
    the session was still in the cache; when it did not go on from the last prompt, but is shorter;
    and when it is not recorded for how long the cache was kept.
    """
    goes_on = _cached(response) >= _cached(last)
    if not goes_on or response.cache_read > _cached(first):
        return 0
    return min(response.cache_write, max(0, _cached(last) - response.cache_read))


def _pause(after: Rewritten, book: Book | None) -> Pause:
    response = after.response
    cost, standing = extra_cost(after, book) if book else _UNKNOWN
    return Pause(
        response.usage,
        response.place,
        response.thread,
        response.place_in_thread,
        after.seconds,
        after.tokens,
        cost,
        standing,
        response.status in {"priced", "partial"},
    )


def extra_cost(after: Rewritten, book: Book) -> tuple[int | None, Standing]:
    """What the tokens cost more than reading them, at the prices that the response was charged.

    Both are in the tier of the whole prompt, which is as large either way. A lower bound where the
    response wrote to both kinds of cache and nobody knows which tokens went to which. Not known
    where the store's cost of the response is not by these prices.
    """
    response = after.response
    if response.answered_at is None:
        return _UNKNOWN
    price = book.resolve(
        response.provider,
        response.provider_name or "",
        response.model or "",
        response.answered_at,
        byok=response.credential_kind == "byok",
        service_tier=(response.service_tier or "").strip().lower(),
    )
    counts = {name: getattr(response, name) for name in pricing.COUNTS}
    charged = {response.cost, response.shadow_cost}
    if pricing.exact(counts, price) not in charged - {None}:
        return _UNKNOWN
    prompt = response.input + response.cache_read + response.cache_write
    rates = dict(zip(CLASSES, price.card(prompt).rates, strict=True))
    read, short, long = (rates[name] for name in ("cache_read", "cache_write", "cache_write_1h"))
    if read is None or short is None or long is None:
        return _UNKNOWN
    of_long = min(after.tokens, response.cache_write_1h)
    of_short = min(after.tokens, response.cache_write - response.cache_write_1h)
    every = [
        in_short * (short - read) + (after.tokens - in_short) * (long - read)
        for in_short in (of_short, after.tokens - of_long)
    ]
    is_exact = len(set(every)) == 1 and not response.split_unknown
    return min(every), "exact" if is_exact else "at_least"


_UNKNOWN: Final[tuple[None, Standing]] = (None, "unknown")
