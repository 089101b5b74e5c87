from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from token_rows import AT

from bridgeboard.pricing import Book, PriceFileError, Status, load, parse
from bridgeboard.pricing.operator_prices import meet


def book(text: str) -> Book:
    return Book(parse(text))


def test_a_price_of_the_operator_comes_before_the_list() -> None:
    text = '[[price]]\nprovider_name = "corp-*"\nmodel = "gpt-5*"\ninput = 1.5\noutput = 2\n'
    ours = book(text).resolve("openai", "Corp-1", "GPT-5", AT)
    theirs = book(text).resolve("openai", "openai", "gpt-5", AT)
    assert (ours.status, ours.source, ours.cards[0].rates[:3]) == (
        Status.PRICED,
        "operator",
        (1_500_000, 2_000_000, 1_500_000),
    )
    assert ours.note == "prices.toml, line 1"
    assert theirs.source == "genai-prices"


def test_a_multiplier_scales_every_tier_of_the_list_price() -> None:
    found = book('[[price]]\nmodel = "gpt-5.4"\nmultiplier = 0.9\n').resolve(
        "openai", "openai", "gpt-5.4", AT
    )
    assert [(card.above, card.rates[0]) for card in found.cards] == [
        (-1, 2_250_000),
        (272_000, 4_500_000),
    ]


def test_an_alias_lends_a_deployment_the_price_of_a_listed_model() -> None:
    found = book('[[price]]\nmodel = "prod-chat"\nalias = "azure/gpt-5"\n').resolve(
        "openai", "azure", "prod-chat", AT
    )
    assert (found.status, found.price_id) == (Status.PRICED, "openai/gpt-5")


@pytest.mark.parametrize(
    ("billing", "status"),
    [
        ("metered", Status.PRICED),
        ("included", Status.INCLUDED),
        ("seat", Status.NOTIONAL),
        ("byok", Status.NOTIONAL),
        ("free", Status.FREE),
    ],
)
def test_the_billing_word_decides_the_status(billing: str, status: Status) -> None:
    found = book(f'[[price]]\nmodel = "gpt-5"\nbilling = "{billing}"\n').resolve(
        "openai", "openai", "gpt-5", AT
    )
    assert found.status is status
    assert found.cards


def test_metered_makes_copilot_spend() -> None:
    text = '[[price]]\nprovider_name = "copilot*"\nmodel = "claude*"\nbilling = "metered"\n'
    found = book(text).resolve("copilot", "copilot-business", "claude-sonnet-4.6", AT)
    assert found.status is Status.PRICED


def test_a_discount_on_an_unknown_model_makes_no_price() -> None:
    found = book('[[price]]\nmodel = "mystery"\nmultiplier = 0.5\n').resolve(
        "openai", "openai", "mystery", AT
    )
    assert (found.status, found.cards) == (Status.UNPRICED, ())


@pytest.mark.parametrize("says", ["input = 1\noutput = 1", 'alias = "openai/gpt-5"'])
def test_a_wildcard_prices_no_request_without_a_model(says: str) -> None:
    wild, named = (
        book(f'[[price]]\nmodel = "{model}"\n{says}\n').resolve(
            "openai", "openai", "coder-aibridge-unknown", AT
        )
        for model in ("*", "coder-aibridge-unknown")
    )
    assert (wild.status, named.status) == (Status.UNPRICED, Status.PRICED)


def test_a_seat_covers_requests_without_a_model_too() -> None:
    found = book('[[price]]\nbilling = "seat"\n').resolve("openai", "openai", "", AT)
    assert (found.status, found.cards) == (Status.NOTIONAL, ())


def test_a_row_holds_from_its_first_moment_until_just_before_its_last() -> None:
    text = (
        '[[price]]\nmodel = "m"\ninput = 1\noutput = 1\n'
        "valid_from = 2026-01-01\nvalid_to = 2026-02-01T00:00:00Z\n"
    )
    start, end = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)
    tick = timedelta(microseconds=1)
    asked = [start - tick, start, end - tick, end]
    priced = [book(text).resolve("openai", "o", "m", at).status is Status.PRICED for at in asked]
    assert priced == [False, True, True, False]
    assert {start, end} <= set(book(text).edges())


