"""What readers do on a dashboard, by its pages or past them, and what they are sent for it."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import databases
import httpx
from matrix_readers import EVERY, KINDS, RULE, Company, Who, found
from wire import Visit, WireError, visit
from wire.sessions import Session, _state

from bridgeboard.demo.records import InterceptionRow
from bridgeboard.state.audit import Audit, Entry

REASON = "Incident 4711 zqreason"
VIEW, NOTE = "zqview of an analyst", "fine because of zqnote"
MARKS = {
    VIEW: {"analyst", "auditor"},
    NOTE: {"analyst", "auditor"},
    REASON: {"admin"},
    RULE: {"admin"},
}
"""What readers put down, and who may be sent it."""
FOLDS = 1
"""Folds of a kind that are opened: the others are made by the same lines."""
ELSEWHERE = {"views", "zone"}
"""Popovers of every page: saved views are an action of their own, zones name nobody."""


@dataclass
class Ground:
    """A running dashboard, who comes, and what an auditor had that others might use.

    Attributes:
        widgets: ids of widgets by page and key.
        fragments: ids of parts of pages that run alone.
        revealed: words of texts that the auditor was sent, by what was done for them.
    """

    address: str
    told: Company
    who: dict[str, Who]
    folder: Path
    widgets: dict[tuple[str, str], str] = field(default_factory=dict)
    fragments: set[str] = field(default_factory=set)
    revealed: dict[str, set[str]] = field(default_factory=dict)

    @property
    def file(self) -> Path:
        """The state database."""
        (path,) = self.folder.glob("bridgeboard-demo-*/state.sqlite")
        return path

    @property
    def log(self) -> Audit:
        return databases.log_below(self.folder)

    def entries(self, what: str) -> list[Entry]:
        return [one for one in self.log.entries(100_000) if one.what == what]

    @property
    def theirs(self) -> InterceptionRow:
        """A request of somebody whom only readers of everybody see."""
        return self.told.of(self.told.other.id)[0]


@dataclass
class Go:
    """One reader on one action: what they asked for, and all that was sent."""

    ground: Ground
    who: Who
    sent: list[bytes] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    @contextmanager
    def visit(self, page: str = "", *, resumes: str = "", **query: Any) -> Iterator[Visit]:
        told = {**EVERY, **self.who.query, **query}
        for one in query.values():
            self.asked += [one] if isinstance(one, str) else list(one)
        with visit(
            self.ground.address, page, headers=self.who.headers, resumes=resumes, **told
        ) as reader:
            try:
                yield reader
            finally:
                self.sent += reader.raw
            assert reader.screen.exceptions == []

    @property
    def row(self) -> InterceptionRow:
        """A request that they may see; somebody else's if they may see none."""
        told = self.ground.told
        rows = self.who.may.get("rows", frozenset()) - {told.other.id}
        mine = [row for id_ in sorted(rows) for row in told.of(id_)]
        return mine[0] if mine else self.ground.theirs


@dataclass(frozen=True)
class Crossing:
    """What a reader got on a action: forbidden words, and how many permitted ones of a kind."""

    leaks: set[str]
    got: dict[str, int]
    size: int


@dataclass(frozen=True)
class Action:
    """Something to do, and to whom it certainly sends words of which kind.

    Attributes:
        forges: whether it needs what an auditor was sent (``prepare``).
        is_alone: whether no other reader may be busy beside it.
    """

    do: Callable[[Go], None]
    sends: tuple[str, str] = ("analyst", "names")
    forges: bool = False
    is_alone: bool = False


ACTIONS: dict[str, Action] = {}
"""What every reader does, by its name."""


def cross(ground: Ground, who: str, name: str) -> Crossing:
    """Let a reader do what a action is. What they asked with is known to them."""
    go = Go(ground, ground.who[who])
    (ACTIONS | APART)[name].do(go)
    told, asked = ground.told, "\n".join(go.asked)
    came = found(go.sent, told.every_word | set(MARKS))
    mine = {word for word, names in MARKS.items() if who in names}
    got: dict[str, int] = {kind: len(came & go.who.permitted(told, kind)) for kind in KINDS}
    bad = came & (go.who.forbidden(told) | (set(MARKS) - mine))
    leaks = {word for word in bad if word not in asked}
    return Crossing(leaks, got | {"marks": len(came & mine)}, sum(map(len, go.sent)))


