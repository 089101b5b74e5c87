"""Merges days and categories until every group has enough people.

Something is counted (requests, tool calls, sessions) in days, of people, each thing of one **kind**
(what it was made with), each person in one **team**. From these come

* **blocks**: a day, or as many in a row as it takes to have ``floor`` people;
* **classes**: kinds of a block taken together until each class has ``floor`` people. They do not
  overlap, so that sums of classes differ by whole classes;
* **labels**: the teams of a block, or some of them taken together so that sums of labels and sums
  of classes do not tell more together than by themselves.

Why labels hold: say somebody combines sums of labels (teams, or the rest of them together) and sums
of classes in whatever way. What a request weighs in the result is the weight of its person's label
and that of its class together. Say only requests of fewer than ``floor`` people weigh anything.
Nobody else's do: for all other people the weight of the label is the opposite of that of every
class that they used. So what ``floor`` people have in common, two classes, or a label and a class,
has the same weight but for the sign, as one of these people is among all others. The core begins
with a class and takes in whatever ``floor`` people connect with it. Once everything is in it, no
request weighs anything. So what can be had is about ``floor`` people or more, or it is nothing.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

import duckdb
import numpy as np
from numpy.typing import NDArray

from bridgeboard.model.dimensions import SMALL_GROUPS

OTHER: Final = SMALL_GROUPS
"""What is called by no name of its own."""
RULES: Final = frozenset({"running", "blocks", "classes", "rest", "labels"})
"""All that is done; a test leaves one out to see that it is missed."""


@dataclass(frozen=True)
class Folds:
    """One thing that is counted, on its way from rows to groups.

    Attributes:
        cursor: whose transaction it all happens in.
        name: with the schema, what its tables begin with. There must be ``{name}_pairs`` with
            ``day``, ``initiator``, ``team``, ``kind`` and ``many``, ``{name}_kinds`` with ``kind``
            and ``columns``, and ``{name}_free`` with ``day`` and ``run``: only days of one run
            may be in one block.
        columns: what a kind consists of.
        levels: which columns are kept when groups are still too small, from all to none.
        floor: how many people a group has.
        rules: which of ``RULES`` hold.
    """

    cursor: duckdb.DuckDBPyConnection
    name: str
    columns: Sequence[str]
    levels: Sequence[Sequence[str]]
    floor: int
    rules: frozenset[str] = RULES

    def make(self) -> None:
        """Make four more tables.

        They are ``{name}_days`` (``day``, ``block``), ``{name}_classes`` (``block``, ``kind``,
        ``class``), ``{name}_names`` (``class`` and the columns) and ``{name}_homes`` (``block``,
        ``initiator``, ``label``).
        """
        self._make_blocks()
        self._make_classes()
        self._run(_HOMES)
        teams = self._run(_TEAMS)
        if "labels" in self.rules and len(teams) > 1:
            self._fold_labels([name for (name,) in teams])

    def _run(self, sql: str, params: Sequence[Any] = (), **more: Any) -> list[tuple[Any, ...]]:
        statement = sql.format(t=self.name, k=self.floor, **more)
        return self.cursor.execute(statement, list(params)).fetchall()

    def _make_blocks(self) -> None:
        blocks = list(_blocks(self._run(_DAYS), self.floor if "blocks" in self.rules else 1))
        self._run("CREATE TABLE {t}_days (day DATE, block TIMESTAMP)")
        self._run(_PUT_DAYS, [[day for day, _ in blocks], [first for _, first in blocks]])
        self._run(_EDGES)

    def _make_classes(self) -> None:
        self._run("CREATE TABLE {t}_classes (block TIMESTAMP, kind UBIGINT, class UBIGINT)")
        self._run(_NAMES)
        for level, columns in enumerate(self.levels):
            key = f"hash({', '.join([str(level), *columns])})"
            shown = (name if name in columns else f"'{OTHER}'" for name in self.columns)
            self._run(_PUT_NAMES, key=key, shown=", ".join(shown))
            least = self.floor if columns and "classes" in self.rules else 1
            self._run(_PLACE, key=key, least=least)
        if "rest" in self.rules:
            rest = f"hash({len(self.levels) - 1})"
            while self._run(_JOIN_REST, rest=rest) != [(0,)]:
                pass

    def _fold_labels(self, teams: Sequence[str]) -> None:
        used: dict[str, Any] = self.cursor.execute(_USED.format(t=self.name)).fetchnumpy()
        _, begins = np.unique(used["block"], return_index=True)
        rest: list[tuple[Any, str]] = []
        for part in np.split(np.arange(used["block"].size), begins[1:]):
            own = {name: column[part] for name, column in used.items()}
            _, first, people = np.unique(own["initiator"], return_index=True, return_inverse=True)
            numbers, homes = np.unique(own["team"][first], return_inverse=True)
            _, classes = np.unique(own["class"], return_inverse=True)
            loose = numbers[folded(people, classes, homes, self.floor)]
            rest += [(own["block"][0].astype(datetime), teams[number]) for number in loose]
        blocks, names = ([each[place] for each in rest] for place in (0, 1))
        self._run(_FOLD, [blocks, names, OTHER])


def _blocks(
    days: Sequence[tuple[date, int, int, list[int]]], floor: int
) -> Iterator[tuple[date, date]]:
    """(day, first day of its block) of all blocks that are full.

    They are made from the oldest day on, so that no later day changes one.
    """
    waiting: list[date] = []
    people: set[int] = set()
    last = None
    for day, run, count, those in days:
        if run != last:
            last, waiting, people = run, [], set()
        waiting.append(day)
        people.update(those)
        if count >= floor or len(people) >= floor:
            yield from ((each, waiting[0]) for each in waiting)
            waiting, people = [], set()


# Of days with enough people nobody asks who they were.
_DAYS: Final = """
SELECT day, run, count(DISTINCT initiator) AS people,
    CASE WHEN people < {k} THEN list(DISTINCT initiator) ELSE [] END
