"""The fast way to read interceptions tells what the careful one tells, and skips the known."""

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from aibridge_wire import NEW, Wire, answer, connected, uuid
from interception_rows import whole_row

from aibridge import (
    ArgumentError,
    BulkPage,
    CursorError,
    DecodeError,
    EndpointGoneError,
    Search,
)


@pytest.fixture(params=["sync", "async"])
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def rows_wire(*rows: Any, count: int | None = None) -> Wire:
    return Wire(interceptions={"count": len(rows) if count is None else count, "results": [*rows]})


def bulk(*rows: Any, **options: Any) -> BulkPage:
    with connected("sync", rows_wire(*rows)) as client:
        page: BulkPage = client.interceptions_bulk(**options)
    return page


def numbers(page: BulkPage) -> list[int]:
    return [int(row.id.hex[-4:]) for row in page.rows]


# What is asked and told


def test_a_page_is_asked_for_as_the_careful_way_asks(kind: str) -> None:
    wire = rows_wire()
    with connected(kind, wire) as client:
        client.interceptions_bulk(Search(model="m"), limit=7, after_id=uuid(1))
        client.interceptions_page(Search(model="m"), limit=7, after_id=uuid(1))
        client.interceptions_bulk()
    assert wire.asked[-3].url == wire.asked[-2].url
    assert dict(wire.asked[-1].url.params) == {"limit": "1000"}


def test_everything_of_a_row_is_told(kind: str) -> None:
    with connected(kind, rows_wire(whole_row(), count=12)) as client:
        page = client.interceptions_bulk()
    (row,) = page.rows
    assert (page.count, page.size, page.rejected) == (12, 1, ())
    assert (row.id, row.initiator.username, row.model) == (UUID(uuid(1)), "alice", "claude-opus-4")
    assert row.started_at == datetime(2026, 5, 1, 10, tzinfo=UTC)
    assert row.token_usages[0].input_tokens == 100
    assert json.loads(bytes(row.token_usages[0].metadata)) == {"service_tier": "flex"}
    assert row.user_prompts[0].prompt == "Why is the build red?"
    assert row.tool_usages[0].input == '{"path": "a.py"}'


def test_an_empty_page_has_neither_first_nor_last(kind: str) -> None:
    for results in ([], None):
        wire = Wire(interceptions={"count": 0, "results": results})
        with connected(kind, wire) as client:
            page = client.interceptions_bulk()
        assert page == BulkPage(count=0, size=0, first=None, last=None)
        assert (page.rows, page.digests, page.rejected) == ((), (), ())


def test_a_limit_the_server_would_not_take_is_refused_at_once() -> None:
    with connected("sync", Wire()) as client, pytest.raises(ArgumentError, match="1 and 1000"):
        client.interceptions_bulk(limit=1001)


def test_a_server_without_the_list_and_a_cursor_without_its_row_are_told_apart(kind: str) -> None:
    gone = Wire("v2.35.0")
    gone.prefix = NEW
    lost = Wire(interceptions=answer({"message": "Invalid pagination cursor."}, 400))
    with connected(kind, gone) as client, pytest.raises(EndpointGoneError):
        client.interceptions_bulk()
    with connected(kind, lost) as client, pytest.raises(CursorError):
        client.interceptions_bulk(after_id=uuid(1))


@pytest.mark.parametrize(
    "body",
    [
        {"message": "Forbidden."},
        {"count": 0},
        {"results": []},
        {"count": "0", "results": []},
        {"count": True, "results": []},
        {"count": 0, "results": {}},
        {"count": 0, "results": "none"},
        [],
        None,
    ],
)
def test_what_is_no_page_is_refused_even_with_status_200(kind: str, body: Any) -> None:
    with connected(kind, Wire(interceptions=answer(body))) as client:
        with pytest.raises(DecodeError, match="not what the API promises") as fast:
            client.interceptions_bulk()
        with pytest.raises(DecodeError) as careful:
            client.interceptions_page()
    assert str(fast.value) == str(careful.value)


# What is known


def test_a_known_row_is_passed_over_and_the_others_told_in_their_order(kind: str) -> None:
    rows = [whole_row(number) for number in range(1, 6)]
    with connected(kind, rows_wire(*rows)) as client:
        every = client.interceptions_bulk()
        page = client.interceptions_bulk(known={every.digests[0], every.digests[3]})
    assert numbers(page) == [2, 3, 5]
    assert page.digests == tuple(every.digests[place] for place in (1, 2, 4))
    assert (page.count, page.size) == (5, 5)
    assert (page.first, page.last) == (every.first, every.last)
    assert every.last == (datetime(2026, 5, 1, 10, tzinfo=UTC), UUID(uuid(5)))


