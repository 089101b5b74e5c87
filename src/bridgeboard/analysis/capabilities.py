"""What this server and this store can tell and what not, in plain words.

Pure. Whatever is said follows from what there is: two servers of one version may have left
different things in a store, and a store outlives an upgrade of its server.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal, NamedTuple

from aibridge.capabilities import Release, release_of
from bridgeboard import formats
from bridgeboard.analysis.coverage import FieldCoverage

Here = Literal["yes", "partly", "no", "not known"]

LAST_WITHOUT_NETWORK: Final[Release] = (2, 35)
"""Up to here servers tell neither network calls nor errors of threads (api-contract 6.1)."""


@dataclass(frozen=True)
class Known:
    """What the store and the settings say of a deployment.

    Attributes:
        reach: of how many rows each thing is known.
        version: of the server at the last sync; empty before the first one.
        generation: of its API at the last sync: interceptions, sessions, or empty.
        text: whether text is kept: all, none, or empty.
        text_days: after how many days text is deleted; 0 is never.
        rows_days: after how many days numbers are deleted; 0 is never.
        first_at: when the oldest request began that is held; None without any.
    """

    reach: FieldCoverage
    version: str
    generation: str
    text: str
    text_days: int
    rows_days: int
    first_at: datetime | None

    @property
    def lists_requests(self) -> bool | None:
        """Whether the server tells requests one by one; None when nobody knows yet."""
        return self.generation == "interceptions" if self.generation else None

    @property
    def tells_network(self) -> bool | None:
        """Whether the server's version tells network calls and errors of threads.

        None where the version does not say, as for developer builds.
        """
        release = release_of(self.version)
        return None if release is None else release > LAST_WITHOUT_NETWORK


@dataclass(frozen=True)
class Capability:
    """One thing, whether it can be known here, and what follows for the reader."""

    what: str
    here: Here
    so_what: str


def capability_lines(known: Known) -> list[Capability]:
    """All that a reader should know about, the most important first."""
    return [
        *_by_request(known),
        _keys(known),
        *_sessions(known),
        *_texts(known),
        *_behind_the_firewall(known),
        _history(known),
    ]


class _Column(NamedTuple):
    """Something that is known of a row or not: of how many, and what it means if so and if not.

    ``known`` and ``whole`` are fields of ``FieldCoverage``.
    """

    what: str
    known: str
    whole: str
    if_known: str
    if_not: str


_FIRST: Final = "Nothing has been recorded yet."
_COLUMNS: Final = (
    _Column(
        "Each request by itself",
        "exact",
        "usage",
        "Tokens, time and cost are exact to the single answer.",
        (
            "Usage comes from sessions, as sums: tokens are right in all, requests and prompts are "
            "lower bounds, and which requests were large enough for a dearer rate is unknown."
        ),
    ),
    _Column(
        "How long requests take",
        "timed",
        "usage",
        "Durations run from the beginning to the end of each request.",
        "Durations on the page Models stay empty.",
    ),
    _Column(
        "Which provider instance served",
        "named",
        "usage",
        "Instances of one provider are told apart, and can have prices of their own.",
        (
            "Instances of one provider are not told apart, and prices of your own for one of them "
            "do not apply."
        ),
    ),
    _Column(
        "Which tools fail",
        "judged",
        "calls",
        "Known of tools that the bridge injects; how others end is recorded nowhere.",
        "Errors of tools are unknown, not zero: the error rate on the page Tools stays empty.",
    ),
)


def _by_request(known: Known) -> Iterator[Capability]:
    for one in _COLUMNS:
        count, whole = (getattr(known.reach, name) for name in (one.known, one.whole))
        here = _here(count, whole, known.lists_requests)
        words = {"yes": one.if_known, "no": one.if_not, "not known": _FIRST}.get(here)
        yield Capability(one.what, here, words or _partly(count, whole, one))


def _here(count: int, whole: int, tells: bool | None) -> Here:  # noqa: FBT001 - three answers
    """Whether something is known of all rows, of some or of none, and will be of new ones."""
    if not whole:
        return "not known" if tells is None else "yes" if tells else "no"
    if count == whole:
        return "partly" if tells is False else "yes"
    return "partly" if count else "no"


def _partly(count: int, whole: int, one: _Column) -> str:
    if count == whole:
        return f"Of all so far, but this version of the server tells it no more. {one.if_not}"
    return f"Known of {formats.rate(count / whole)}. Elsewhere: {_begun(one.if_not)}"


def _begun(sentence: str) -> str:
    return sentence[0].lower() + sentence[1:]


def _keys(known: Known) -> Capability:
    what, reach = "Whose key paid", known.reach
    if not reach.usage:
        return Capability(what, "not known", _FIRST)
    if not reach.keyed:
        return Capability(what, "no", "All usage counts as the company's spend.")
    if reach.keyed == reach.usage:
        return Capability(what, "yes", "What people pay with keys of their own is no spend here.")
    return Capability(
        what,
        "partly",
        f"Known of {formats.rate(reach.keyed / reach.usage)}: it comes with the details of "
        "sessions. The rest counts as the company's spend.",
    )


def _sessions(known: Known) -> Iterator[Capability]:
    yield _details(known.reach)
    what, many = "Tokens of every thread", formats.plural(known.reach.long, "session")
    if known.reach.usage and known.reach.exact == known.reach.usage:
        yield Capability(what, "yes", "They are added up from the requests themselves.")
    elif known.reach.long:
        has = "has" if known.reach.long == 1 else "have"
        yield Capability(
            what,
            "partly",
            f"{many} {has} more than 50 threads, and the server tells no tokens of those after "
            "the 50th: they count for the session, but for no thread, and for a model only if "
            "the session used just one.",
        )
    else:
        yield Capability(what, "yes", "The server tells those of 50 threads; no session has more.")


def _details(reach: FieldCoverage) -> Capability:
    what = "Details of every session"
    if not reach.sessions:
        return Capability(what, "not known", _FIRST)
    if reach.detailed == reach.sessions:
        return Capability(what, "yes", "Threads, keys and thinking of all sessions were read.")
    lacking = reach.sessions - reach.detailed
    why = f" The server could not tell {reach.troubled:,} of them." if reach.troubled else ""
    return Capability(
        what,
        "partly" if reach.detailed else "no",
        f"{lacking:,} of {formats.plural(reach.sessions, 'session')} are without: their totals "
        f"count, their threads are unknown.{why}",
    )


_ONLY_ROOTS: Final = "Only those that begin a thread. "
_ONLY_ACTIONS: Final = "Only of requests that called tools: servers tell no other. "


def _texts(known: Known) -> Iterator[Capability]:
    if known.text == "none":
        yield Capability(
            "Prompts, thinking, tool inputs",
            "no",
            "Text is never kept, by the setting text: nobody can read here what people wrote.",
        )
        return
    days = formats.plural(known.text_days, "day")
    sentence = f"Kept for {days}, then deleted." if known.text_days else "Kept for ever."
    for what, count, only in (
        ("Prompts", known.reach.prompts, _ONLY_ROOTS if known.lists_requests is False else ""),
        ("Thinking", known.reach.thoughts, _ONLY_ACTIONS),
        ("Tool inputs", known.reach.inputs, ""),
    ):
        if count:
            yield Capability(what, "partly" if only else "yes", f"{only}{sentence}")
        else:
            yield Capability(what, "not known", "None has been recorded, or none is kept any more.")


def _behind_the_firewall(known: Known) -> Iterator[Capability]:
    reach = known.reach
    yield _only_on_later_servers(
        known,
        "Network calls of agents",
        reach.networked,
        f"Told of {reach.networked:,} of {formats.plural(reach.sessions, 'session')}: those that "
        "ran behind the agent firewall.",
    )
    yield _only_on_later_servers(
        known,
        "Why a thread failed",
        reach.failing,
        f"Told of {formats.plural(reach.failing, 'thread')}, by the error of its first request.",
    )


def _only_on_later_servers(known: Known, what: str, count: int, words: str) -> Capability:
    if count:
        return Capability(what, "yes" if known.tells_network is not False else "partly", words)
    if known.tells_network is False:
        return Capability(what, "no", f"Not told by {short(known.version)}; later servers tell it.")
    if known.tells_network:
        return Capability(
            what, "yes", "This server would tell it; nothing of the kind was recorded."
        )
    return Capability(what, "not known", "Nothing of the kind was recorded.")


def short(version: str) -> str:
    """A version without what names its build."""
    return version.partition("+")[0]


def _history(known: Known) -> Capability:
    what = "What the server has deleted"
    since = f" since {formats.day(known.first_at.date())}" if known.first_at else ""
    purge = "The server deletes after its own retention, 60 days unless somebody changed it. "
    if not known.rows_days:
        return Capability(what, "yes", f"{purge}The numbers{since} are kept here for ever.")
    days = formats.plural(known.rows_days, "day")
    return Capability(
        what, "partly", f"{purge}Here numbers are deleted after {days}, by a setting."
    )