FROM {t}_pairs JOIN {t}_free USING (day) GROUP BY day, run ORDER BY day"""
_PUT_DAYS: Final = """
INSERT INTO {t}_days
SELECT day, first::TIMESTAMP + INTERVAL 12 HOURS
FROM (SELECT unnest($1::DATE[]) AS day, unnest($2::DATE[]) AS first)"""
_EDGES: Final = """
CREATE TABLE {t}_edges AS
SELECT block, initiator, team, kind, sum(many) AS many FROM {t}_pairs JOIN {t}_days USING (day)
GROUP BY ALL"""
_NAMES: Final = """
CREATE TABLE {t}_names AS SELECT kind AS class, * EXCLUDE (kind) FROM {t}_kinds LIMIT 0"""
_PUT_NAMES: Final = "INSERT INTO {t}_names SELECT DISTINCT {key}, {shown} FROM {t}_kinds"
_PLACE: Final = """
INSERT INTO {t}_classes
WITH waiting AS (
    SELECT e.block, e.initiator, e.kind FROM {t}_edges e ANTI JOIN {t}_classes USING (block, kind)),
coarse AS (
    SELECT block, initiator, kind, {key} AS class FROM waiting JOIN {t}_kinds USING (kind)),
large AS (
    SELECT block, class FROM coarse GROUP BY block, class
    HAVING count(DISTINCT initiator) >= {least})
SELECT DISTINCT block, kind, class FROM coarse SEMI JOIN large USING (block, class)"""
# What is left over at the end, of too few people, takes in the smallest class, and the next.
_JOIN_REST: Final = """
UPDATE {t}_classes c SET class = {rest} FROM (
    WITH sizes AS (
        SELECT block, class, count(DISTINCT initiator) AS people
        FROM {t}_edges JOIN {t}_classes USING (block, kind) GROUP BY ALL)
    SELECT s.block, arg_min(s.class, (s.people, s.class)) AS class FROM sizes s
    WHERE s.class <> {rest} AND s.block IN (
        SELECT block FROM sizes WHERE class = {rest} AND people < {k})
    GROUP BY s.block) small
WHERE c.block = small.block AND c.class = small.class"""
# Whoever changed the team within a block is counted where most was done.
_HOMES: Final = """
CREATE TABLE {t}_homes AS
SELECT block, initiator, arg_max(team, (many, team)) AS label
FROM (SELECT block, initiator, team, sum(many) AS many FROM {t}_edges GROUP BY ALL) GROUP BY ALL"""
_TEAMS: Final = "SELECT DISTINCT label FROM {t}_homes ORDER BY label"
_USED: Final = """
WITH teams AS (
    SELECT label, row_number() OVER (ORDER BY label) - 1 AS team
    FROM (SELECT DISTINCT label FROM {t}_homes)),
homes AS (SELECT block, initiator, team FROM {t}_homes JOIN teams USING (label)),
used AS (
    SELECT DISTINCT block, initiator, class FROM {t}_edges JOIN {t}_classes USING (block, kind))
SELECT block, initiator, class, team FROM used JOIN homes USING (block, initiator) ORDER BY block"""
_FOLD: Final = """
UPDATE {t}_homes h SET label = $3
FROM (SELECT unnest($1::TIMESTAMP[]) AS block, unnest($2::VARCHAR[]) AS label) f
WHERE h.block = f.block AND h.label = f.label"""


Numbers = NDArray[Any]
"""Whole numbers from 0 on."""


def folded(people: Numbers, classes: Numbers, teams: Numbers, floor: int) -> NDArray[np.bool_]:
    """Whether each team is one of those that are taken together.

    Args:
        people: of every person and class that were seen together, once, the person; and
        classes: the class, which has at least ``floor`` people.
        teams: of every person the team.
        floor: how many people a group has at least.
    """
    count = int(teams.max()) + 1
    rest = count
    labels = np.arange(count)
    while True:
        homes = labels[teams]
        sizes = np.bincount(homes, minlength=count + 1)
        if np.count_nonzero(sizes) == 1:
            break
        loose = (sizes > 0) & ~_core(people, classes, homes, rest + 1, floor)
        if not loose.any():
            break
        if not loose[:rest].any():
            # They are together already, and still too few: the smallest other team joins them.
            loose[_smallest(sizes[:rest])] = True
        labels[loose[labels]] = rest
    is_rest: NDArray[np.bool_] = labels == rest
    return is_rest


def _core(
    people: Numbers, classes: Numbers, homes: Numbers, count: int, floor: int
) -> NDArray[np.bool_]:
    """Which labels are in the core that grows from the class with most people."""
    users = np.bincount(classes)
    has_class = np.arange(users.size) == users.argmax()
    has_label = np.zeros(count, dtype=bool)
    while True:
        near = has_label[homes] | (
            np.bincount(people[has_class[classes]], minlength=homes.size) > 0
        )
        more_labels = has_label | (np.bincount(homes[near], minlength=count) >= floor)
        labels = near[people]
        more_classes = has_class | (np.bincount(classes[labels], minlength=users.size) >= floor)
        if (more_labels == has_label).all() and (more_classes == has_class).all():
            return has_label
        has_label, has_class = more_labels, more_classes


def _smallest(sizes: Numbers) -> int:
    return int(np.where(sizes > 0, sizes, sizes.max() + 1).argmin())
