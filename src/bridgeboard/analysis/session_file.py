"""A session as one file: JSON for programs, Markdown for people; text only on request.

What was recorded is hostile. JSON escapes all that is not ASCII; in Markdown it stands in code
only, which no character ends, with acting characters made visible.
"""

import json
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from bridgeboard import formats
from bridgeboard.analysis import session_data
from bridgeboard.model.accuracy import EXACT, Accuracy, accuracy
from bridgeboard.model.metric import TOKENS
from bridgeboard.model.store import Reader, StoreError
from bridgeboard.queries import recorded_text, session_calls, session_detail
from bridgeboard.queries.recorded_text import Item, Text
from bridgeboard.queries.session_calls import Call
from bridgeboard.queries.session_detail import NUMBERS, Head, Thread
from bridgeboard.queries.typed_rows import typed

ABOUT: Final = (
    "Tokens are four disjoint counts. Costs are estimates at list prices, in US dollars with all"
    " decimals; null is not known. In JSON they are strings, as are whole numbers above 2^53, of"
    " which many readers lose digits. Markdown marks lower bounds with ≥, and what is about right"
    " with ≈. In JSON a cost is a lower bound where unpriced_tokens is above zero, a running cost"
    " where running_unpriced_tokens is. Times are UTC. Numbers of calls add up to those of their"
    " threads, and these, with what is of no thread, to the totals."
)
WITHOUT: Final = "Prompts, thinking, tool inputs and error messages were left out."
WITH: Final = "Prompts, thinking, tool inputs and error messages are included as far as kept."

_MONEY: Final = ("cost", "shadow_cost", "cache_saving", "running_cost")
_LARGEST: Final = 2**53
"""The largest whole number that every reader of JSON takes as it is."""
_WHOLE: Final = 2**31 - 1
"""More characters than any text has."""
_RUNS: Final = re.compile("`+")
_LEAST_FENCE: Final = 3


@dataclass(frozen=True)
class Account:
    """All that is known of a session; ``texts`` whole, or empty."""

    head: Head
    missing: Sequence[str]
    threads: Sequence[Thread]
    calls: Sequence[Call]
    items: Sequence[Item]
    texts: Sequence[Text] = ()


def account(reader: Reader, session: int, *, with_text: bool) -> Account:
    """All that is known of a session. Raises StoreError when it has gone meanwhile."""
    heads = typed(Head, reader.rows(*session_detail.head(session)))
    if not heads:
        raise StoreError("The session is not in the store any more.")
    (counts,) = typed(recorded_text.Kept, reader.rows(*recorded_text.kept(session)))
    calls = typed(Call, reader.rows(*session_calls.calls(session, limit=None)))
    usages = [call.usage for call in calls]
    texts = recorded_text.texts(usages, most=_WHOLE)
    return Account(
        heads[0],
        session_data.missing(heads[0], counts),
        typed(Thread, reader.rows(*session_detail.threads(session))),
        calls,
        typed(Item, reader.rows(*recorded_text.timeline(usages))),
        typed(Text, reader.rows(*texts)) if with_text else (),
    )


def as_json(account: Account, *, with_text: bool = False) -> bytes:
    """An account as JSON in ASCII; ``texts`` is only there with text."""
    tools = [item for item in account.items if item.kind == "tool"]
    document = {
        "about": ABOUT,
        "text": WITH if with_text else WITHOUT,
        "missing": list(account.missing),
        "totals": {**_plain(account.head), "accuracy": account.head.accuracy},
    }
    lists = {
        "threads": [_thread(each, with_text=with_text) for each in account.threads],
        "calls": [_plain(each) for each in account.calls],
        "tool_calls": [_plain(each, without=("kind",)) for each in tools],
        **({"texts": [_plain(each) for each in account.texts]} if with_text else {}),
    }
    parts = [f'"{name}": {_json(value)}' for name, value in document.items()]
    parts += [f'"{name}": {_lines(rows)}' for name, rows in lists.items()]
    return ("{\n" + ",\n".join(parts) + "\n}\n").encode("ascii")


