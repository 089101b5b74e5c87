"""How much of a change of spend comes from people, sessions, requests, tokens, mixes and prices.

The cost of a model's tokens of one kind is a product: people, sessions per person, requests per
session, tokens per request, the model's share of all tokens, the kind's share of the model's, cost
per token. The additive index decomposition by logarithmic means (LMDI-I) splits its change into one
effect for each factor, without a remainder, and with the periods exchanged every sign turns.
"""

from collections.abc import Collection, Iterator, Mapping
from decimal import Decimal, localcontext
from itertools import pairwise
from math import floor
from typing import Final, Literal, TypedDict

Count = Literal["people", "sessions", "requests"]
COUNTS: Final[tuple[Count, ...]] = ("people", "sessions", "requests")
"""The counts of a period in order, each a multiple of the one before."""
MODEL_EFFECTS: Final = (
    "model_mix",
    "token_kind_mix",
    "unit_price",
    "new_models",
    "retired_models",
)
"""Effects of what is used rather than how much of it, in the order in which they are shown."""
_ONE: Final[Mapping[str, str]] = {"people": "person", "sessions": "session", "requests": "request"}
_MORE_DIGITS: Final = 24
"""Digits of the logarithms beyond those of the largest number: each takes time by their square."""


class Cell(TypedDict):
    """Tokens of one kind of a model, and what they cost in pico-USD."""

    tokens: int
    cost: int


class Usage(TypedDict):
    """What a period used; ``skus`` are its cells by "model|kind"."""

    people: int
    sessions: int
    requests: int
    skus: Mapping[str, Cell]


def effects(merged: Collection[str] = ()) -> tuple[str, ...]:
    """The names of all effects, in the order in which they are shown.

    ``merged`` are counts that cannot be used: the factors on both sides of each are one, as without
    sessions there are requests per person.
    """
    chain = [*(name for name in COUNTS if name not in merged), "tokens"]
    ratios = (f"{many}_per_{_ONE[one]}" for one, many in pairwise(chain))
    return (chain[0], *ratios, *MODEL_EFFECTS)


def decompose(previous: Usage, current: Usage, *, merged: Collection[str] = ()) -> dict[str, int]:
    """What each effect adds to the cost, in pico-USD; together exactly the change of the cost.

    A model that only one side uses is new or retired with all its cost. Within one that stays, a
    kind of tokens that is new or gone is of the mix of kinds, and tokens that cost nothing on one
    side are of the price. The other effects are of what both sides have and pay.

    Raises:
        ValueError: when a count that is not ``merged`` is zero on one side beside what both have.
    """
    names = effects(merged)
    sums = dict.fromkeys(names, Decimal(0))
    largest = max(_cost(previous), _cost(current), _all_tokens(previous), _all_tokens(current))
    with localcontext(prec=len(str(largest)) + _MORE_DIGITS):
        for name, amount in _amounts(previous, current, names):
            sums[name] += amount
        change = _cost(current) - _cost(previous)
        floors = {name: floor(amount) for name, amount in sums.items()}
        left = change - sum(floors.values())
        by_remainder = sorted(names, key=lambda name: floors[name] - sums[name])
    for name in by_remainder[:left]:
        floors[name] += 1
    return floors


def _amounts(
    previous: Usage, current: Usage, names: tuple[str, ...]
) -> Iterator[tuple[str, Decimal]]:
    """Each effect on each cell."""
    before, after = _by_model(previous), _by_model(current)
    tokens = [_tokens(cells.values()) for cells in (before, after)]
    logs: list[tuple[str, Decimal]] = []
    for model in dict.fromkeys((*before, *after)):
        was, now = before.get(model, {}), after.get(model, {})
        if not (was and now):
            name = "new_models" if now else "retired_models"
            yield name, Decimal(_cost_of(now) - _cost_of(was))
            continue
        paid = [kind for kind in was if kind in now and _is_paid(was[kind], now[kind])]
        for kind in dict.fromkeys((*was, *now)):
            if kind not in paid:
                first, last = was.get(kind, _NONE), now.get(kind, _NONE)
                is_price = bool(first["tokens"]) == bool(last["tokens"])
                name = "unit_price" if is_price else "token_kind_mix"
                yield name, Decimal(last["cost"] - first["cost"])
        if not paid:
            continue
        logs = logs or _growth(previous, current, tokens, names)
        yield from _of_model(was, now, paid, tokens, logs)


def _of_model(
    was: Mapping[str, Cell],
    now: Mapping[str, Cell],
    paid: list[str],
    tokens: list[int],
    logs: list[tuple[str, Decimal]],
) -> Iterator[tuple[str, Decimal]]:
    """The effects on the cells of one model that both sides pay."""
    of_model = _log(_tokens([now]), _tokens([was]))
    share = of_model - _log(tokens[1], tokens[0])
    for kind in paid:
        first, last = was[kind], now[kind]
        costs = _log(last["cost"], first["cost"])
        grown = Decimal(last["cost"] - first["cost"])
        mean = grown / costs if costs else Decimal(first["cost"])
        of_cell = _log(last["tokens"], first["tokens"])
        yield from ((name, mean * log) for name, log in logs)
        yield "model_mix", mean * share
        yield "token_kind_mix", mean * (of_cell - of_model)
        yield "unit_price", grown - mean * of_cell


def _growth(
    previous: Usage, current: Usage, tokens: list[int], names: tuple[str, ...]
) -> list[tuple[str, Decimal]]:
    """The logarithms of how the counts grew, each by the one before."""
    counted = names[: -len(MODEL_EFFECTS)]
    used = [name for name in COUNTS if any(each.startswith(name) for each in counted)]
    growth: list[Decimal] = []
    for name in used:
        was, now = previous[name], current[name]
        if was <= 0 or now <= 0:
            raise ValueError(f"without {name} on both sides they are to be merged")
        growth.append(_log(now, was))
    growth.append(_log(tokens[1], tokens[0]))
    steps = [growth[0], *(many - one for one, many in pairwise(growth))]
    return list(zip(counted, steps, strict=True))


_NONE: Final = Cell(tokens=0, cost=0)


def _is_paid(was: Cell, now: Cell) -> bool:
    return min(was["tokens"], was["cost"], now["tokens"], now["cost"]) > 0


def _log(now: int, was: int) -> Decimal:
    """The logarithm of how many times as much it is; exactly 0 for the same."""
    return (Decimal(now) / Decimal(was)).ln() if now != was else Decimal(0)


def _by_model(usage: Usage) -> dict[str, dict[str, Cell]]:
    """The cells of each model by kind, without those of which nothing was used."""
    models: dict[str, dict[str, Cell]] = {}
    for name, cell in usage["skus"].items():
        if cell["tokens"] or cell["cost"]:
            model, _, kind = name.rpartition("|")
            models.setdefault(model, {})[kind] = cell
    return models


def _tokens(models: Collection[Mapping[str, Cell]]) -> int:
    return sum(cell["tokens"] for cells in models for cell in cells.values())


def _cost_of(cells: Mapping[str, Cell]) -> int:
    return sum(cell["cost"] for cell in cells.values())


def _all_tokens(usage: Usage) -> int:
    return sum(cell["tokens"] for cell in usage["skus"].values())


def _cost(usage: Usage) -> int:
    return _cost_of(usage["skus"])
