"""ClickHouse answers every statement of the product as DuckDB does, to the last digit and type."""

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import date, datetime
from typing import Any

import pytest
import row_access_worlds as worlds
from clickhouse_servers import HOSTILE, ClickHouse, connected, copied
from equal_answers import is_same
from every_statement import ALL, Recorder, ask_everything, constant_statements

from bridgeboard.clickhouse import answers
from bridgeboard.model.store import Params
from bridgeboard.queries import (
    budgets,
    coder_budgets,
    radar,
    recorded_text,
    request_list,
    store_status,
)
from bridgeboard.queries.metric_query import select
from bridgeboard.store import Reader

Asked = dict[str, list[Params]]
SOME = 8
"""One question in so many is asked wherever there is a ClickHouse; all statements are slow."""


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    path = tmp_path_factory.mktemp("equal") / "store.duckdb"
    with worlds.filled(path) as store, store.snapshot() as reader:
        yield reader


@pytest.fixture(scope="module")
def client(reader: Reader, clickhouse: ClickHouse) -> Iterator[Any]:
    with closing(connected(clickhouse.fresh())) as client:
        copied(reader, client)
        yield client


@pytest.fixture(scope="module")
def asked(reader: Reader) -> Asked:
    """All statements that a store can be asked, each with all parameters that it was asked with."""
    recorder = Recorder(reader)
    ask_everything(recorder)
    for sql in constant_statements():
        if sql not in recorder.sql:
            recorder.note(sql, _parameters(sql))
    return recorder.sql


def _parameters(sql: str) -> Params:
    """A beginning and an end, a day, or how many rows at most: what constants of queries take."""
    if "month = $1" in sql:
        return [worlds.NOW.date().replace(day=1)]
    if "LIMIT $1" in sql:
        return [5]
    window = [worlds.NOW.replace(tzinfo=None, month=1), worlds.NOW.replace(tzinfo=None)]
    return window[: 1 + ("$2" in sql)] if "$1" in sql else ()


def test_some_statements_have_equal_answers(reader: Reader, client: Any) -> None:
    every = [*worlds.of_metrics(ALL), *worlds.of_explorer(reader, ALL)]
    for _, query in every[::SOME]:
        assert difference(reader, client, query.sql, query.params) is None


ZONES = ("Asia/Kathmandu", "Pacific/Chatham", "Europe/Berlin")
"""Zones of odd minutes, and one that moves its clocks within the period."""


@pytest.mark.slow
@pytest.mark.parametrize("zone", ZONES)
def test_numbers_of_other_zones_are_equal(reader: Reader, client: Any, zone: str) -> None:
    for _, query in worlds.of_metrics(replace(ALL, zone=zone)):
        assert difference(reader, client, query.sql, query.params) is None


SEVERAL = ("'", "\\", "'; DROP TABLE usage; --", "É 🙂 e\u0301 İß", "\\N")
"""Texts out of ``HOSTILE`` that are asked for together."""


@pytest.fixture(scope="module")
def extreme(tmp_path_factory: pytest.TempPathFactory, clickhouse: ClickHouse) -> Iterator[Any]:
    """A reader and a client of requests with hostile names, and numbers whose sums are large."""
    path = tmp_path_factory.mktemp("extreme") / "store.duckdb"
    with worlds.filled(path) as store:
        with store.write() as batch:
            keys = batch.rows("SELECT usage FROM usage ORDER BY usage LIMIT $1", [len(HOSTILE)])
            for (usage,), text in zip(keys, HOSTILE, strict=True):
                batch.execute(
                    "UPDATE usage SET model = $1, client = $1, cost = $2, input = $2,"
                    " input_sum = $2, priced_tokens = $2 WHERE usage = $3",
                    [text, 2**62, usage],
                )
                batch.execute("UPDATE prompts SET text = $1 WHERE usage = $2", [text, usage])
                batch.execute("INSERT INTO families VALUES ($1, $1)", [text])
            for statement in CODER.split(";"):
                batch.execute(statement)
        with store.snapshot() as reader, closing(connected(clickhouse.fresh())) as client:
            copied(reader, client)
            yield reader, client


