"""What people ask and models think: sentences grown from a small grammar.

A template's slots are filled as they are met, so a text is a function of its stream of chance.
"""

from collections.abc import Callable, Sequence
from random import Random

from bridgeboard.demo.company.dice import chance, pick
from bridgeboard.demo.company.projects import Project

_ASKS = (
    (
        "{file} has grown too long. Split {symbol} out of it, keep the public names and the "
        "tests as they are."
    ),
    (
        "{ticket}: {thing} is wrong when {when}. Find out why before you change anything, then "
        "write a failing test and fix it."
    ),
    "Add a test for {symbol} that covers {when}.",
    "Why does {symbol} in {file} {oddity}? Explain first, no changes yet.",
    "Implement {ticket}. {wish} Start with {file}.",
    (
        "The {metric} of {project} went from {low} to {high} after yesterday's release. Look at "
        "the commits that touch {thing} and tell me which one it was."
    ),
    "Review my changes on this branch as if you had to run them in production. Focus on {concern}.",
    "{wish} {constraint}",
    "Rename {symbol} to something that says what it does and update every caller.",
    "Write the migration for {thing}: {wish} It has to run while the old version still serves.",
    (
        "We get `{error}` from {symbol} about {low} times an hour, only when {when}. Here is "
        "the log:\n\n{log}"
    ),
    "Upgrade {dependency} to the current major version. {constraint}",
    "Document {thing} for the on-call handbook: what it does, how it fails, what to do then.",
    "Write a small script that replays the failed jobs of {thing} since {clock}, with a dry run.",
    "{symbol} does too much. Suggest two ways to cut it, with their costs, and wait for my answer.",
    "Port {symbol} from the old service; also when {when} it must behave as before. {constraint}",
    "Make {file} faster. The profile says most of the time goes into {symbol}; target is {low} ms.",
    (
        "Draft the change description for {ticket}: two sentences on why, a list of what, and the "
        "risk."
    ),
    "How would you test {thing} without a network? Sketch it, then do the smallest useful part.",
    "The build of {project} is red on main since {clock}:\n\n{log}",
)
_FOLLOW_UPS = (
    "Good. Now the same for {file}.",
    "That breaks {symbol} when {when}. Please look again.",
    "Run the tests.",
    "yes",
    "go on",
    "Commit that with a short message.",
    "No - {constraint} Try again without touching {file}.",
    "Still failing:\n\n{log}",
    "Why {low} and not {high}?",
    "Leave {thing} for {ticket}, it is not part of this.",
    "Can you show me the diff of {file} only?",
    "Undo the last change, I want to keep {symbol} as it was.",
    "Also cover {when}.",
    "Looks right. What did we not test?",
    "Use {dependency} for that instead of writing it by hand.",
    "Rebase onto main and run everything once more.",
)
_SCRIPTED = (
    (
        "Extract supplier, invoice number, currency and total from the text below. Answer with "
        "JSON only.\n\n{invoice}"
    ),
    "Classify this support message as one of refund, delivery, account, other:\n\n{complaint}",
    "Translate to German, keep placeholders:\n\n{wish}",
    "Summarise the change log entry for customers in one sentence:\n\n{wish} {constraint}",
)
_TITLES = (
    "Please write a 5-10 word title for the following conversation:\n\nUser: {wish}",
    (
        "Analyze if this message indicates a new conversation topic. If it does, extract a 2-3 "
        "word title.\n\n{follow_up}"
    ),
    "Summarize this coding conversation in under 50 characters.\n\nUser: {wish}",
)
_REMINDERS = (
    (
        "<system-reminder>\nThe TODO list is currently empty. Do not mention this to the user.\n"
        "</system-reminder>"
    ),
    (
        "<system-reminder>\nNote: {file} was modified, either by the user or by a linter. Take the "
        "change into account.\n</system-reminder>"
    ),
)
_THOUGHTS = (
    "The user wants {thing} changed. I should read {file} before deciding anything.",
    (
        "{symbol} takes a lock and then calls out; if {when}, the second caller waits for ever. "
        "That would explain `{error}`."
    ),
    (
        "Two options: change {symbol} itself, or guard its callers. The guard is smaller and "
        "easy to review, but it leaves the wrong behaviour in place. I will change {symbol}."
    ),
    "The test fails for a different reason than I thought: the fixture has no row for this case.",
    "{constraint} So I must not edit {file}; I can wrap it instead.",
    "Let me check who else calls {symbol} before I rename it.",
    "This passes locally. I still have not looked at what happens when {when}.",
    (
        "The number {high} in the log is suspicious, {low} would be normal. Something is applied "
        "twice."
    ),
    (
        "**Narrowing it down**\n\nThe log starts after {clock}, so the deploy is not the cause. "
        "{thing} is the next suspect."
    ),
)
_REFLECTIONS = (
    " Before that, {symbol} should get a test of its own.",
    " I will keep the change in {file} as small as I can.",
    " If that is right, the next run must fail with `{error}`.",
)
_WHENS = (
    "the list is empty",
    "two requests arrive at the same time",
    "the clock goes back an hour",
    "the upstream answers with a 503",
    "a customer has no address",
    "the amount is negative",
    "the name has an umlaut in it",
    "the page is opened in two tabs",
    "the queue is longer than a million",
    "the token expires in the middle",
)
_ODDITIES = (
    "retry without any delay",
    "swallow the error",
    "open a second transaction",
    "sort twice",
    "return a copy here and the original there",
    "depend on the order of keys",
)
_WISHES = (
    "Let users cancel {thing} within fifteen minutes.",
    "Store the reason next to every change of {thing}.",
    "Show a clear message instead of a blank page when {when}.",
    "Replace the polling in {thing} by events.",
    "Make {thing} safe to run twice.",
    "Add paging to the endpoint behind {thing}.",
    "Put a limit of {low} on {thing} and log what was refused.",
    "Move the configuration of {thing} out of the code.",
)
_CONSTRAINTS = (
    "Keep the public API as it is.",
    "Do not touch the migrations.",
    "No new dependencies, please.",
    "Behind a flag, off by default.",
    "It must work with the data we already have.",
    "Small commits, each one green.",
    "Stay under {low} MB of memory.",
    "Do not change anything under vendor/.",
)
_ERRORS = (
    "context deadline exceeded",
    "TypeError: undefined is not a function",
    "pq: deadlock detected",
    "connection reset by peer",
    "KeyError: 'currency'",
    "429 Too Many Requests",
    "index out of range [3] with length 3",
    "certificate has expired or is not yet valid",
)
_WORDS: dict[str, Sequence[str]] = {
    "when": _WHENS,
    "oddity": _ODDITIES,
    "wish": _WISHES,
    "constraint": _CONSTRAINTS,
    "error": _ERRORS,
    "follow_up": _FOLLOW_UPS,
    "metric": ("p95 latency", "error rate", "memory use", "build time", "cache miss rate"),
    "concern": ("error handling", "races", "naming", "rollback", "what happens at midnight"),
    "dependency": ("the HTTP client", "the test runner", "the ORM", "the linter", "the SDK"),
    "invoice": (
        "Rechnung 2210-77, Nordlicht GmbH, Gesamtbetrag 1.204,50 EUR, zahlbar in 14 Tagen.",
        "INVOICE 88121 / Harbour Supplies Ltd / Total due GBP 312.00 / VAT included",
    ),
    "complaint": (
        "I sent the shoes back three weeks ago and still wait for my money.",
        "The parcel says delivered, but nobody rang and there is nothing here.",
    ),
}


