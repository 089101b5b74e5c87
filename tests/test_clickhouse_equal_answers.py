"""ClickHouse answers every statement of the product as DuckDB does, to the last digit and type."""

import math
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
import row_access_worlds as worlds
from clickhouse_servers import ClickHouse, connected, copied
from every_statement import Recorder, ask_everything, constant_statements

from bridgeboard.clickhouse import answers
from bridgeboard.model.store import Params
from bridgeboard.store import Reader

Asked = dict[str, list[Params]]
SOME = 30
"""One statement in so many is asked wherever there is a ClickHouse; all are slow."""


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


def test_some_statements_have_equal_answers(reader: Reader, client: Any, asked: Asked) -> None:
    for sql in [*asked][::SOME]:
        for params in asked[sql][:1]:
            assert difference(reader, client, sql, params) is None


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


def is_same(value: Any, other: Any) -> bool:
    """Whether two values are of one type and equal, numbers with a fraction to 1e-12 of them."""
    if type(value) is not type(other):
        return False
    if isinstance(value, list | tuple):
        return len(value) == len(other) and all(map(is_same, value, other))
    if isinstance(value, float):
        return math.isclose(value, other, rel_tol=1e-12) or (
            math.isnan(value) and math.isnan(other)
        )
    return bool(value == other)


def test_values_of_other_types_are_not_the_same() -> None:
    assert not is_same(1, other=True)
    assert not is_same(1, 1.0)
    assert not is_same([1], [None])
    assert not is_same(1.0, 1.000000001)
    assert is_same(1.0, 1.0 + 1e-15)