def action(
    name: str, sends: tuple[str, str] = ("analyst", "names"), **more: bool
) -> Callable[[Callable[[Go], None]], Callable[[Go], None]]:
    def put(do: Callable[[Go], None]) -> Callable[[Go], None]:
        ACTIONS[name] = Action(do, sends, **more)
        return do

    return put


def session_of(row: InterceptionRow) -> dict[str, str]:
    return {"id": row.session_id, "person": row.initiator_id}


def folds(reader: Visit) -> None:
    """Open what can be opened, all at once: each run of a page costs as much as the page."""
    opened: Counter[str] = Counter()
    for node in reader.screen.of("expandable", "popover"):
        kind = node.key.rstrip("0123456789")
        opened[kind] += 1
        if node.id and kind not in ELSEWHERE and opened[kind] <= FOLDS:
            reader._values[node.id] = _state(node.id, "bool_value", value=True)
    reader.rerun()


def files(reader: Visit) -> None:
    """Take all tables away, the first one as every kind of file; the others are made likewise."""
    known: set[str] = set()
    for node in reader.screen.of("download_button"):
        if node.key.startswith(("csv-", "file-")) or node.label not in known:
            reader.download(node)
        known.add(node.label)


def forge(go: Go, reader: Visit, page: str, **values: Any) -> None:
    """Send states of widgets, whether or not they are there, and whatever the page says of them."""
    for key, value in values.items():
        id_ = go.ground.widgets[page, key]
        field = "bool_value" if isinstance(value, bool) else "string_value"
        reader._values[id_] = _state(id_, field, value)
    reader.rerun()


def unreasoned(go: Go) -> dict[str, Any]:
    """The switch without a reason for who may use it; with one for all others."""
    return {"reveal": True, "reveal_reason": "why" if go.who.name == "auditor" else REASON}


def _page(name: str, go: Go) -> None:
    about = {"session": session_of(go.row), "person": {"who": _named(go)}}.get(name, {})
    with go.visit(name, **about) as reader:
        folds(reader)
        for node in reader.screen.of("selectbox"):
            if node.key == "filter-dimension" and "Person" in node.options:
                reader.choose(node.key, "Person")
        files(reader)


def _named(go: Go) -> str:
    people = {one.id: one.username for one in go.ground.told.world.tables.people}
    return people[go.row.initiator_id]


PAGES = (
    *("", "spend", "people", "person", "models", "tools", "sessions", "session", "interceptions"),
    *("budgets", "compare", "radar", "trust"),
)
for name in PAGES:
    ACTIONS[f"page {name or 'overview'}"] = Action(partial(_page, name))


@action("page audit", sends=("admin", "marks"), forges=True)
def log(go: Go) -> None:
    """Just after somebody gave a reason. The log names what was looked at, and only by its id."""
    with revealing(go.ground), go.visit("audit"):
        pass
    if go.who.name == "admin":
        go.asked += [one.about for one in go.ground.entries("reveal")]


@action("page settings", sends=("admin", "marks"))
def settings(go: Go) -> None:
    """The rules name groups and addresses; of the token and other secrets nobody is told."""
    with go.visit("settings"):
        pass


def _split(name: str, go: Go) -> None:
    """By who it was, wherever a reader may choose by what."""
    with go.visit(name) as reader:
        for node in reader.screen.of("selectbox"):
            if node.key.endswith("-by"):
                for option in ("Person", "Team"):
                    if option in node.options:
                        reader.choose(node.key, option)


for name in ("", "people"):
    ACTIONS[f"splits {name or 'overview'}"] = Action(partial(_split, name))


@action("filter by somebody")
def by_somebody(go: Go) -> None:
    """Numbers of one person, and of all but them."""
    who = go.ground.told.other.username
    for page in ("people", "sessions", "interceptions"):
        with go.visit(page, people=[who]):
            pass
    with go.visit("models", person=[f"~{who}"]) as reader:
        files(reader)
        if "add-filter" in {node.key for node in reader.screen.of("popover")}:
            reader.open("add-filter")
            for label in reader.screen.find("filter-dimension").options:
                reader.choose("filter-dimension", label)


@action("filter by a team")
def by_team(go: Go) -> None:
    for page in ("people", "sessions"):
        with go.visit(page, teams=[go.ground.told.other.team]):
            pass


