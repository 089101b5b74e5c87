"""What is unknown about a session, in sentences: not recorded by its server, or not stored."""

from collections.abc import Iterator
from typing import Final

from bridgeboard.queries.recorded_text import Kept
from bridgeboard.queries.session_detail import Head

_PROBLEMS: Final = {
    "unaddressable": "The server cannot tell its details: its ID cannot be part of an address.",
    "gone": "The server does not know it any more; what is shown was read before.",
    "unreadable": "The server's answer with its details could not be read.",
}


def missing(head: Head, retained: Kept | None = None) -> tuple[str, ...]:
    """What a reader would miss without noticing; empty when all is known."""
    return (*_usage(head), *_details(head), *(_text(head, retained) if retained else ()))


def _usage(head: Head) -> Iterator[str]:
    unseen = head.recorded_tokens - head.held_tokens
    if not head.rows:
        yield (
            "None of its requests is known to be part of it yet: its tokens are the server's own"
            " sums, and nothing else of them is known."
        )
    elif unseen > 0:
        yield f"{unseen:,} of the tokens that the server counts belong to requests not known here."
    if head.exact_rows < head.rows:
        known = "Some requests are" if head.exact_rows else "Requests are"
        yield (
            f"{known} not told one by one on this server generation: those without tool calls are"
            " known as sums only, so requests and prompts are lower bounds."
        )
        yield "For these, neither errors of tool calls are told nor how long a request took."
    if head.unpriced_tokens:
        yield f"{head.unpriced_tokens:,} tokens have no known price: the cost is a lower bound."


def _details(head: Head) -> Iterator[str]:
    if head.detail_problem:
        yield _PROBLEMS.get(head.detail_problem, f"Details: {head.detail_problem}.")
    elif head.detailed_at is None:
        yield "Its details have not been read yet: which threads it has is not known."
    elif head.is_outdated:
        yield "It has gone on since its details were read."
    if head.detailed_at is not None and head.threads is None:
        yield (
            "The server tells no thread that is known to be its own: threads and tool calls are not"
            " known. That is so where several people share a session id and began at the same"
            " moment, or where the first requests of its threads were deleted."
        )
    if head.network_total is None:
        yield (
            "Nothing is told about its network calls: servers up to v2.35 tell none, and newer ones"
            " only where an agent firewall stands."
        )


def _text(head: Head, retained: Kept) -> Iterator[str]:
    has_any = retained.prompts or retained.inputs or retained.thoughts
    if retained.setting == "none" and not has_any:
        yield "No text is kept here: no prompts, no thinking, no tool inputs."
        return
    for name, there, recorded in (
        ("prompts", retained.prompts, head.prompts or 0),
        ("tool inputs", retained.inputs, head.tool_calls or 0),
    ):
        if there < recorded:
            gone = recorded - there
            yield f"The text of {gone:,} of its {recorded:,} {name} is not kept (any more)."
    if not retained.thoughts:
        yield "No thinking is kept; only requests that called tools tell any."