CODER = """
INSERT INTO coder_groups SELECT uuid(), uuid(), 'org ' || range, 'g', '', 'user', range, [], NULL
    FROM range(5);
INSERT INTO coder_group_spend
    SELECT DATE '2026-11-01', id, CASE WHEN members > 2 THEN members END, 2, TIMESTAMP '2026-11-02'
    FROM coder_groups;
INSERT INTO coder_member_spend
    SELECT DATE '2026-11-01', g.id, i.id, 'same', NULL, NULL, NULL, 5, TIMESTAMP '2026-11-02'
    FROM coder_groups g, (SELECT id FROM initiators LIMIT 4) i"""
"""Groups that are told apart by their ids alone."""


def test_what_coder_counts_is_in_one_order(extreme: Any) -> None:
    reader, client = extreme
    month = date(2026, 11, 1)
    for sql, params in (
        *((sql, [month]) for sql in (coder_budgets.GROUPS, coder_budgets.MEMBERS)),
        (coder_budgets.MONTHS, ()),
        (coder_budgets.OURS, [datetime(2026, 1, 1), datetime(2027, 1, 1)]),  # noqa: DTZ001 - naive UTC
        tuple(budgets.USERNAMES)[:2],
        tuple(budgets.people_in_teams(worlds.NOW))[:2],
        tuple(radar.people())[:2],
    ):
        assert len(reader.rows(sql, params)) > 0
        assert difference(reader, client, sql, params) is None


def test_sums_beyond_64_bits_and_hostile_names_are_equal(extreme: Any) -> None:
    reader, client = extreme
    names = ("spend", "input_tokens", "recorded_tokens", "requests", "cost_per_request")
    total = select(("spend",), (), ALL)
    ((spend,),) = reader.rows(total.sql, total.params)
    assert spend > 2**63
    for query in (total, *(select(names, (by,), ALL) for by in ("model", "family", "client"))):
        assert difference(reader, client, query.sql, query.params) is None
    for sql in (store_status.PRICED, store_status.FAMILIES):
        assert difference(reader, client, sql, ()) is None


@pytest.mark.parametrize("word", ["", *HOSTILE, "deploy"])
def test_hits_of_hostile_words_are_equal(extreme: Any, word: str) -> None:
    reader, client = extreme
    sql = "SELECT DISTINCT u.session FROM usage u JOIN prompts p USING (usage) ORDER BY u.session"
    found = 0
    for (session,) in reader.rows(sql)[:5]:
        query = recorded_text.hits(session, word)
        found += len(reader.rows(*query))
        assert difference(reader, client, query.sql, query.params) is None
    assert found or word != "deploy"


@pytest.mark.parametrize("values", [*((text,) for text in HOSTILE), SEVERAL], ids=repr)
def test_a_filter_by_hostile_names_is_equal(extreme: Any, values: tuple[str, ...]) -> None:
    reader, client = extreme
    found = 0
    for scope in (ALL.only("client", *values), ALL.without("model", *values)):
        for query in (request_list.counted(scope), select(("requests",), ("model",), scope)):
            assert difference(reader, client, query.sql, query.params) is None
            found += len(reader.rows(query.sql, query.params))
    assert found > 2


@pytest.mark.slow
def test_every_statement_has_equal_answers(reader: Reader, client: Any, asked: Asked) -> None:
    every = [(sql, params) for sql, each in asked.items() for params in each]
    found = (difference(reader, client, sql, params) for sql, params in every)
    assert [one for one in found if one] == []
    assert len(every) > 900


def difference(reader: Reader, client: Any, sql: str, params: Params) -> str | None:
    """What differs between both answers; rows in no order of their own are compared sorted."""
    names, rows = reader.named(sql, params)
    other_names, others = answers.named(client, sql, params)
    if "ORDER BY" not in sql:
        rows, others = sorted(rows, key=repr), sorted(others, key=repr)
    if len(rows) != len(others) or len(names) != len(other_names):
        return f"{len(rows)} and {len(others)} rows: {sql}"
    for name, other in zip(names, other_names, strict=True):
        if name.isidentifier() and name != other:
            return f"columns {name} and {other}: {sql}"
    for row, other_row in zip(rows, others, strict=True):
        for name, value, other in zip(names, row, other_row, strict=True):
            if not is_same(value, other):
                return f"{name} is {value!r} and {other!r}: {sql} {params}"
    return None


def test_values_of_other_types_are_not_the_same() -> None:
    assert not is_same(1, other=True)
    assert not is_same(1, 1.0)
    assert not is_same([1], [None])
    assert not is_same(1.0, 1.000000001)
    assert is_same(1.0, 1.0 + 1e-15)