class _Slots(dict[str, str]):
    """Slot name → text, made up when it is asked for."""

    def __init__(self, rng: Random, project: Project) -> None:
        super().__init__(project=project.name)
        self.rng, self.about = rng, project

    def __missing__(self, slot: str) -> str:
        maker = _MAKERS.get(slot)
        if maker:
            return maker(self.rng, self.about)
        return self.rng.choice(_WORDS[slot]).format_map(self)


def _clock(rng: Random, _: Project) -> str:
    return f"{rng.randint(0, 23):02}:{rng.randint(0, 59):02}"


def log(rng: Random, project: Project) -> str:
    """A few lines of a service's log, as people paste them."""
    clock, second = _clock(rng, project), rng.randint(0, 20)
    lines = []
    for _ in range(rng.randint(2, 9)):
        second += rng.randint(0, 4)
        level = rng.choice(("INFO", "WARN", "ERROR"))
        where = f"{project.name} {rng.choice(project.symbols)}"
        what = f"{rng.choice(_ERRORS)} id={rng.getrandbits(32):08x}"
        lines.append(f"{clock}:{second:02} {level} {where}: {what}")
    return "\n".join(lines)


_MAKERS: dict[str, Callable[[Random, Project], str]] = {
    "file": lambda rng, project: rng.choice(project.files),
    "symbol": lambda rng, project: rng.choice(project.symbols),
    "thing": lambda rng, project: rng.choice(project.things),
    "ticket": lambda rng, project: f"{project.ticket}-{rng.randint(100, 4999)}",
    "low": lambda rng, _: str(rng.randint(2, 60)),
    "high": lambda rng, _: str(rng.randint(90, 1900)),
    "clock": _clock,
    "log": log,
}


def _grow(rng: Random, project: Project, templates: Sequence[str]) -> str:
    return rng.choice(templates).format_map(_Slots(rng, project))


def ask(rng: Random, project: Project) -> str:
    """The prompt that opens a piece of work; some go on for a second paragraph."""
    text = _grow(rng, project, _ASKS)
    if chance(rng, 0.2):
        text += "\n\n" + _grow(rng, project, _CONSTRAINTS)
    return text


def follow_up(rng: Random, project: Project) -> str:
    """A later prompt of the same conversation; every third is a new piece of work."""
    return _grow(rng, project, pick(rng, ((_FOLLOW_UPS, 2), (_ASKS, 1))))


def scripted(rng: Random, project: Project) -> str:
    """A prompt that a program sends rather than a person."""
    return _grow(rng, project, _SCRIPTED)


def title(rng: Random, project: Project) -> str:
    """A client's own small request for a conversation title."""
    return _grow(rng, project, _TITLES)


def reminder(rng: Random, project: Project) -> str:
    """Text a client slips in, recorded as a prompt all the same (api-contract 4.9)."""
    return _grow(rng, project, _REMINDERS)


def thought(rng: Random, project: Project) -> str:
    """One thought of the model, a sentence or a paragraph."""
    text = _grow(rng, project, _THOUGHTS)
    return text + _grow(rng, project, _REFLECTIONS) if chance(rng, 0.4) else text
