from functools import partial
from pathlib import Path

import commands
import pytest

pytestmark = pytest.mark.usefixtures("no_settings")
run = partial(commands.run, "price")
asked = partial(commands.answered, "price")
RATES = ("input", "output", "cache_read", "cache_write_5m", "cache_write_1h")


def test_a_price_is_told_with_its_source_and_its_reasons() -> None:
    asking = ("--provider", "anthropic", "--instance", "anthropic", "--at", "2026-11-20")
    told = asked("us.anthropic.claude-opus-4-6-v1", *asking)
    assert told.pop("reason") == "the model id is spelled as only Bedrock does"
    assert told == {
        "status": "priced",
        "vendor": "aws",
        "model_id": "regional.anthropic.claude-opus-4-6-v1:0",
        "input_usd_per_million": "5.5",
        "output_usd_per_million": "27.5",
        "cache_read_usd_per_million": "0.55",
        "cache_write_5m_usd_per_million": "6.875",
        "cache_write_1h_usd_per_million": "11",
        "tiers": [],
        "source": "genai-prices",
        "valid_from": None,
    }


def test_what_has_no_price_has_nulls_and_a_reason() -> None:
    told = asked("gpt-oss-120b", "--provider", "openai", "--instance", "ai-team")
    assert (told["status"], told["vendor"], told["model_id"]) == ("unpriced", None, None)
    assert {told[f"{name}_usd_per_million"] for name in RATES} == {None}
    assert told["reason"] == "nobody knows who bills for this provider"


def test_tokens_are_priced_in_the_tier_of_their_prompt() -> None:
    told = asked("gpt-5.4", "--provider", "openai", "--tokens", "input=272001,output=10")
    assert told["tiers"][0]["above_tokens"] == 272_000
    assert told["input_usd_per_million"] == told["tiers"][0]["input_usd_per_million"] == "5"
    assert told["usd"] == "1.360230"[:-1]


def test_an_hours_cache_writes_are_told_and_priced_apart() -> None:
    openrouter = ("anthropic/claude-opus-5", "--provider", "anthropic", "--instance", "openrouter")
    told = asked(*openrouter, "--tokens", "cache_write_1h=1000000")
    assert (told["usd"], told["cache_write_5m_usd_per_million"]) == ("10", "6.25")


@pytest.mark.parametrize(
    ("at", "rate", "since"),
    [
        ("2026-11-21T02:00Z", "0.66", "2026-08-23T00:00:00+00:00"),
        ("2026-11-20T04:00+02:00", "1.32", "2026-08-23T00:00:00+00:00"),
        ("2026-06-10T02:00", "0.435", "2026-05-22T00:00:00+00:00"),
    ],
)
def test_a_price_is_that_of_its_moment(at: str, rate: str, since: str) -> None:
    told = asked("deepseek-v4-pro", "--provider", "openai", "--instance", "deepseek", "--at", at)
    assert (told["input_usd_per_million"], told["valid_from"]) == (rate, since)
    assert "corrected" in told["reason"]


def test_the_operators_file_counts(tmp_path: Path) -> None:
    prices = tmp_path / "prices.toml"
    prices.write_text('[vendors]\n"ai-team" = "ovhcloud"\n', "utf-8")
    asking = ("gpt-oss-120b", "--provider", "openai", "--instance", "ai-team")
    told = asked(*asking, BRIDGEBOARD_PRICES=str(prices))
    assert (told["vendor"], told["output_usd_per_million"]) == ("ovhcloud", "0.47")
    assert "maps the instance" in told["reason"]
    prices.write_text("[vendors]\nx = 1\n", "utf-8")
    broken = run(*asking, BRIDGEBOARD_PRICES=str(prices))
    assert (broken.exit_code, "'x' must be one of" in broken.output) == (2, True)


def test_in_words_the_price_says_the_same() -> None:
    said = run(
        "gpt-5.4", "--provider", "openai", "--instance", "openai", "--tokens", "output=1000000"
    )
    assert said.exit_code == 0
    assert "priced: gpt-5.4 of openai" in said.output
    assert "output: $15 per million tokens" in said.output
    assert "above 272,000 tokens of prompt: $5 in" in said.output
    assert "these tokens: $15" in said.output
    assert "because the instance is named like openai" in said.output


@pytest.mark.parametrize(
    "wrong",
    [
        ("--provider", "google"),
        ("--provider", "openai", "--at", "yesterday"),
        ("--provider", "openai", "--tokens", "input=many"),
        ("--provider", "openai", "--tokens", "inputs=1"),
        (),
    ],
)
def test_what_makes_no_sense_is_refused(wrong: tuple[str, ...]) -> None:
    assert run("gpt-5", *wrong).exit_code == 2
