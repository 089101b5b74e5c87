"""The pauses of a session that its cache did not survive, in words."""

from collections.abc import Sequence

from bridgeboard import formats, settings
from bridgeboard.analysis import session_pauses
from bridgeboard.analysis.session_pauses import Pause
from bridgeboard.queries.session_calls import REST, Part
from bridgeboard.ui import runner


def pauses(session: int) -> tuple[Pause, ...]:
    """The pauses of a session, in order."""
    prices = settings.current().prices_path
    return session_pauses.pauses(runner.current(), session, prices)


def places(every: Sequence[Pause], part: Part) -> list[int]:
    """The places of the calls of a part that a pause was before."""
    if part is None:
        return [each.place for each in every]
    thread = None if part == REST else part
    return [each.place_in_thread for each in every if each.thread == thread]


def sentence(pause: Pause) -> str:
    """What a pause cost: "Pause of 12m 5s; the cache had expired: ..."."""
    return (
        f"Pause of {formats.seconds(pause.seconds)}; the cache had expired: "
        f"{formats.exact(pause.tokens)} tokens were written again, {_more(pause)}."
    )


def together(every: Sequence[Pause]) -> str:
    """What all pauses cost; "" without any."""
    if not every:
        return ""
    if len(every) == 1:
        return sentence(every[0])
    tokens = formats.compact(sum(each.tokens for each in every))
    known = [each.cost for each in every if each.cost is not None]
    is_exact = len(known) == len(every) and all(each.standing == "exact" for each in every)
    spent = {each.is_spend for each in every}
    more = (
        _amount(sum(known), "exact" if is_exact else "at_least", is_spend=spent == {True})
        if known and len(spent) == 1
        else "at prices that are not all known"
    )
    return (
        f"{len(every):,} pauses were longer than the cache is kept: {tokens} tokens were written "
        f"again, {more}."
    )


def _more(pause: Pause) -> str:
    if pause.cost is None:
        return "at a price that is not known"
    return _amount(pause.cost, pause.standing, is_spend=pause.is_spend)


def _amount(cost: int, standing: str, *, is_spend: bool) -> str:
    if not cost:
        return "which cost no more than reading them"
    words = f"{formats.number(cost, 'money', standing)} more than reading them"
    return words if is_spend else f"{words} at list prices, which is no spend here"