def test_an_instance_can_be_mapped_to_its_vendor() -> None:
    found = book('[vendors]\n"vllm-*" = "azure"\n').resolve("openai", "vllm-west", "gpt-5", AT)
    assert (found.vendor, found.status) == ("azure", Status.PRICED)


def test_neighbours_that_touch_in_time_or_name_do_not_overlap() -> None:
    rows = [
        'model = "m"\nbilling = "free"\nvalid_to = 2026-01-01',
        'model = "m"\nbilling = "seat"\nvalid_from = 2026-01-01',
        'model = "n*"\nbilling = "seat"',
    ]
    assert len(parse("".join(f"[[price]]\n{row}\n" for row in rows)).overrides) == 3


@pytest.mark.parametrize(
    ("text", "line", "hint"),
    [
        ('[[price]]\nmodel = "m"\ninput = "1"\noutput = 2', 3, "'input' must be a number"),
        ('[[price]]\nmodel = "m"\ninput = -1\noutput = 2', 3, "'input' must be a number"),
        ('[[price]]\nmodel = "m"\ninput = nan\noutput = 2', 3, "'input' must be a number"),
        ('[[price]]\nmodel = "m"\ninput = true\noutput = 2', 3, "'input' must be a number"),
        ('[[price]]\nmodel = "m"\ninput = 1', 1, "needs both 'input' and 'output'"),
        (
            '[[price]]\nmodel = "m"\n\nbiling = "free"',
            4,
            "'biling' is unknown; there are provider_name, ",
        ),
        ('[[price]]\nmodel = "m"\nbilling = "gratis"', 3, "'billing' must be one of metered"),
        ('[[price]]\nmodel = "m"', 1, "says nothing; add prices"),
        ('[[price]]\nmodel = 5\nbilling = "free"', 2, "'model' must be a non-empty text"),
        ('[[price]]\nmodel = "m[1]"\nbilling = "free"', 2, "may have only * and ? as wildcards"),
        ("[[price]]\nmultiplier = 0", 2, 'for no cost write billing = "free"'),
        ('[[price]]\nalias = "gpt-5"', 2, "'alias' is written vendor/model"),
        ('[[price]]\nalias = "openai/nope"', 2, "is 'openai/nope': there is no list price for it"),
        (
            '[[price]]\nalias = "openai/gpt-5"\ninput = 1\noutput = 1',
            2,
            "'alias' cannot stand beside prices",
        ),
        ('[[price]]\nbilling = "free"\nvalid_from = "May"', 3, "must be a date such as"),
        (
            '[[price]]\nbilling = "free"\nvalid_from = 2026-02-01\nvalid_to = 2026-02-01',
            4,
            "'valid_to' must be after",
        ),
        (
            (
                '[[price]]\nmodel = "gpt-*"\nbilling = "free"\n\n'
                '[[price]]\nmodel = "*-5"\nbilling = "seat"'
            ),
            5,
            "overlaps the [[price]] of line 1; narrow one",
        ),
        ("# prices\nmodels = 3", 2, "'models' is unknown; use [[price]] or [vendors]"),
        ("price = [{model = 'm', billing = 'free'}]", 1, "as a [[price]] table of its own"),
        ("price = 3", 1, "as a [[price]] table of its own"),
        ("vendors = 3", 1, "[vendors] must map"),
        ('[vendors]\n"a*" = "acme"', 2, "'a*' must be one of anthropic"),
        ('[vendors]\n"a*" = "azure"\n"*b" = "aws"', 3, "overlaps 'a*'; make one narrower"),
        ("price = [\n", 0, "not valid TOML"),
    ],
)
def test_a_mistake_is_named_with_its_line_and_what_to_do(text: str, line: int, hint: str) -> None:
    with pytest.raises(PriceFileError) as told:
        parse(text, name="my/prices.toml")
    assert str(told.value).startswith(
        f"my/prices.toml, line {line}: " if line else "my/prices.toml: "
    )
    assert hint in str(told.value)


def test_a_file_is_read_from_its_path(tmp_path: Path) -> None:
    path = tmp_path / "prices.toml"
    path.write_text('[[price]]\nmodel = "m"\nbilling = "free"\n', "utf-8")
    assert load(path).overrides[0].billing == "free"


