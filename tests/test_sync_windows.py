from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridgeboard.sync import windows
from bridgeboard.sync.windows import Span

TICK = timedelta(microseconds=1)
LAW = settings(deadline=None, max_examples=200)
MOMENTS = st.datetimes(
    datetime(1990, 1, 1),  # noqa: DTZ001  # hypothesis adds the zone
    datetime(2090, 1, 1),  # noqa: DTZ001  # likewise
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=-11)), timezone(timedelta(hours=13))]),
)
SINCE = st.one_of(st.none(), MOMENTS)


def asked(span: Span, moment: datetime) -> bool:
    """Whether the server would tell a row of that moment: both bounds are inclusive."""
    after, before = span.search.started_after, span.search.started_before
    return (after is None or moment >= after) and (before is None or moment <= before)


@LAW
@given(now=MOMENTS, since=SINCE, days=st.integers(0, 90))
def test_the_spans_of_a_plan_touch_and_never_overlap(
    now: datetime, since: datetime | None, days: int
) -> None:
    spans = windows.plan(now, since, days=days)
    assert spans[0].until is None
    for newer, older in pairwise(spans):
        assert older.until == newer.since
    for span in spans:
        assert span.since is None or span.until is None or span.since < span.until


@LAW
@given(now=MOMENTS, since=SINCE, days=st.integers(0, 90), data=st.data())
def test_every_moment_is_asked_for_exactly_once(
    now: datetime, since: datetime | None, days: int, data: st.DataObject
) -> None:
    spans = windows.plan(now, since, days=days)
    edges = [edge for span in spans for edge in span if edge]
    near = st.sampled_from(edges or [now]).flatmap(
        lambda edge: st.sampled_from([edge - TICK, edge, edge + TICK])
    )
    moment = data.draw(st.one_of(MOMENTS, near))
    wanted = since is None or moment >= since.replace(microsecond=0)
    assert sum(asked(span, moment) for span in spans) == int(wanted)


@LAW
@given(now=MOMENTS, since=SINCE)
def test_the_newest_span_of_a_plan_can_be_asked_for_again(
    now: datetime, since: datetime | None
) -> None:
    again, first = windows.newest(now), windows.plan(now, since)[0]
    assert again.until is None
    assert again.since is not None
    assert first.since is not None
    assert again.since <= first.since


def test_a_first_plan_goes_back_day_by_day_and_then_to_the_beginning() -> None:
    spans = windows.plan(datetime(2026, 5, 20, 15, 30, tzinfo=UTC))
    assert len(spans) == 62
    assert spans[0] == (datetime(2026, 5, 20, tzinfo=UTC), None)
    assert spans[1] == (datetime(2026, 5, 19, tzinfo=UTC), datetime(2026, 5, 20, tzinfo=UTC))
    assert spans[-1] == (None, datetime(2026, 3, 21, tzinfo=UTC))


@pytest.mark.parametrize("hours", [0, 1, 15, 16, 24, 47])
def test_a_plan_since_a_moment_begins_there(hours: int) -> None:
    now = datetime(2026, 5, 20, 15, 30, tzinfo=UTC)
    since = now - timedelta(hours=hours)
    assert windows.plan(now, since)[-1].since == since


def test_a_plan_since_a_moment_yet_to_come_waits_for_it() -> None:
    now = datetime(2026, 5, 20, 15, 30, tzinfo=UTC)
    assert windows.plan(now, now + timedelta(days=3)) == [(now + timedelta(days=3), None)]
