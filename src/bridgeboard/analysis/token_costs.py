"""What the tokens of each kind cost that a model used: the cells of a bridge between two periods.

The store has the cost of a response, not that of each kind of its tokens. It is charged again at
the rates of the price book, and where that comes to another cost (a price of its time is gone from
the book), the cost of the store is shared out in the same proportions. So the cells of a model
always add up to its spend.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

from bridgeboard import pricing
from bridgeboard.analysis.bridge import Cell
from bridgeboard.analysis.questions import Questions
from bridgeboard.analysis.runner import Runner
from bridgeboard.model.accuracy import UNPRICED
from bridgeboard.model.scope import Scope
from bridgeboard.pricing import Book
from bridgeboard.queries.metric_query import select
from bridgeboard.queries.spend_cells import CLASSES, spend_cells

_PRICED_BY: Final = {"web_searches": "output", "cache_write_1h": "cache_write"}
"""Classes that are billed with a kind of tokens: searches with the output of their response."""
_TOKENS: Final = tuple(name for name in CLASSES if name != "web_searches")
_ALL_KINDS: Final = "all"
_OF_PRICE: Final = ("provider", "provider_name", "model", "credential_kind", "service_tier", "tier")

Skus = dict[str, Cell]
"""Cells by "model|kind"."""


def price_book(runner: Runner, prices: Path | None) -> Book:
    """The book that the costs of a store are charged again with.

    A file of the operator's that cannot be used is left out: the pages Trust and Settings say so.
    """
    try:
        book = pricing.own_book(prices)
    except pricing.PriceFileError:
        book = Book()
    return runner.read(lambda reader: pricing.informed(reader, book))


def skus(questions: Questions, scope: Scope, book: Book, by: str) -> dict[str, Skus]:
    """The cells of each part: what its models' tokens of each kind cost."""
    priced = _priced(questions, scope, book, by)
    split = tuple(dict.fromkeys((*((by,) if by else ()), "model")))
    sums = questions.ask(select(("spend", "total_tokens", UNPRICED), split, scope))
    parts: dict[str, Skus] = {}
    for row in sums.records():
        part, model = str(row.get(by, "")), str(row["model"])
        if row["spend"] is None:
            continue
        kinds = priced.get((part, model))
        if not kinds:  # nothing is known of single responses
            tokens = (row["total_tokens"] or 0) - (row[UNPRICED] or 0)
            kinds = {_ALL_KINDS: Cell(tokens=tokens, cost=0)}
        costs = [cell["cost"] for cell in kinds.values()]
        shares = costs if any(costs) else [cell["tokens"] for cell in kinds.values()]
        exact = shared(int(row["spend"]), shares)
        cells = parts.setdefault(part, {})
        for (kind, cell), cost in zip(kinds.items(), exact, strict=True):
            cells[f"{model}|{kind}"] = Cell(tokens=cell["tokens"], cost=cost)
    return parts


def _priced(
    questions: Questions, scope: Scope, book: Book, by: str
) -> dict[tuple[str, str], dict[str, Cell]]:
    """What the responses of each part and model used and cost, by kind."""
    edges = tuple(edge for edge in book.edges() if scope.since < edge < scope.until)
    if by:
        edges = _changing(questions, scope, book, edges)
    rates = _rates_since(book, (scope.since, *edges))
    every: dict[tuple[str, str], dict[str, Cell]] = {}
    for row in questions.ask(spend_cells(scope, edges, by)).records():
        counts = [int(row[name]) for name in CLASSES]
        cost, weights = int(row["cost"]), counts
        if cost:
            charged = rates(*(row[name] for name in _OF_PRICE), row["epoch"])
            weights = [count * rate for count, rate in zip(counts, charged, strict=True)]
        costs = shared(cost, weights if any(weights) else counts)
        kinds = every.setdefault((str(row.get(by, "")), str(row["model"])), {})
        for name, count, cost in zip(CLASSES, counts, costs, strict=True):
            kind = _PRICED_BY.get(name, name)
            cell = kinds.setdefault(kind, Cell(tokens=0, cost=0))
            cell["tokens"] += count if name in _TOKENS else 0
            cell["cost"] += cost
    return every


def _changing(
    questions: Questions, scope: Scope, book: Book, edges: Sequence[datetime]
) -> tuple[datetime, ...]:
    """The moments at which the price of anything in a scope changes: few of all that there are."""
    starts = (scope.since, *edges)
    rates = _rates_since(book, starts)
    rows = questions.ask(spend_cells(scope, edges)).records()
    used = {tuple(row[name] for name in _OF_PRICE) for row in rows if row["cost"]}
    return tuple(
        edge
        for place, edge in enumerate(edges)
        if any(rates(*usage, place) != rates(*usage, place + 1) for usage in used)
    )


def _rates_since(book: Book, starts: Sequence[datetime]) -> Callable[..., Sequence[int]]:
    """What a token of each class costs, by ``_OF_PRICE`` and the place of the moment since when."""

    def rates(*usage: Any) -> Sequence[int]:
        provider, provider_name, model, credential_kind, service_tier, tier, epoch = usage
        return pricing.class_rates(
            book,
            (provider, provider_name or "", model),
            starts[epoch],
            byok=credential_kind == "byok",
            service_tier=service_tier or "",
            tier=tier,
        ) or (1,) * len(CLASSES)  # the book has no price any more: all the same

    return lru_cache(maxsize=None)(rates)


def shared(amount: int, weights: Sequence[int]) -> list[int]:
    """A whole amount shared out in proportion to weights, the rest by largest remainder."""
    whole = sum(weights)
    if whole == amount:
        return list(weights)
    if not whole:
        return [amount, *[0] * (len(weights) - 1)]
    floors = [amount * weight // whole for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda at: -(amount * weights[at] % whole))
    for at in by_remainder[: amount - sum(floors)]:
        floors[at] += 1
    return floors
