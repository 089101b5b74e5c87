"""Findings of the radar on a chart over time: diamonds above their days, and links to them.

To look for findings takes seconds in a large store, so no page waits for it. A chart shows those
that are known; where they are not, its page asks for them once it has nothing else to do
(``static/findings.js``). With filters they are only looked for on the page Radar.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import streamlit as st

from bridgeboard import charts, formats
from bridgeboard.analysis.radar.finding import KINDS, Finding
from bridgeboard.model import periods
from bridgeboard.model.periods import Grain
from bridgeboard.model.scope import Scope
from bridgeboard.ui import current_user, navigation, runner, url
from bridgeboard.ui.components import clock, notices
from bridgeboard.ui.components.elements import element

FINDING: Final = "finding"
"""The parameter that names findings on Radar, by their keys."""
MOST: Final = 6
"""Links at most; the last one leads to the whole page."""
_LONGEST: Final = 240
_WANTED: Final = "findings_wanted"
_OPENED: Final = "findings_opened"

ByBucket = Mapping[Any, Sequence[Finding]]

_links = element("findings", '<p class="findings">\n</p>', "follow.js", "findings.js")


def swept(scope: Scope) -> tuple[Finding, ...]:
    """What looks wrong in a scope, to who looks now; looked for unless it is known."""
    questions, about = runner.current(), _about(scope)

    def findings() -> tuple[Finding, ...]:
        from bridgeboard.analysis.radar.sweep import sweep  # noqa: PLC0415 - not for every chart

        with questions.snapshot() as reader:
            return sweep(reader, scope, now=clock.now())

    return questions.cached(about, findings)


def _about(scope: Scope) -> tuple[str, Scope, datetime]:
    return "radar", scope, clock.now().replace(minute=0, second=0, microsecond=0)


def by_bucket(scope: Scope, grain: Grain, buckets: Sequence[Any]) -> ByBucket | None:
    """The findings that begin in each of some stretches of time, for who may see Radar.

    None where they are not known yet. What began before the first is in the first; what is of all
    of the period is of no day.
    """
    findings = known(scope)
    return None if findings is None else _placed(findings, scope, grain, buckets)


def known(scope: Scope) -> tuple[Finding, ...] | None:
    """Findings in a scope, for who may see Radar; None where nobody has looked for them yet."""
    if not current_user.reader().may_open("radar"):
        return ()
    findings: tuple[Finding, ...] | None = runner.current().known(_about(scope))
    return findings


def _placed(
    findings: Sequence[Finding], scope: Scope, grain: Grain, buckets: Sequence[Any]
) -> ByBucket:
    placed: dict[Any, list[Finding]] = {}
    starts = [(periods.bounds(scope, grain, bucket)[0], bucket) for bucket in buckets]
    for one in findings:
        if one.kind == "unpriced":
            continue
        at = one.first_at.astimezone(UTC)
        earlier = [bucket for start, bucket in starts if start <= at]
        if bucket := (earlier or buckets)[-1 if earlier else 0] if buckets else None:
            placed.setdefault(bucket, []).append(one)
    return {bucket: placed[bucket] for bucket in buckets if bucket in placed}


def marks(findings: ByBucket) -> list[charts.Mark]:
    """The diamonds of the chart."""
    return [charts.Mark(bucket, _words(some)) for bucket, some in findings.items()]


def opened(findings: ByBucket, bucket: str) -> None:
    """Go to the findings of a stretch of time after this run; for callbacks."""
    for each, some in findings.items():
        if charts.key(each) == bucket:
            number = st.session_state.get(_OPENED, {}).get("number", 0) + 1
            st.session_state[_OPENED] = {"number": number, "address": address(_keys(some))}


def show(findings: ByBucket | None, scope: Scope, grain: Grain, key: str) -> None:
    """Links to findings; where none are known, what asks for them later."""
    if findings is None:
        # While older requests are still missing, each batch would have them looked for again.
        if not scope.include and not scope.exclude and runner.current().coverage().is_whole:
            _later(scope, key)
        return
    if not findings:
        return
    links = [
        {
            "text": f"{charts.when(bucket, grain, scope.zone)}: {_kinds(some)}",
            "whole": _words(some),
            "address": address(_keys(some)),
        }
        for bucket, some in findings.items()
    ]
    if len(links) > MOST:
        every = navigation.page_address("radar", url.filters())
        more = {"text": f"All {len(links):,}", "whole": "Opens Radar.", "address": every}
        links = [*links[: MOST - 1], more]
    data = {"label": "◆ Findings:", "links": links, "waits": None}
    diamond = st.session_state.get(_OPENED)
    if diamond and diamond.get("address"):
        st.session_state[_OPENED] = {"number": diamond["number"]}
        data["opened"] = diamond
    _links(key=f"findings-{key}", data=data)


@st.fragment
def _later(scope: Scope, key: str) -> None:
    """Look for findings once the page is idle; if there are any, it runs again and shows them."""
    with notices.tile("the findings"):
        waits = f"{scope.since} {scope.until} {runner.current().version}"
        _links(
            key=f"findings-{key}",
            data={"label": "", "links": [], "waits": waits},
            on_idle_change=lambda: st.session_state.update({_WANTED: True}),
        )
        is_wanted = st.session_state.pop(_WANTED, False)
        has_any = bool(swept(scope)) if is_wanted else False
    if has_any:
        st.rerun()


def address(findings: Iterable[str]) -> str:
    """The address of Radar with only the findings of these keys."""
    words = {**url.filters(), FINDING: list(findings)}
    return navigation.page_address("radar", words)


def _keys(findings: Sequence[Finding]) -> list[str]:
    return [one.key for one in findings]


def _kinds(findings: Sequence[Finding]) -> str:
    kinds = dict.fromkeys(KINDS[one.kind].lower() for one in findings)
    return ", ".join(kinds)


def _words(findings: Sequence[Finding]) -> str:
    """What a diamond says: the first finding, and how many more there are."""
    first, *others = findings
    said = formats.middle(f"{KINDS[first.kind]}: {formats.line(first.reason)}", _LONGEST)
    return f"{said} And {formats.plural(len(others), 'more finding')}." if others else said