@action("somebody's page")
def person(go: Go) -> None:
    with go.visit("person", who=go.ground.told.other.username) as reader:
        for node in reader.screen.of("download_button")[:1]:
            reader.download(node)


@action("somebody's session")
def session(go: Go) -> None:
    row = go.ground.theirs
    with go.visit("session", **session_of(row), call=row.id) as reader:
        files(reader)


@action("a session whose person is not told")
def anybodys_session(go: Go) -> None:
    with go.visit("session", id=go.ground.theirs.session_id):
        pass
    with go.visit("sessions", session_id=go.ground.theirs.session_id) as reader:
        files(reader)


@action("a thread")
def thread(go: Go) -> None:
    row = go.ground.theirs
    with go.visit("session", **session_of(row), thread=row.thread_root_id or row.id):
        pass


@action("somebody's request")
def request(go: Go) -> None:
    with go.visit("interceptions", request=go.ground.theirs.id):
        pass


@action("people side by side")
def two_people(go: Go) -> None:
    told = go.ground.told
    with go.visit("compare", what="people", a=told.other.username, b=told.me.username) as reader:
        files(reader)


@action("sessions side by side")
def two_sessions(go: Go) -> None:
    a, b = go.ground.theirs, go.ground.told.of(go.ground.told.me.id)[0]
    links = {"a": a.session_id, "b": f"session?id={b.session_id}&person={b.initiator_id}"}
    with go.visit("compare", what="sessions", **links) as reader:
        files(reader)


@action("saved views", sends=("analyst", "marks"))
def views(go: Go) -> None:
    with go.visit("models") as reader:
        for node in reader.screen.of("popover"):
            if node.key == "views":
                reader.open(node)


@action("notes on findings", sends=("analyst", "marks"))
def notes(go: Go) -> None:
    with go.visit("radar", acknowledged="true") as reader:
        files(reader)


@action("words in prompts", forges=True)
def search(go: Go) -> None:
    """The box, the switch and the reason, whether or not there are any."""
    with go.visit("sessions", search=_word(go)) as reader:
        forge(go, reader, "sessions", search=_word(go), **unreasoned(go))


@action("words in a session", sends=("self", "texts"), forges=True)
def words(go: Go) -> None:
    with go.visit("session", **session_of(go.row), find=_word(go)) as reader:
        forge(go, reader, "session", words=_word(go), **unreasoned(go))


def _word(go: Go) -> str:
    """A word of what they look at."""
    prompts = go.ground.told.world.tables.prompts
    text = next(one.prompt for one in prompts if one.interception_id == go.row.id)
    return max(text.replace(",", " ").replace(".", " ").split(), key=len)


@action("the switch before a session's text", sends=("self", "texts"), forges=True)
def text_of_session(go: Go) -> None:
    """Texts on the screen, and a file with them."""
    with go.visit("session", **session_of(go.row)) as reader:
        folds(reader)
        forge(go, reader, "session", **unreasoned(go), with_text=True)
        files(reader)


@action("the switch before a request's text", sends=("self", "texts"), forges=True)
def text_of_request(go: Go) -> None:
    with go.visit("interceptions", request=go.row.id) as reader:
        forge(go, reader, "interceptions", **unreasoned(go))


@action("files of somebody else")
def others_files(go: Go) -> None:
    """By the address of one, and by the id of its button, while its reader's page stands there.

    It is of days that nobody else asks for: who had the same file made may have it.
    """
    theirs = Go(go.ground, go.ground.who["analyst"])
    days = ["2025-11-02", "2025-11-29"]
    with theirs.visit("people", dates=days) as asking, go.visit() as reader:
        button = asking.screen.find("csv-everybody", "download_button")
        made = asking.made(button)
        with suppress(httpx.HTTPStatusError):
            reader.fetch(made)
        with suppress(WireError):
            reader.fetch(reader._made(button.told.deferred_file_id))


@action("only my own")
def own(go: Go) -> None:
    """The switch in the address; who has a right of their own becomes somebody else by it."""
    if go.who.name == "viewer and self":
        go.who = go.ground.who["viewer as self"]
    for page in ("people", "sessions"):
        with go.visit(page, own="true"):
            pass


@action("pages that are in no navigation")
def hidden(go: Go) -> None:
    with go.visit() as reader:
        for name in ("sessions", "radar", "audit", "settings"):
            reader.turn(name)
        reader._leave("f" * 32, "")