def test_a_page_of_known_rows_still_says_where_it_ends() -> None:
    rows = [whole_row(number) for number in range(1, 4)]
    every = bulk(*rows)
    page = bulk(*rows, known=frozenset(every.digests))
    assert (page.rows, page.digests, page.size) == ((), (), 3)
    assert (page.first, page.last) == (every.first, every.last)


def test_a_known_row_is_not_even_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    known = frozenset(bulk(whole_row()).digests)
    monkeypatch.setattr("aibridge.bulk._row", lambda _: pytest.fail("decoded"))
    assert bulk(whole_row(), known=known).rows == ()


def test_the_digest_of_a_row_is_that_of_its_text_wherever_it_stands() -> None:
    one, other = whole_row(1), whole_row(2)
    digests = bulk(one, other).digests
    assert bulk(other, one).digests == digests[::-1]
    assert bulk(one | {"model": "m"}, other).digests[1:] == digests[1:]
    assert bulk(one | {"model": "m"}).digests != digests[:1]
    assert all(-(2**63) <= each < 2**63 for each in digests)


def test_the_digest_is_the_same_on_every_machine() -> None:
    assert bulk({"id": 5, **whole_row()}).digests == (DIGEST,)


DIGEST = 9095101328402638070


# What is bad


def test_a_bad_row_does_not_cost_its_neighbours(kind: str) -> None:
    bad = whole_row(2, started_at="yesterday")
    with connected(kind, rows_wire(whole_row(1), bad, whole_row(3))) as client:
        page = client.interceptions_bulk()
    assert numbers(page) == [1, 3]
    assert len(page.digests) == 2
    (rejected,) = page.rejected
    assert json.loads(rejected.raw) == bad
    assert rejected.reason == "started_at: Value error, is not an RFC 3339 time"


def test_a_rejected_row_at_the_end_is_still_where_the_page_ends() -> None:
    bad = whole_row(3, token_usages=[{"input_tokens": "many"}], started_at="2026-04-01T10:00:00Z")
    page = bulk(bad | {"id": uuid(1)}, whole_row(2), bad)
    assert page.first == (datetime(2026, 4, 1, 10, tzinfo=UTC), UUID(uuid(1)))
    assert page.last == (datetime(2026, 4, 1, 10, tzinfo=UTC), UUID(uuid(3)))


@pytest.mark.parametrize(
    "hidden",
    [{"started_at": "yesterday"}, {"id": "x"}, {"id": None}, {"started_at": "0001-01-01T00:00+9"}],
)
def test_a_page_ends_with_the_last_row_whose_place_can_be_read(hidden: dict[str, Any]) -> None:
    page = bulk(whole_row(1), whole_row(2), whole_row(3, **hidden), None, [], "row", {})
    assert page.last == (datetime(2026, 5, 1, 10, tzinfo=UTC), UUID(uuid(2)))
    assert (page.size, len(page.rejected)) == (7, 5)
    assert bulk(whole_row(3, **hidden), {}).last is None


@pytest.mark.parametrize("name", ["input_tokens", "cache_write_input_tokens"])
@pytest.mark.parametrize("count", [2**63, -(2**63) - 1, 10**30])
def test_a_count_beyond_64_bits_is_rejected_and_not_quoted(name: str, count: int) -> None:
    row = whole_row()
    row["token_usages"][0][name] = count
    (rejected,) = bulk(row).rejected
    assert rejected.reason.startswith(f"token_usages.0.{name}: ")
    assert str(count) not in rejected.reason


@pytest.mark.parametrize("count", [2**63 - 1, -(2**63), 0, -1])
def test_a_count_of_64_bits_is_told_as_it_is(count: int) -> None:
    row = whole_row()
    row["token_usages"][0]["input_tokens"] = count
    assert bulk(row).rows[0].token_usages[0].input_tokens == count  # type: ignore[index]  # one row


@pytest.mark.parametrize("time", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
def test_a_time_that_utc_cannot_tell_is_rejected(time: str) -> None:
    for name in ("started_at", "ended_at"):
        (rejected,) = bulk(whole_row(**{name: time})).rejected
        assert rejected.reason == f"{name}: Value error, is outside of the years 1 to 9999 in UTC"
    (row,) = bulk(whole_row(started_at=time[:19] + "Z")).rows
    assert row.started_at.isoformat() == time[:19] + "+00:00"


def test_a_secret_in_a_bad_row_is_not_in_the_reason() -> None:
    row = whole_row(model={"prompt": "secret"}, client=["secret"], started_at="secret")
    (rejected,) = bulk(row).rejected
    assert "secret" not in rejected.reason
