"""The fast way and the careful way to read interceptions come to the same verdicts and values."""

import json
from collections.abc import Callable
from typing import Any
from uuid import UUID

import bridge_transport
import httpx
import msgspec
import pytest
from aibridge_wire import Wire, connected, uuid
from hypothesis import example, given, settings
from hypothesis import strategies as st
from interception_rows import whole_row
from small_bridges import Book, token

from aibridge import BulkInterception, BulkPage, Client, DecodeError, Interception, InterceptionPage

JSON = {"content-type": "application/json; charset=utf-8"}

HOSTILE = [
    "12", '"12"', "12.5", "1e3", "-0", "null", "true", "[]", "{}", '""', '"x"', "NaN",
    "-Infinity", "1E400", "9223372036854775807", "9223372036854775808", "-9223372036854775809",
    "18446744073709551616", "1" * 40, "1" * 4301, "0." + "1" * 5000, "01", "tru", "",
    r'"\ud800"', r'"a\udc00b"', r'"😀"', r'"\u0000"', '"\x01"', '"\x7f"', '"é😀"', r'"\q"',
    '"\udcff"', r'{"a": "\ud800"}', '{"a": NaN}', '{"a": 1, "a": "b"}', '{"\\u0061": null}',
    f'"{uuid(9)}"', f'"{uuid(9).upper()}"', f'"{{{uuid(9)}}}"', f'"urn:uuid:{uuid(9)}"',
    f'"{UUID(uuid(9)).hex}"', f'" {uuid(9)}"', f'"{uuid(9)[:-1]}"', '"00000000-0000"',
    '"2026-05-01T10:00:00Z"', '"2026-05-01T10:00:00.1234564Z"', '"2026-05-01T10:00:00.1234565Z"',
    '"2026-05-01T10:00:00.999999999Z"', '"2026-05-01t10:00:00z"', '"2026-05-01 10:00:00Z"',
    '"2026-05-01T10:00:00"', '"2026-05-01T10:00Z"', '"2026-05-01"', '"1777629600"', "1777629600",
    '"2026-05-01T10:00:00+02:00"', '"2026-05-01T10:00:00+0200"', '"2026-05-01T10:00:00-00:00"',
    '"2026-05-01T10:00:00+23:59"', '"2026-05-01T10:00:00+24:00"', '"2026-05-01T10:00:60Z"',
    '"2026-05-01T24:00:00Z"', '"2026-02-30T10:00:00Z"', '"2026-05-01T10:00:00,5Z"',
    '"0000-01-01T00:00:00Z"', '"0001-01-01T00:00:00Z"', '"0001-01-01T00:00:00+02:00"',
    '"0001-01-01T00:00:00-02:00"', '"9999-12-31T23:59:59-02:00"', '"9999-12-31T23:59:59.9999999Z"',
    r'"2026-05-01T10:00:00\u005a"', r'"\u0030001-01-01T00:00:00+02:00"',
    *("[" * depth + "]" * depth for depth in (50, 180, 190, 196, 200, 250, 5000)),
    *('{"a":' * depth + "1" + "}" * depth for depth in (50, 190, 198, 250)),
    json.dumps("{[" * 300), json.dumps('\\"[{' * 300),
]  # fmt: skip  # a list of fragments, not a column of them

Pairs = list[tuple[str, Any]]


def pairs(value: Any) -> Any:
    """JSON with its objects as lists of pairs, so that a name can stand twice."""
    if isinstance(value, dict):
        return [(json.dumps(name), pairs(each)) for name, each in value.items()]
    return tuple(map(pairs, value)) if isinstance(value, list) else json.dumps(value)


def written(value: Any) -> str:
    if isinstance(value, list):
        return "{" + ",".join(f"{name}: {written(each)}" for name, each in value) + "}"
    return "[" + ",".join(map(written, value)) + "]" if isinstance(value, tuple) else str(value)


def objects(value: Any) -> list[Pairs]:
    below = [each for _, each in value] if isinstance(value, list) else value
    found = [value] if isinstance(value, list) else []
    return found + [o for each in below if not isinstance(each, str) for o in objects(each)]


Spoil = Callable[[Pairs, int, str], None]


def replace(inside: Pairs, place: int, fragment: str) -> None:
    inside[place] = (inside[place][0], fragment)


def double_before(inside: Pairs, place: int, fragment: str) -> None:
    inside.insert(place, (inside[place][0], fragment))


def double_behind(inside: Pairs, place: int, fragment: str) -> None:
    inside.append((inside[place][0], fragment))


def leave_out(inside: Pairs, place: int, _fragment: str) -> None:
    del inside[place]


def add(inside: Pairs, place: int, fragment: str) -> None:
    inside.insert(place, ('"unheard_of"', fragment))


def escape_the_name(inside: Pairs, place: int, _fragment: str) -> None:
    name, value = inside[place]
    inside[place] = (f'"\\u{ord(name[1]):04x}{name[2:]}', value)


