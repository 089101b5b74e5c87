"""Why spend changed, over a synced store: exact sums, right cells, and what cannot be said."""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

import demo_sync
import pytest
from demo_worlds import small
from hypothesis import given, settings
from hypothesis import strategies as st

from bridgeboard import pricing
from bridgeboard.access import RowAccess
from bridgeboard.analysis import token_costs
from bridgeboard.analysis.bridge import effects
from bridgeboard.analysis.headlines import Number
from bridgeboard.analysis.runner import AnswerCache, Runner
from bridgeboard.analysis.spend_bridge import MEANINGS, Bridge, Step, bridge, parts
from bridgeboard.analysis.token_costs import shared
from bridgeboard.model.accuracy import EXACT, Accuracy
from bridgeboard.model.scope import Scope
from bridgeboard.pricing import Book
from bridgeboard.queries.metric_query import values
from bridgeboard.store import Store

BOOK = Book()
WHOLE = Scope(small().start, small().end)
LATE = Scope(small().start + (small().end - small().start) / 2, small().end)
DOLLAR = 10**12
FILTERS = ("team", "initiator", "model", "client", "provider")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with demo_sync.whole(tmp_path_factory.mktemp("synced")) as opened:
        yield opened


def asked(store: Store, row_access: RowAccess | None = None) -> Runner:
    return Runner(store, row_access or RowAccess.numbers(), AnswerCache(512))


@settings(max_examples=8, deadline=None)
@given(data=st.data())
def test_the_steps_of_any_scope_are_the_difference_of_its_cards(
    store: Store, data: st.DataObject
) -> None:
    questions = asked(store)
    scope = LATE
    for by in data.draw(st.sets(st.sampled_from(FILTERS), max_size=2)):
        known = questions.ask(values(by, WHOLE)).column(by)
        scope = scope.only(by, *data.draw(st.sets(st.sampled_from(known), min_size=1, max_size=3)))
    cut = data.draw(st.integers(1, 13))
    scope = Scope(
        scope.until - timedelta(days=cut), scope.until, scope.zone, scope.include, scope.exclude
    )
    made = bridge(questions, scope, scope.previous(), BOOK)
    ends = [questions.totals(("spend",), one)["spend"] for one in (scope.previous(), scope)]
    if not made.why_none:
        assert made.change == ends[1] - ends[0]
        assert [made.before.value, made.now.value] == ends
        assert len(made.steps) == len({step.name for step in made.steps})


def test_cells_are_what_every_single_response_cost(store: Store) -> None:
    expected: Counter[str] = Counter()
    rows = store.rows(
        "SELECT u.model, u.provider, u.provider_name, u.credential_kind, r.answered_at, r.input,"
        " r.output, r.cache_read, r.cache_write, r.cache_write_1h, r.web_searches, r.tier, r.cost"
        " FROM responses r JOIN usage u USING (usage) WHERE r.cost > 0 AND u.started_at >= $1",
        [LATE.since.replace(tzinfo=None)],
    )
    for (
        model,
        provider,
        name,
        credential,
        at,
        fresh,
        out,
        read,
        write,
        hour,
        found,
        tier,
        cost,
    ) in rows:
        price = BOOK.resolve(
            provider,
            name or "",
            model,
            at.replace(tzinfo=small().end.tzinfo),
            byok=credential == "byok",
        )
        rates = dict(zip(pricing.CLASSES, price.card(tier + 1).rates, strict=True))
        each = {
            "input": fresh * (rates["input"] or 0),
            "output": out * (rates["output"] or 0) + found * (rates["web_search"] or 0),
            "cache_read": read * (rates["cache_read"] or 0),
            "cache_write": (write - hour) * (rates["cache_write"] or 0)
            + hour * (rates["cache_write_1h"] or 0),
        }
        assert sum(each.values()) == cost
        expected.update({f"{model}|{kind}": amount for kind, amount in each.items()})
    made = token_costs.skus(asked(store), LATE, BOOK, "")[""]
    assert {name: cell["cost"] for name, cell in made.items() if cell["cost"]} == {
        name: amount for name, amount in expected.items() if amount
    }


def test_prices_that_did_not_change_are_no_step(store: Store) -> None:
    week = Scope(small().end - timedelta(days=7), small().end).only("provider", "anthropic")
    made = bridge(asked(store), week, week.previous(), BOOK)
    assert made.change
    steps = {step.name: step.amount for step in made.steps}
    assert abs(steps["unit_price"]) < abs(made.change) / 20  # models by several vendors


