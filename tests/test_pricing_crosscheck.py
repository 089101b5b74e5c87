"""The price list against what it said before, and against two other sources of prices."""

import csv
from datetime import UTC, datetime
from decimal import Decimal
from importlib.resources import files
from pathlib import Path

import pytest

from bridgeboard.pricing import Book, Card, Status, bundled_prices, other_price_lists

FILE = Path(__file__).parent / "vectors" / "prices-crosscheck.csv"
BOOK = Book()
MICRO = 10**6
JULY, NOVEMBER = datetime(2026, 7, 24, tzinfo=UTC), datetime(2026, 11, 23, tzinfo=UTC)
PEERS = {"coder": JULY, "litellm": NOVEMBER}
SUFFIXES = ("in", "out", "cr", "cw", "cw1h")
WIRE = {
    "anthropic": ("anthropic", "anthropic"),
    "openai": ("openai", "openai"),
    "bedrock": ("anthropic", "bedrock"),
    "google": ("openai", "google"),
    "copilot": ("copilot", "copilot"),
}

TODAY = datetime(2026, 11, 24, tzinfo=UTC)
REGIONAL = "an endpoint bound to a region costs 10 % more than the global one; theirs is global"
INCLUDED = "the model is part of the Copilot plan; theirs is what it costs elsewhere"
DISAGREEMENTS = {
    ("coder", "us.anthropic.claude-sonnet-4-5-20250929-v1:0"): REGIONAL,
    ("coder", "us.anthropic.claude-opus-4-7"): REGIONAL,
    ("coder", "copilot gpt-4.1"): INCLUDED,
    ("litellm", "copilot gpt-4.1"): INCLUDED,
}
"""Each disagreement of more than 1 % on a price without tiers, and why we keep ours."""

with FILE.open(encoding="utf-8", newline="") as opened:
    LINES = list(csv.DictReader(opened))


def cards(line: dict[str, str], at: datetime) -> tuple[Card, ...]:
    return BOOK.resolve(*WIRE[line["provider"]], line["model"], at).cards


def title(line: dict[str, str]) -> str:
    copilot = line["provider"] in {"copilot", "github-copilot"}
    return f"copilot {line['model']}" if copilot else line["model"]


def differs(line: dict[str, str], peer: str) -> bool:
    ours = cards(line, PEERS[peer])
    for place, suffix in enumerate(SUFFIXES):
        told = line.get(f"{peer}_{suffix}") or "-"
        rate = (ours[0].rates[place] or 0) if ours else 0
        if told != "-" and abs(Decimal(told) * MICRO - rate) > Decimal(told) * MICRO / 100:
            return True
    return False


def test_every_disagreement_with_another_source_is_known_and_reasoned() -> None:
    found = {(peer, title(line)) for line in LINES for peer in PEERS if differs(line, peer)}
    assert found == set(DISAGREEMENTS)


def told(line: dict[str, str], suffix: str, at: datetime) -> str:
    day = at.strftime("%Y%m%d")
    # The July columns carry the day in the first heading only, and only July has the 1h rate.
    return line[f"genai_{suffix}_{day}" if at == NOVEMBER or suffix == "in" else f"genai_{suffix}"]


@pytest.mark.parametrize("at", [JULY, NOVEMBER], ids=["july", "november"])
@pytest.mark.parametrize("line", LINES, ids=title)
def test_the_list_says_what_it_said_when_it_was_checked(line: dict[str, str], at: datetime) -> None:
    ours = cards(line, at)
    for place, suffix in enumerate(SUFFIXES if at == JULY else SUFFIXES[:4]):
        base, _, tier = told(line, suffix, at).partition("|>")
        if base in {"", "-"}:
            continue
        assert ours[0].rates[place] == Decimal(base) * MICRO
        if tier:
            above, _, rate = tier.partition("k:")
            assert (ours[1].above, ours[1].rates[place]) == (
                int(above) * 1000,
                Decimal(rate) * MICRO,
            )


def test_the_snapshot_gives_the_reason_of_each_disagreement() -> None:
    text = files("bridgeboard.pricing").joinpath("other_price_lists.csv").read_text("utf-8")
    reasons = {
        (line["source"], title({**line, "provider": line["vendor"]})): line["reason"]
        for line in csv.DictReader(text.splitlines())
        if line["reason"]
    }
    assert reasons == DISAGREEMENTS


@pytest.fixture
def forgetful(monkeypatch: pytest.MonkeyPatch) -> None:
    """A first list that knows no model at all."""
    monkeypatch.setattr(bundled_prices, "listed", lambda _vendor, _model: None)


@pytest.mark.usefixtures("forgetful")
@pytest.mark.parametrize("model", ["claude-opus-4-7", "claude-opus-4-7-20990101"])
def test_the_snapshot_speaks_for_what_the_first_list_does_not_know(model: str) -> None:
    price = BOOK.resolve("anthropic", "anthropic", model, TODAY)
    assert (price.status, price.source) == (Status.PRICED, "snapshot litellm")
    assert price.cards[0].rates[:5] == tuple(int(usd * MICRO) for usd in (5, 25, 0.5, 6.25, 10))
    assert "2026-11-23" in price.note


@pytest.mark.usefixtures("forgetful")
def test_the_snapshot_knows_no_service_tiers_and_nothing_that_only_resembles_it() -> None:
    fast = BOOK.resolve("anthropic", "anthropic", "claude-opus-4-7-fast", TODAY)
    flex = BOOK.resolve("openai", "openai", "gpt-5", TODAY, service_tier="flex")
    assert {fast.status, flex.status} == {Status.UNPRICED}


def test_the_snapshot_holds_what_the_sources_said() -> None:
    quoted = {
        (q.source, q.vendor, q.model): q for line in other_price_lists.QUOTES.values() for q in line
    }
    vendors = {"bedrock": "aws", "copilot": "github-copilot"}
    for line in LINES:
        for peer in PEERS:
            told = [line.get(f"{peer}_{suffix}") or "-" for suffix in SUFFIXES]
            seller = vendors.get(line["provider"], line["provider"])
            quote = quoted.pop((peer, seller, line["model"]), None)
            assert (quote is None) == (set(told) == {"-"})
            for place, usd in enumerate(told):
                if quote and usd != "-":
                    assert quote.card.rates[place] == Decimal(usd) * MICRO
    assert not quoted