SPOILS: list[Spoil] = [replace, replace, replace, double_before, double_behind, leave_out, add,
                       escape_the_name]  # fmt: skip  # weights


@st.composite
def hostile_rows(draw: st.DrawFn) -> str:
    """An interception with up to three oddities anywhere in it."""
    row = pairs(whole_row())
    for _ in range(draw(st.integers(0, 3))):
        inside = draw(st.sampled_from([each for each in objects(row) if each]))
        place = draw(st.integers(0, len(inside) - 1))
        draw(st.sampled_from(SPOILS))(inside, place, draw(st.sampled_from(HOSTILE)))
    return written(row)


def both_ways(*rows: str) -> tuple[InterceptionPage | str, BulkPage | str]:
    """What the careful and the fast way make of a page: the page, or the text of the error."""
    body = '{"count": 1, "results": [' + ",".join(rows) + "]}\n"
    said = httpx.Response(200, content=body.encode("utf-8", "surrogateescape"), headers=JSON)
    told: list[Any] = []
    with connected("sync", Wire(interceptions=said)) as client:
        for ask in (client.interceptions_page, client.interceptions_bulk):
            try:
                told.append(ask())
            except DecodeError as error:
                told.append(str(error))
    return told[0], told[1]


UNREAD = {"metadata"}


def finite(value: Any) -> Any:
    """JSON without the numbers that JSON cannot write, which the fast way tells as null."""
    return json.loads(json.dumps(value), parse_constant=lambda _: None)


def as_fast(row: Interception) -> Any:
    """A careful row by the names of the fast one, tokens' metadata included."""
    told = row.model_dump(exclude=UNREAD)
    for name in ("token_usages", "user_prompts", "tool_usages"):
        for each in told[name]:
            metadata = each.pop("metadata")
            if name == "token_usages":
                each["metadata"] = finite(metadata)
        told[name] = list(told[name])
    return told


def as_careful(row: BulkInterception) -> Any:
    told = {name: getattr(row, name) for name in row.__struct_fields__ if name not in UNREAD}
    told["initiator"] = msgspec.structs.asdict(row.initiator)
    for name in ("token_usages", "user_prompts", "tool_usages"):
        told[name] = [msgspec.structs.asdict(each) for each in told[name] or ()]
        for each in told[name]:
            metadata = each.pop("metadata")
            if name == "token_usages":
                each["metadata"] = finite(json.loads(bytes(metadata) or b"null"))
    return told


def check_both_ways(*rows: str) -> None:
    careful, fast = both_ways(*rows)
    if isinstance(careful, str) or isinstance(fast, str):
        assert fast == careful
        return
    assert [each.reason for each in fast.rejected] == [each.reason for each in careful.rejected]
    assert [as_careful(row) for row in fast.rows] == [as_fast(row) for row in careful.results]
    assert len(fast.digests) == len(fast.rows)
    assert (fast.count, fast.size) == (careful.count, len(rows))


@settings(deadline=None, max_examples=400)
@given(hostile_rows())
@example(written(pairs(whole_row())))
def test_both_ways_give_every_row_the_same_verdict_and_the_same_values(row: str) -> None:
    check_both_ways(row)


@settings(deadline=None, max_examples=60)
@given(st.lists(hostile_rows(), min_size=2, max_size=4))
def test_both_ways_agree_on_pages_of_several_hostile_rows(rows: list[str]) -> None:
    check_both_ways(*rows)


@pytest.mark.parametrize("name", ["metadata", "model", "unheard_of", "started_at", "id", "client"])
def test_both_ways_agree_on_every_oddity_in_every_kind_of_field(name: str) -> None:
    for fragment in HOSTILE:
        row = [*((key, each) for key, each in pairs(whole_row()) if key != f'"{name}"')]
        check_both_ways(written([*row, (f'"{name}"', fragment)]))


@pytest.mark.parametrize("name", ["metadata", "created_at", "input_tokens", "interception_id"])
def test_both_ways_agree_on_every_oddity_in_a_child(name: str) -> None:
    for fragment in HOSTILE:
        row = dict(pairs(whole_row()))
        (usage,) = row['"token_usages"']
        spoiled = [*((key, each) for key, each in usage if key != f'"{name}"')]
        row['"token_usages"'] = ([*spoiled, (f'"{name}"', fragment)],)
        check_both_ways(written(list(row.items())))


def test_the_demo_server_is_read_as_carefully_as_ever() -> None:
    book = Book()
    for minute in range(30):
        book.call(
            minute,
            tokens=[(minute, 2, 3, 4)],
            prompts=[(minute, "é\0" * minute)],
            tools=["bash"] * (minute % 3),
            metadata={"n": minute} if minute % 2 else None,
        )
    transport = bridge_transport.Transport(book.bridge())
    with Client("https://x.example", token(book.owner), transport=transport) as client:
        fast, careful = client.interceptions_bulk(), client.interceptions_page()
    assert len(fast.rows) == 30
    assert [as_careful(row) for row in fast.rows] == [as_fast(row) for row in careful.results]