def test_costs_that_the_book_does_not_know_are_shared_out_and_add_up(store: Store) -> None:
    text = "[[price]]\nmodel = '*'\ninput = 1\noutput = 3\ncache_read = 1\ncache_write = 1\n"
    made = bridge(asked(store), LATE, LATE.previous(), Book(pricing.parse(text)))
    known = bridge(asked(store), LATE, LATE.previous(), BOOK)
    assert made.change == known.change == (made.now.value or 0) - (made.before.value or 0)
    assert made.steps != known.steps


@pytest.mark.parametrize("by", ["initiator", "family"])
def test_whole_changes_of_parts_add_up_to_that_of_all(store: Store, by: str) -> None:
    questions = asked(store)
    each = parts(questions, LATE, LATE.previous(), by, BOOK)
    whole = bridge(questions, LATE, LATE.previous(), BOOK)
    assert sum(part.change for part in each) == whole.change
    assert all(part.bridge.change == part.change for part in each if part.bridge.steps)
    assert each[0].bridge.steps
    sizes = [abs(part.change) for part in each]
    assert sizes == sorted(sizes, reverse=True)
    assert len(each) > 1


def test_a_reader_has_the_steps_of_the_own_rows_alone(store: Store) -> None:
    last = Scope(small().end - timedelta(days=2), small().end)
    person = asked(store).ask(values("initiator", last)).column("initiator")[0]
    made = bridge(asked(store, RowAccess.of_person(person)), last, last.previous(), BOOK)
    of_person = last.only("initiator", person)
    known = bridge(asked(store), of_person, of_person.previous(), BOOK)
    assert made.steps == known.steps
    assert made.steps


def test_who_sees_groups_only_is_told_why_there_are_no_steps(store: Store) -> None:
    made = bridge(asked(store, RowAccess(floor=3)), LATE, LATE.previous(), BOOK)
    assert not made.steps
    assert "groups of people" in made.in_words


def test_without_records_from_before_there_are_no_steps(store: Store) -> None:
    made = bridge(asked(store), WHOLE, WHOLE.previous(), BOOK)
    assert not made.steps
    assert "no records" in made.in_words


def known(*steps: tuple[str, int], standing: str = "exact", **more: object) -> Bridge:
    before = Number(100 * DOLLAR, EXACT)
    change = sum(dollars for _, dollars in steps) * DOLLAR
    now = Number(100 * DOLLAR + change, Accuracy(standing))  # type: ignore[arg-type] # a standing
    made = tuple(Step(name, dollars * DOLLAR) for name, dollars in steps)
    return Bridge(before, now, made, **more)  # type: ignore[arg-type] # fields of it


def test_the_sentence_names_the_largest_steps_and_what_is_left() -> None:
    made = known(("people", 5), ("model_mix", -20), ("unit_price", 40), ("new_models", 1))
    assert made.in_words == (
        "Spend rose by $26.00, from $100.00 to $126.00: prices +$40.00, model mix -$20.00,"
        " people +$5.00, all else +$1.00."
    )
    assert "fell by" in known(("people", -5)).in_words
    assert known(("people", 0)).in_words.startswith("Spend is what it was")


def test_a_period_in_which_nothing_was_billed_is_an_amount_in_the_sentence() -> None:
    made = known(("retired_models", -100), standing="not billed")
    assert made.in_words.startswith("Spend fell by $100.00, from $100.00 to $0.00:")


def test_a_lower_bound_makes_steps_about_right_and_says_what_is_left_out() -> None:
    made = known(("people", 5), standing="at_least", unpriced=(7, 1000))
    assert "rose by ≈" in made.in_words
    assert "to ≥" in made.in_words
    assert made.notes == ("Tokens without a price are in no step: 7 before, 1,000 now.",)


def test_counts_that_are_no_exact_ones_have_no_step() -> None:
    made = known(("tokens", 5), merged={"people": ("some unread",), "sessions": ("some unread",)})
    assert made.notes == (
        "People and sessions have no step, as their number is not exact: some unread.",
    )


def test_every_effect_has_a_meaning() -> None:
    counts = ("people", "sessions", "requests")
    for place in range(8):
        merged = {name for bit, name in enumerate(counts) if place >> bit & 1}
        assert set(effects(merged)) <= set(MEANINGS)


@given(st.integers(0, 10**18), st.lists(st.integers(0, 10**12), min_size=1, max_size=6))
def test_an_amount_is_shared_out_whole(amount: int, weights: list[int]) -> None:
    made = shared(amount, weights)
    assert sum(made) == amount
    if whole := sum(weights):
        for part, weight in zip(made, weights, strict=True):
            assert amount * weight // whole <= part <= amount * weight // whole + 1
