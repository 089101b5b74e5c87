"""A statement of the closed list has one spelling for ClickHouse, and all else none."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

import pyarrow as pa
import pytest
from clickhouse_connect.driver.exceptions import DatabaseError
from clickhouse_servers import HOSTILE, ClickHouse, connected
from sql_functions import AGGREGATES, SCALARS, TYPES, WINDOWS

from bridgeboard.clickhouse import answers, functions
from bridgeboard.clickhouse.functions import UnspellableError
from bridgeboard.clickhouse.settings import SETTINGS
from bridgeboard.clickhouse.spelling import spelled
from bridgeboard.store import Store


@pytest.fixture(scope="module")
def client(clickhouse: ClickHouse) -> Iterator[Any]:
    with closing(connected(clickhouse.fresh())) as client:
        yield client


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with Store.open(tmp_path_factory.mktemp("spelling") / "store.duckdb", threads=1) as store:
        yield store


def test_all_of_the_closed_list_has_a_spelling_and_nothing_else() -> None:
    assert {*functions.CALLS, *functions.SPECIAL} == {*SCALARS}
    assert {*functions.AGGREGATES, "quantile_cont"} == {*AGGREGATES}
    assert {*functions.WINDOWS} == {*WINDOWS}
    # What row access casts its parameters to, in front of a statement.
    assert {*functions.TYPES} == {*TYPES, "VARCHAR[]"}


@pytest.mark.parametrize(
    ("sql", "text"),
    [
        ("SELECT divide(a, b) FROM t", "SELECT intDiv(a, b) FROM t"),
        ('SELECT "<<"(a, 1)', "SELECT bitShiftLeft(a, 1)"),
        ("SELECT sum(f.a) FROM t f", "SELECT sum(accurateCast(f.a, 'Int128')) FROM t f"),
        (
            "SELECT count(*) FILTER (WHERE a > 1) AS n",
            "SELECT toInt64(count(*) FILTER (WHERE a > 1)) AS n",
        ),
        ("SELECT count_if(a) FILTER (WHERE b)", "SELECT sum(toInt128(a)) FILTER (WHERE b)"),
        ("SELECT bool_or(a) OVER w", None),
        (
            "SELECT lag(a) OVER (ORDER BY b)",
            "SELECT lag(toNullable(a)) OVER (ORDER BY b)",
        ),
        ("SELECT row_number() OVER w", "SELECT toInt64(row_number() OVER w)"),
        ("SELECT TRY_CAST(a AS BIGINT)", "SELECT accurateCastOrNull(a, 'Int64')"),
        ("SELECT CAST(a > 1 AS BOOLEAN) AS b", "SELECT CAST(a > 1 AS Bool) AS b"),
        ("SELECT list(DISTINCT a)", "SELECT groupUniqArray(a)"),
        (
            "SELECT quantile_cont(a, list_value(0.5, 1))",
            "SELECT arrayMap(q -> if(isNaN(q), NULL, q), quantilesExactInclusive(0.5, 1)(a))",
        ),
        ("SELECT a.b, c.b, d.e FROM a", "SELECT a.b , c.b , d.e AS e FROM a"),
        (
            "SELECT a.b FROM a UNION ALL SELECT c.b FROM c",
            "SELECT a.b AS b FROM a UNION ALL SELECT c.b AS b FROM c",
        ),
        (
            "WITH a AS (SELECT 1) SELECT * FROM a JOIN a b ON TRUE",
            "WITH a AS MATERIALIZED (SELECT 1) SELECT * FROM a JOIN a b ON TRUE",
        ),
        (
            "WITH a AS NOT MATERIALIZED (SELECT 1) SELECT * FROM a JOIN a b ON TRUE",
            "WITH a AS (SELECT 1) SELECT * FROM a JOIN a b ON TRUE",
        ),
        ("SELECT 'it''s \\n'", "SELECT 'it''s \\\\n'"),
        ("SELECT 2147483648 - 2e-1", "SELECT toInt64(2147483648) - 2e-1"),
        ("SELECT \n\t1 ", "SELECT 1"),
    ],
)
def test_a_construct_is_spelt(sql: str, text: str | None) -> None:
    if text is None:
        with pytest.raises(UnspellableError):
            spelled(sql)
    else:
        assert spelled(sql).sql == text


@pytest.mark.parametrize(
    "sql",
    [
        *("SELECT 7 // 2", "SELECT 7 -- 2", "SELECT 7 /* 2 */", "SELECT a::INT", "SELECT a % 2"),
        *("SELECT 1; SELECT 2", "SELECT `a`", 'SELECT "a`b"', 'SELECT "a""b"', "SELECT 'a"),
        *("SELECT hash(a)", "SELECT now()", "SELECT SUM(a)", "SELECT file('x')", "SELECT url(a)"),
        *("SELECT CAST(a AS DATE)", "SELECT CAST(a AS INT)", "SELECT CAST(a)", "SELECT CAST(a AS)"),
        *("SELECT TRY_CAST(a AS BIGINT[])", "SELECT CAST(a AS BIGINT) FILTER (WHERE b)"),
        *(
            "SELECT DATE '2026-01-01'",
            "SELECT a FROM t FINAL",
            "SELECT a FROM t final",
            "SELECT 0.5",
        ),
        *(
            "SELECT a FROM t SAMPLE 1",
            "SELECT a LIKE 'b'",
            "SELECT a like 'b'",
            "SELECT a ILIKE 'b'",
        ),
        *(
            "SELECT a FROM t SETTINGS b = 1",
            "SELECT a INTO OUTFILE 'x'",
            "SELECT [1]",
            "SELECT a[1]",
        ),
        *("SELECT * EXCLUDE (a) FROM t", "SELECT a FROM t QUALIFY b", "SELECT a FROM t PREWHERE b"),
        *(
            "INSERT INTO t VALUES (1)",
            "DROP TABLE t",
            "SELECT INTERVAL 1 DAY",
            "SELECT a FROM t ANY",
        ),
        *("SELECT lower(a) FILTER (WHERE b)", "SELECT lower(a) OVER w", "SELECT lower(a, b)"),
        *("SELECT sum(DISTINCT a)", "SELECT list(a ORDER BY b)", "SELECT sum(a) FILTER (b)"),
        *(
            "SELECT lag(a)",
            "SELECT row_number()",
            "SELECT arg_max(a, b) OVER w",
            "SELECT sum(a) OVER",
        ),
        *(
            "SELECT regexp_matches(a, b)",
            "SELECT regexp_matches(a, b, 'c')",
            "SELECT coalesce(a,, b)",
        ),
        *(
            "SELECT regexp_extract(a, b, 1, 'i')",
            "SELECT quantile_cont(a, b)",
            "SELECT concat_ws(a)",
        ),
        *("SELECT quantile_cont(a, list_value(b))", "SELECT quantile_cont(a, list_value(2))"),
        *("SELECT (1", "SELECT 1)", "SELECT $1", "SELECT $name", "SELECT ?", "SELECT {a:String}"),
        *(
            "SELECT a IN ($2)",
            "SELECT 1 EXCEPT SELECT 2",
            "SELECT a FROM t ASOF JOIN b",
            "SELECT é",
        ),
        *(
            "SELECT 1\u00a0",
            "SELECT 5 != 4",
            "SELECT a ^ 2",
            "SELECT a & b",
            "SELECT ~a",
            "SELECT @a",
        ),
        *("SELECT 0x1F", "SELECT 1_000", "SELECT 1.a", "SELECT .5", "SELECT make_date(1, 2)"),
    ],
)
def test_what_is_not_in_the_list_has_no_spelling(sql: str) -> None:
    with pytest.raises(UnspellableError):
        spelled(sql)


PARAMETERS: list[Any] = [
    *(True, False, 0, -1, 2**63 - 1, -(2**63), 2**63, -(2**127), 2**127 - 1, 0.1, 1e-300, -2.5e17),
    *(UUID(int=5), date(1900, 1, 1), date(2299, 12, 31), datetime.min, datetime.max),  # noqa: DTZ901 - likewise
    *(datetime(1969, 12, 31, 23, 59, 59, 999_999), None, [1, -5], (2**63, 1), [UUID(int=1)], []),  # noqa: DTZ001 - no zone
    *HOSTILE,
    [*HOSTILE],
]


@pytest.mark.parametrize("value", PARAMETERS, ids=lambda value: repr(value)[:40])
def test_a_parameter_is_the_value_that_it_was(client: Any, value: Any) -> None:
    names, ((shown, again),) = answers.named(client, "SELECT $1 AS a, $1 AS b", [value])
    wanted = list(value) if isinstance(value, tuple) else value
    assert (names, shown, again) == (["a", "b"], wanted, wanted)
    assert type(shown) is type(wanted)
    assert answers.named(client, "SELECT $a AS a", {"a": value, "b": "unused"})[1] == [(wanted,)]


@pytest.mark.parametrize(
    "value",
    [
        *(datetime(2026, 1, 1, tzinfo=UTC), date(1899, 1, 1), date(2300, 1, 1), 2**127, b"x"),
        *({"a": 1}, ["a", 1], [None], [[1]], [date(2026, 1, 1)], 1j),
    ],
    ids=repr,
)
def test_a_parameter_of_no_known_type_is_an_error(value: Any) -> None:
    with pytest.raises(UnspellableError):
        spelled("SELECT $1", [value])


def test_an_answer_without_rows_has_its_columns(client: Any) -> None:
    sql = "SELECT t.a, $1 AS b, t.c FROM (SELECT 1 AS a, 2 AS c) t WHERE t.a > 5"
    assert answers.named(client, sql, ["x"]) == (["a", "b", "c"], [])


def test_the_settings_hold_and_nothing_can_be_written(client: Any) -> None:
    for name, value in SETTINGS.items():
        sql = f"SELECT getSetting('{name}')"
        ((held,),) = client.query(sql, settings=dict(SETTINGS)).result_rows
        assert str(int(held) if isinstance(held, bool) else held) == str(value), name
    with pytest.raises(DatabaseError, match="READONLY"):
        client.query("CREATE TABLE x (a Int8) ENGINE = Memory", settings=dict(SETTINGS))


EXPRESSIONS: list[tuple[str, list[Any]]] = [
    *((f"divide({a}, {b}), mod({a}, {b})", []) for a in (7, -7) for b in (2, -2, 7)),
    ("divide(CAST($1 AS HUGEINT), 3), mod(CAST($1 AS HUGEINT), 3)", [-(2**100)]),
    *((f'"&"({a}, 63), ">>"({a}, 6)', []) for a in (-1, -65, 0, 130)),
    ('bit_count("<<"(CAST(1 AS UBIGINT), 63)), bit_count(CAST(7 AS UBIGINT))', []),
    ("coalesce(NULL, 5), greatest(1, NULL, 3), least(NULL, 5), nullif(5, 5), nullif(5, 4)", []),
    ("make_date(CAST(-400 AS INTEGER)), make_date(2026, 2, 28), make_date(1969, 12, 31)", []),
    ("make_timestamp(-1), make_timestamp(1795000000123456), epoch_us(make_timestamp(-7))", []),
    ("epoch_us($1), $1 < make_timestamp(0)", [datetime(1, 1, 1)]),  # noqa: DTZ001 - no zone
    ("list_extract(list_value(1, 2), 2), list_extract(list_value(1, 2), 3)", []),
    ("list_sort(list_value('b', 'É', 'a', 'B')), len(list_value(1, 2, 3)), list_value()", []),
    (
        "array_to_string(list_sort(list_value('b', 'a')), ', '), array_to_string(list_value(), '')",
        [],
    ),
    ("concat_ws(':', 'a', NULL, 5), concat_ws('/', CAST(NULL AS BIGINT), CAST(NULL AS UUID))", []),
    ("concat_ws('/', $1, 7)", [UUID(int=2**127)]),
    ("lpad('5', 10, '0'), lpad('12345', 3, '0'), lpad('', 2, 'x')", []),
    ("CAST(TRUE AS INTEGER), CAST($1 AS VARCHAR), CAST(-5 AS VARCHAR)", [UUID(int=2**127)]),
    ("CAST('1.5' AS DOUBLE), CAST('1e-05' AS DOUBLE), CAST('0.1' AS DOUBLE) + 2e-1", []),
    ("TRY_CAST($1 AS BIGINT), TRY_CAST(CAST(5 AS HUGEINT) AS BIGINT)", [2**63]),
    ("TRY_CAST($1 AS UUID), TRY_CAST('x' AS UUID), TRY_CAST('' AS UUID)", [str(UUID(int=77))]),
    ("5 IS DISTINCT FROM NULL, NULL IS NOT DISTINCT FROM NULL, 5 IN (1, 5), NULL IN (1, 2)", []),
    ("CASE 'a' WHEN 'a' THEN 1 END, CASE WHEN NULL THEN 1 ELSE 2 END, NOT (1 = 1)", []),
    ("'a' || NULL, 'a' || 'b', 2 BETWEEN 1 AND 3, 5 / 2e0", []),
    ("(SELECT sum(a) FROM (SELECT unnest(CAST($1 AS BIGINT[])) AS a) t)", [[2**63 - 1] * 3]),
    ("(SELECT list_sort(list(a)) FROM (SELECT unnest(range(3)) AS a) t)", []),
    ("(SELECT min(a) FROM (SELECT unnest(range(5, 5)) AS a) t)", []),
    *(
        (f"(SELECT count_if({sql}) FROM (SELECT unnest(range({n})) AS a) t)", [])
        for n in (0, 3)
        for sql in ("a > 0", "a > 5", "nullif(a, a) > 0", "NOT nullif(a, 1) > 0")
    ),
]
"""Expressions whose value both engines give alike."""


@pytest.mark.parametrize(("sql", "params"), EXPRESSIONS, ids=lambda value: str(value)[:60])
def test_an_expression_has_one_value(
    client: Any, store: Store, sql: str, params: list[Any]
) -> None:
    statement = "SELECT " + sql
    with store.snapshot() as reader:
        wanted = reader.rows(statement, params)
    ((*shown,),) = answers.named(client, statement, params)[1]
    assert [int(one) if isinstance(one, bool) else one for one in shown] == [*wanted[0]]


EARLY = datetime(1990, 1, 1)  # noqa: DTZ001 - no zone
TEXTS = [
    *(text for text in HOSTILE if "\0" not in text),
    *(
        "Straße STRASSE",
        "ΌΣΟΣ ὅσος Σ",
        "İstanbul \N{LATIN SMALL LETTER DOTLESS I}stanbul",
        "Kelvin \u212a k",
        "\N{LATIN SMALL LETTER LONG S}top Stop",
        "ﬁ FI",
    ),
    *("Ǆ ǅ ǆ", "ÅÅ å\u030a a\u030a", "a\nb\r\nDEPLOY it", "x" * 5000 + "deploy", "日本語 テスト"),
    *("a.b*c", "a+b", "[a-z]", "(?i)x", "^$", "a|b", "{2}", "100%_", "\\d", "-"),
]
WORDS = [
    *(
        "deploy",
        "straße",
        "STRASSE",
        "\N{GREEK SMALL LETTER SIGMA}",
        "Σ",
        "ς",
        "όσος",
        "i",
        "I",
        "İ",
        "\N{LATIN SMALL LETTER DOTLESS I}",
        "k",
        "\u212a",
        "s",
    ),
    *(
        "\N{LATIN SMALL LETTER LONG S}",
        "ß",
        "ẞ",
        "ﬁ",
        "fi",
        "ǆ",
        "ǅ",
        "å",
        "Å",
        "é",
        "É",
        "🙂",
        "a.b*c",
        "a+b",
        "[a-z]",
        "(?i)",
    ),
    *("^", "$", "|", "{2}", "%", "_", "\\", "\\d", "-", "'", "\n", "語"),
]


LETTERS = [chr(code) for code in range(0x110000) if chr(code).lower() != chr(code)]
NEWER = {*range(0x1C89, 0x1C8B), *range(0xA7CB, 0xA7DD), *range(0x10D50, 0x10D66)} | {
    *range(0x16EA0, 0x16EB9)
}
"""Letters that Unicode has had since version 14 or later: DuckDB leaves them as they are."""


def put(client: Any, store: Store, texts: list[str]) -> None:
    """Let the table of prompts be these texts in both engines."""
    client.command("CREATE OR REPLACE TABLE prompts (ordinal Int64, text String) ENGINE = Memory")
    client.insert("prompts", [*enumerate(texts)])
    with store.write() as batch:
        batch.execute("DELETE FROM prompts")
        given = pa.table({"ordinal": range(len(texts)), "text": texts})
        with batch.registered(given=given):
            batch.execute("INSERT INTO prompts SELECT 0, $1, ordinal, $1, text FROM given", [EARLY])


def test_words_are_found_in_the_same_texts_at_the_same_places(client: Any, store: Store) -> None:
    put(client, store, TEXTS)
    sql = """SELECT ordinal, CAST(regexp_matches(text, $1, 'il') AS BOOLEAN),
        CAST(contains(text, $1) AS BOOLEAN), instr(lower(text), lower($1)), length(text),
        length(regexp_extract(text, '^(.*?)' || regexp_escape($1), 1, 'is')), left(text, 3),
        substring(text, 2, 4), replace(text, $1, ''), lower(text)
        FROM prompts ORDER BY ordinal"""
    with store.snapshot() as reader:
        found = 0
        for word in WORDS:
            wanted = reader.rows(sql, [word])
            found += sum(row[1] for row in wanted)
            for one, other in zip(answers.named(client, sql, [word])[1], wanted, strict=True):
                assert one == other, (word, TEXTS[one[0]])
        assert found > 60


def test_letters_are_made_small_alike_but_for_the_newest(client: Any, store: Store) -> None:
    put(client, store, LETTERS)
    sql = "SELECT text, lower(text), lower('A' || text || text) FROM prompts ORDER BY ordinal"
    with store.snapshot() as reader:
        wanted = reader.rows(sql)
    given = answers.named(client, sql)[1]
    assert len(given) == len(LETTERS) > 1300
    assert {ord(one[0]) for one, other in zip(given, wanted, strict=True) if one != other} <= NEWER