def as_markdown(account: Account, *, with_text: bool = False) -> str:
    """An account as Markdown without HTML, links or pictures."""
    head = account.head
    parts = [
        "# Session",
        f"{ABOUT} {WITH if with_text else WITHOUT}",
        *(f"- {sentence}" for sentence in account.missing),
        fenced("\n".join(f"{name}: {value}" for name, value in _facts(head))),
        "## Threads",
        _table(account.threads, _THREAD_COLUMNS),
        "## Calls",
        _table(account.calls, _CALL_COLUMNS),
        "## Tool calls",
        _table([item for item in account.items if item.kind == "tool"], _TOOL_COLUMNS),
    ]
    return "\n\n".join([*parts, *(_texts(account) if with_text else ())]) + "\n"


def fenced(text: str) -> str:
    """Text as a code block that nothing in it ends, with acting characters made visible."""
    shown = formats.visible(text)
    longest = max((len(run) for run in _RUNS.findall(shown)), default=0)
    fence = "`" * max(_LEAST_FENCE, longest + 1)
    return f"{fence}text\n{shown}\n{fence}"


_THREAD_COLUMNS: Final = (
    "place",
    "started_at",
    "ended_at",
    "model",
    "requests",
    "tool_calls",
    *TOKENS,
    "cost",
    "error_type",
)
_CALL_COLUMNS: Final = (
    "place",
    "interception",
    "started_at",
    "ended_at",
    "model",
    *TOKENS,
    "cost",
    "running_cost",
    "status",
    "tool_calls",
    "tool_errors",
)
_TOOL_COLUMNS: Final = ("usage", "ordinal", "at", "tool", "server_url", "injected", "failed")


def _facts(head: Head) -> Iterator[tuple[str, str]]:
    yield from ((_named(name), _marked(name, head)) for name in _names(head))
    yield "accuracy", head.accuracy


def _texts(account: Account) -> Iterator[str]:
    """Texts under their calls, in the order given."""
    places = {call.usage: call.place for call in account.calls}
    yield "## Texts"
    for text in account.texts:
        yield f"### Call {places.get(text.usage, text.usage)}: {text.kind} {text.ordinal + 1}"
        yield fenced(text.text)


def _table(rows: Sequence[Any], names: Sequence[str]) -> str:
    """Rows as columns of plain text: a table of Markdown would read what is in its cells."""
    cells = [[_named(name) for name in names]]
    cells += [[_marked(name, row) for name in names] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return fenced("\n".join(_line(row, widths) for row in cells))


def _line(cells: Iterable[str], widths: Iterable[int]) -> str:
    return "  ".join(cell.ljust(size) for cell, size in zip(cells, widths, strict=True)).rstrip()


def _marked(name: str, row: Any) -> str:
    """The cell of a row under a name, with the mark of a number that is not exact."""
    how = _accuracy(name, row)
    cell = _cell(_plain_value(name, row))
    return cell if how is EXACT else formats.marked(cell, getattr(row, name), how.standing)


def _accuracy(name: str, row: Any) -> Accuracy:
    if name == "running_cost":
        how: Accuracy = row.running_accuracy
        return how
    metric = NUMBERS.get(name, "")
    return accuracy(metric, row.by_metric) if metric in getattr(row, "by_metric", ()) else EXACT


def _cell(value: object) -> str:
    if value is None:
        return formats.DASH
    if isinstance(value, tuple):
        return ", ".join(map(_cell, value)) or formats.DASH
    # A line of its own could be taken for another row.
    return formats.line(str(_word(value)))


def _named(name: str) -> str:
    return f"{name}_usd" if name in _MONEY else name


def _lines(rows: Iterable[object]) -> str:
    """Rows as JSON, each on a line of its own: several times as fast as indenting."""
    return "[" + ",".join("\n " + _json(row) for row in rows) + "\n]"


def _json(value: object) -> str:
    return json.dumps(_safe_number(value), default=_word)


def _safe_number(value: object) -> object:
    """A value without whole numbers in which a reader loses digits."""
    match value:
        case int() if abs(value) > _LARGEST:
            return str(value)
        case dict():
            return {name: _safe_number(each) for name, each in value.items()}
    return value


def _thread(thread: Thread, *, with_text: bool) -> dict[str, Any]:
    return _plain(thread, without=() if with_text else ("error_message",))


def _plain(row: Any, without: Iterable[str] = ()) -> dict[str, Any]:
    return {_named(name): _plain_value(name, row) for name in _names(row) if name not in without}


def _plain_value(name: str, row: Any) -> object:
    value = getattr(row, name)
    if value is None or name not in _MONEY:
        return value
    return formats.dollars(value)


def _names(row: Any) -> list[str]:
    return [each.name for each in fields(row)]


def _word(value: object) -> object:
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, UUID) else value
