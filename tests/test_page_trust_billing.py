"""Who bills for each instance: the table of the page Trust and its lines for the prices file."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import shown_tables
from dashboard_store import filled, looking
from facts import facts
from test_pages_stored import END, app, said

from bridgeboard import settings
from bridgeboard.analysis import prices
from bridgeboard.pricing import Book, PriceFileError, VendorStatement, parse, vendor_line
from bridgeboard.store import Store

AT = datetime(2026, 11, 20)  # noqa: DTZ001  # the store's times have no zone
MOVED = datetime(2026, 10, 1, tzinfo=UTC)


def frame(*given: tuple[str, str | None, str | None, str, int | None]) -> pd.DataFrame:
    names = ("provider", "provider_name", "vendor", "model", "cost")
    rows = [dict(zip(names, row, strict=True)) | {"requests": 1, "last_at": AT} for row in given]
    return pd.DataFrame(rows).assign(cost=pd.Series([row[4] for row in given], dtype=object))


FOUND = frame(
    ("openai", "groq", "groq", "llama-3.3-70b-versatile", 300),
    ("openai", "openai", "openai", "gpt-5", 100),
    ("openai", "ai-team", None, "gpt-oss-120b", None),
    ("anthropic", "anthropic", "anthropic", "claude-opus-4-7", 0),
    ("anthropic", "anthropic", "aws", "us.anthropic.claude-opus-4-6-v1", 0),
    ("anthropic", None, "anthropic", "claude-opus-4-7", 0),
)


def test_each_instance_tells_who_bills_why_since_when_and_its_share() -> None:
    told = (
        VendorStatement("openai", "groq", "x"),
        VendorStatement("openai", "openai", "the server says so", "", MOVED),
    )
    rows = {row[:3]: row[3:] for row in prices.billing_rows(FOUND, Book(statements=told))}
    assert rows["groq", "openai", "groq"][:2] == ("the instance is named like groq", None)
    assert rows["openai", "openai", "openai"][:2] == ("the server says so", MOVED)
    assert rows["ai-team", "openai", "Nobody known"][0].startswith("nobody knows")
    assert [row[-1] for row in rows.values()] == [0.75, 0.25, None, 0, 0, 0]
    assert ("Unknown", "anthropic", "anthropic") in rows


def test_what_nobody_knows_is_proposed_first_and_what_is_settled_never() -> None:
    assert list(prices.vendor_lines(FOUND, Book()).values()) == [
        '"ai-team" = "?"  # a vendor of the price list, or "none"',
        '"groq" = "groq"',
        '"openai" = "openai"',
    ]
    settled = Book(parse('[vendors]\n"ai-team" = "none"\n"g*" = "groq"\n'))
    assert list(prices.vendor_lines(FOUND, settled).values()) == ['"openai" = "openai"']


@pytest.mark.parametrize("name", ["ai-team", 'we"ird', "tab\there"])
def test_a_proposed_line_is_refused_until_it_is_filled_in(name: str) -> None:
    with pytest.raises(PriceFileError, match="must be one of anthropic"):
        parse(f"[vendors]\n{vendor_line(name)}\n")
    assert parse(f"[vendors]\n{vendor_line(name, 'groq')}\n").vendor(name) == "groq"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with filled(tmp_path / "store.duckdb") as opened, looking(opened, END):
        yield opened


def test_the_instances_of_a_period_add_up_to_its_spend(store: Store) -> None:
    rows: list[Any] = facts().usage
    found = prices.instances(
        store, datetime(2020, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
    )
    assert found["cost"].dropna().sum() == sum(row["cost"] or 0 for row in rows)
    assert found["requests"].sum() == sum(row["requests"] for row in rows)


def test_trust_shows_who_bills(store: Store) -> None:
    assert store
    test = app("trust", range="Last 90 days", tz="UTC")
    assert not test.exception
    assert "Who bills?" in said(test)
    heads = shown_tables.table(test, "who-bills").heads
    assert {"Instance", "Who bills", "Why", "Since", "Share of spend"} <= set(heads)
    assert any(str(one.value).startswith("[vendors]") for one in test.get("code"))


def test_who_bills_is_asked_once_until_the_prices_file_changes(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert store
    file, asked, billing = tmp_path / "prices.toml", [], prices.billing
    settings.install(settings.current().model_copy(update={"prices_file": str(file)}))

    def counted(*arguments: Any) -> prices.Billing:
        asked.append(arguments)
        return billing(*arguments)

    monkeypatch.setattr(prices, "billing", counted)
    file.write_text("[vendors]\n", "utf-8")
    test = app("trust", range="Last 90 days", tz="UTC")
    before = shown_tables.table(test, "who-bills").rows
    assert shown_tables.table(test.run(), "who-bills").rows == before
    assert len(asked) == 1
    name = next(row["Instance"] for row in before if row["Instance"] != "Unknown")
    file.write_text(f'[vendors]\n"{name}" = "groq"\n', "utf-8")
    assert shown_tables.table(test.run(), "who-bills").rows != before
    assert len(asked) == 2
    file.write_text("[vendors\n", "utf-8")
    for _ in range(2):
        assert "Could not read the prices file" in str([each.value for each in test.run().error])


def test_a_store_that_no_sync_has_filled_says_so_and_shows_no_empty_table(tmp_path: Path) -> None:
    with Store.open(tmp_path / "empty.duckdb") as empty, looking(empty, END):
        test = app("trust")
        assert not test.exception
        assert "No sync has been made yet." in said(test)
        assert "No usage of this period is without a price." in said(test)
        assert all(table.rows for table in shown_tables.tables(test))