@pytest.mark.parametrize("content", [None, b"\xff"])
def test_an_unreadable_file_is_named(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "prices.toml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(PriceFileError, match=r"prices\.toml (cannot be read|is not in UTF-8)"):
        load(path)


globs = st.text("ab*?", max_size=5)


@given(globs, globs)
def test_globs_that_share_a_name_are_known_to_meet(one: str, other: str) -> None:
    letters = [""]
    names = list(letters)
    for _ in range(6):
        letters = [name + letter for name in letters for letter in "ab"]
        names += letters
    shared = any(fnmatchcase(n, one) and fnmatchcase(n, other) for n in names)
    assert not shared or meet(one, other)


@pytest.mark.parametrize(("one", "other"), [("gpt-4*", "gpt-5*"), ("?", "aa"), ("*a", "*b")])
def test_globs_without_a_common_name_do_not_meet(one: str, other: str) -> None:
    assert not meet(one, other)
    assert not meet(other, one)


def test_a_specific_row_comes_before_the_one_for_everything_else() -> None:
    text = (
        '[[price]]\nmodel = "*"\nbilling = "free"\n[[price]]\nmodel = "gpt-5*"\nmultiplier = 0.5\n'
    )
    found = book(text)
    named, rest = (found.resolve("openai", "openai", name, AT) for name in ("gpt-5", "own-model"))
    assert (named.status, named.cards[0].rates[0]) == (Status.PRICED, 625_000)
    assert rest.status is Status.FREE


TIERED = (
    '[[price]]\nmodel = "m"\ninput = 1\noutput = 2\n'
    "[[price.tiers]]\nabove = 400000\ninput = 4\noutput = 8\n"
    "[[price.tiers]]\nabove = 200000\ninput = 2\noutput = 4\n"
)


def test_an_own_price_may_have_context_tiers() -> None:
    found = book(TIERED).resolve("openai", "corp", "m", AT)
    assert [(card.above, card.rates[:2]) for card in found.cards] == [
        (-1, (1_000_000, 2_000_000)),
        (200_000, (2_000_000, 4_000_000)),
        (400_000, (4_000_000, 8_000_000)),
    ]
    assert found.card(200_000).above == -1


@pytest.mark.parametrize(
    ("tiers", "hint"),
    [
        ("[{ above = 1, input = 2 }]", "names what the price names"),
        ("[{ above = 1, input = 2, output = 2, cache_read = 1 }]", "names what the price names"),
        ("[{ input = 2, output = 2 }]", "says 'above'"),
        ("[{ above = 1.5, input = 2, output = 2 }]", "says 'above'"),
        ("[{ above = -1, input = 2, output = 2 }]", "'above' must be a number"),
        ("5", "'tiers' is a list"),
        ('["x"]', "'tiers' is a list"),
        (
            "[{ above = 1, input = 2, output = 2 }, { above = 1, input = 2, output = 2 }]",
            "has two that begin",
        ),
        ("[{ above = 1, input = 2, output = 2, typo = 1 }]", "names what the price names"),
    ],
)
def test_a_tier_that_is_not_clear_is_refused(tiers: str, hint: str) -> None:
    with pytest.raises(PriceFileError, match=hint):
        parse(f'[[price]]\nmodel = "m"\ninput = 1\noutput = 2\ntiers = {tiers}\n')


@pytest.mark.parametrize(("wrong", "key"), [("above = 400000", "above"), ("input = 4", "input")])
def test_a_mistake_in_a_tier_is_at_the_line_where_tiers_begin(wrong: str, key: str) -> None:
    text = TIERED.replace(wrong, f"{key} = -1") + '[[price]]\nmodel = "n"\nbilling = "free"\n'
    with pytest.raises(PriceFileError, match=f"line 5: '{key}' must be a number"):
        parse(text)


def test_tiers_without_a_price_are_refused() -> None:
    with pytest.raises(PriceFileError, match="need a price"):
        parse('[[price]]\nmodel = "m"\ntiers = [{ above = 1, input = 2, output = 2 }]\n')