@action("parts of pages of somebody else", forges=True, is_alone=True)
def parts(go: Go) -> None:
    """What runs alone is asked for by an id, which an auditor's page was sent."""

    async def unanswered(_self: Session, _began: float) -> None:
        """Nothing may ever come for what is not there."""

    with go.visit() as reader:
        with patch.object(Session, "_settled", unanswered):
            for fragment in sorted(go.ground.fragments):
                reader._run(fragment=fragment)
        reader.rerun()


@action(
    "a session of the wire that somebody else began",
    ("auditor", "names"),
    forges=True,
    is_alone=True,
)
def resumed(go: Go) -> None:
    """By its id, and with a part of its page before anything else."""
    with revealing(go.ground) as theirs:
        (part,) = {node.fragment for node in theirs.screen.nodes.values()} - {""}
        known = theirs.screen.session
    with began_with(part), go.visit("interceptions", resumes=known) as reader:
        reader.rerun()


@contextmanager
def revealing(ground: Ground) -> Iterator[Visit]:
    """An auditor before a request's text, with a reason."""
    go = Go(ground, ground.who["auditor"])
    with go.visit("interceptions", request=ground.theirs.id) as reader:
        forge(go, reader, "interceptions", reveal_reason=REASON, reveal=True)
        yield reader


@contextmanager
def began_with(fragment: str) -> Iterator[None]:
    """Let sessions begin with a part of a page; without one, as a browser does."""

    async def load(self: Session, name: str = "") -> None:
        await self._run(name=name, fragment=fragment)

    with patch.object(Session, "load", load):
        yield


def unnoted(go: Go) -> None:
    """Ask for text, with a reason, while the audit log cannot be written."""
    row = go.ground.theirs
    with go.visit("interceptions", request=row.id) as reader, databases.unusable(go.ground.file):
        forge(go, reader, "interceptions", reveal=True, reveal_reason=REASON)
    with go.visit("session", **session_of(row)) as reader, databases.unusable(go.ground.file):
        forge(go, reader, "session", reveal=True, reveal_reason=REASON, with_text=True)
        folds(reader)


APART = {"text while nothing can be noted": Action(unnoted, forges=True)}
"""What would stand in the way of readers beside it."""


def prepare(ground: Ground) -> None:
    """What an auditor reveals with a reason, and what an analyst puts down."""
    row = ground.theirs
    go = Go(ground, ground.who["auditor"])
    with go.visit("session", **session_of(row), find=_word(go)) as reader:
        reader.write("reveal_reason", REASON)
        reader.toggle("reveal", on=True)
        reader.toggle("with_text", on=True)
        folds(reader)
        _learn(ground, "session", reader, "reveal", "reveal_reason", "with_text", "words")
        ground.revealed["session"] = _texts(ground, reader.raw)
        file = reader.download("file-json")
        ground.revealed["file"] = _texts(ground, [file])
    with go.visit("interceptions", request=row.id) as reader:
        reader.write("reveal_reason", REASON)
        reader.toggle("reveal", on=True)
        _learn(ground, "interceptions", reader, "reveal", "reveal_reason")
        ground.revealed["request"] = _texts(ground, reader.raw)
    with go.visit("sessions", search=_word(go)) as reader:
        reader.write("reveal_reason", REASON)
        reader.toggle("reveal", on=True)
        _learn(ground, "sessions", reader, "reveal", "reveal_reason", "search")
        ground.revealed["search"] = _texts(ground, reader.raw)
    go = Go(ground, ground.who["analyst"])
    with go.visit("models", people=[ground.told.other.username]) as reader:
        reader.open("views")
        reader.write("view_name", VIEW)
        reader.press("keep-view")
    with go.visit("radar") as reader:
        finding = reader.screen.of("popover")
        key = next(node.key for node in finding if node.key.startswith("ack-"))
        reader.write(key.replace("ack-", "note-", 1), NOTE)
        reader.press(key.replace("ack-", "done-", 1))


def _learn(ground: Ground, page: str, reader: Visit, *keys: str) -> None:
    for key in keys:
        ground.widgets[page, key] = reader.screen.find(key).id
    ground.fragments |= {node.fragment for node in reader.screen.nodes.values()} - {""}


def _texts(ground: Ground, sent: list[bytes]) -> set[str]:
    return found(sent, ground.told.words["texts"])
