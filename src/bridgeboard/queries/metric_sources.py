"""Which rows a question is about: the FROM and WHERE of each source, and how they are grouped.

Values only ever enter as parameters; names come from the vocabulary.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Final

from bridgeboard.model import times
from bridgeboard.model.dimensions import DIMENSIONS, Source, dimension
from bridgeboard.model.metric import Part
from bridgeboard.model.scope import Filters, Scope

PEOPLE: Final = """people AS (
    SELECT initiator, CASE WHEN count(*) OVER (PARTITION BY username) > 1
        THEN username || ' (' || left(CAST(id AS VARCHAR), 8) || ')' ELSE username END AS person
    FROM initiators)"""
"""What people are called: by their user name, and where several had it, by their id too."""

MEMBERS: Final = """members AS (
    SELECT i.initiator, m.team, m.valid_from, m.valid_to
    FROM initiators i JOIN memberships m ON m.username = coalesce(i.member, lower(i.username)))"""
"""Who was in which team when, by our keys."""

TABLES: Final[Mapping[Source, str]] = {
    "usage": "usage",
    "calls": "tool_calls",
    "sessions": "sessions",
    "unread": "(SELECT * FROM sessions s"
    " WHERE NOT EXISTS (SELECT 1 FROM usage u WHERE u.session = s.session))",
}

NO_SESSIONS: Final = "(SELECT * FROM sessions s WHERE FALSE)"
"""What the unread sessions are where a request of every session is known."""

_MEMBER: Final = (
    " LEFT JOIN members b ON b.initiator = f.initiator"
    " AND f.started_at >= b.valid_from AND f.started_at < b.valid_to"
)
_INSTANT: Final = "epoch_us(f.started_at)"
_LISTS: Final = {"provider": "providers", "model": "models"}
_LISTED: Final = {("family",): "model", ("family", "model"): "model"} | {
    (name,): name for name in _LISTS
}
"""Dimensions that the list of sessions tells, together, and by which of its lists."""
_NAMES: Final = " LEFT JOIN families m ON m.model = {}"
"""What the models of ids are called; those that have no name are called by their id."""


@dataclass
class Arguments:
    """The parameters of a statement; the same value is bound once."""

    values: list[object] = field(default_factory=list)

    def bound(self, value: str | int | datetime | tuple[int, ...]) -> str:
        """The placeholder of a value. Times are bound as naive UTC, as they are stored."""
        plain = value.replace(tzinfo=None) if isinstance(value, datetime) else value
        if plain not in self.values:
            self.values.append(plain)
        return f"${self.values.index(plain) + 1}"

    def listed(self, values: Iterable[str | int]) -> str:
        """The placeholders of several values, in brackets."""
        return f"({', '.join(self.bound(value) for value in values)})"


@dataclass(frozen=True)
class Fold:
    """A dimension whose values count by their place in the table ``ranked``.

    All places after ``most`` are one.
    """

    name: str
    most: str

    def key(self) -> str:
        """The place of a value, the rest's for those that have none."""
        return f"least(r.place, {self.most} + 1)"

    def join(self, key: str) -> str:
        """Where the place comes from."""
        return f" LEFT JOIN ranked r ON r.key = {key}"


@dataclass(frozen=True)
class Rows:
    """Rows to aggregate: ``keys`` are SQL per dimension, ``text`` the FROM and WHERE.

    ``finer`` are dimensions whose keys are still those of a finer one: groups by them are brought
    together afterwards (``merged``), and only then a dimension is folded.
    """

    keys: Mapping[str, str]
    text: str
    finer: frozenset[str] = frozenset()
    fold: Fold | None = None


def quoted(name: str) -> str:
    """A name of the vocabulary as an SQL identifier."""
    return f'"{name}"'


def asked(by: Iterable[str], scope: Scope) -> set[str]:
    """All dimensions that a question speaks of."""
    return {*by, *(name for name, _ in (*scope.include, *scope.exclude))}


def tables(names: Iterable[str]) -> list[str]:
    """The common tables that dimensions need."""
    needed = {"initiator": PEOPLE, "team": MEMBERS}
    return [needed[name] for name in sorted(names) if name in needed]


def rows(
    source: Source,
    by: Sequence[str],
    scope: Scope,
    into: Arguments,
    fold: Fold | None = None,
    *,
    also: str = "",
    is_final: bool = False,
) -> Rows:
    """The rows of a source in a scope, to be split by dimensions that it has.

    ``also`` is one more condition on rows ``f``, true of a request's tool calls if of the request.
    Rows have final keys if they are asked for; to bring groups together afterwards takes a third
    of the time.
    """
    if source in {"sessions", "unread"}:
        sessions = _sessions(source, by, scope, into, fold)
        return replace(sessions, text=f"{sessions.text} AND {also}") if also else sessions
    keys = {name: key(name, source, scope) for name in by}
    window = [*_window(scope, into), *([also] if also else [])]
    where = _where([*window, *_conditions(source, scope, into, window)])
    origin = f"FROM {TABLES[source]} f{_member(by, scope)}"
    finer = frozenset(name for name in by if dimension(name).of)
    if is_final or not finer:
        return _folded(_named(keys, finer), f"{origin}{_naming(keys, finer)}", where, fold)
    return Rows(keys, f"{origin} {where}", finer, fold)


def merged(groups: str, rows: Rows) -> Rows:
    """Groups of rows, under the names of their dimensions, by the final keys of these."""
    keys = {name: f"f.{quoted(name)}" for name in rows.keys}
    origin = f"FROM ({groups}) f{_naming(keys, rows.finer)}"
    return _folded(_named(keys, rows.finer), origin, "", rows.fold)


def _named(keys: Mapping[str, str], finer: Iterable[str]) -> dict[str, str]:
    return {**keys, **{name: f"coalesce(m.family, {keys[name]})" for name in finer}}


def _naming(keys: Mapping[str, str], finer: Iterable[str]) -> str:
    return "".join(_NAMES.format(keys[name]) for name in finer)


def cells(table: str, by: Sequence[str], fold: Fold | None = None) -> Rows:
    """The rows of a table that is already split by these dimensions, to be taken together."""
    return _folded({name: f"f.{quoted(name)}" for name in by}, f"FROM {table} f", "", fold)


_EPOCH_WEEKDAY: Final = 3
"""1970-01-01, from which days are counted, was a Thursday."""


def key(name: str, source: Source, scope: Scope) -> str:
    """What a row of a source is grouped by: SQL that is never NULL."""
    one = dimension(name)
    if not one.time:
        return one.columns[source]
    if name == "hour":
        return times.hour_sql(scope.segments, _INSTANT)
    if name == "month":
        return times.chosen_sql(_months(scope), _INSTANT)
    local = times.local_sql(scope.segments, _INSTANT)
    since_start = (_EPOCH_WEEKDAY - scope.week_start) % 7
    return {
        "day": f"divide({local}, {times.DAY})",
        "week": f"divide(divide({local}, {times.DAY}) + {since_start}, 7) * 7 - {since_start}",
        "weekday_hour": f"mod(divide({local}, {times.HOUR}) + 72, 168)",
    }[name]


def _months(scope: Scope) -> list[tuple[int, str]]:
    """When each local month of the scope began, and its number: twelve times the year, and on."""
    first, last = (12 * day.year + day.month - 1 for day in (scope.first_day, scope.last_day))
    begun = [
        times.midnight(date(number // 12, number % 12 + 1, 1), scope.zone)
        for number in range(first, last + 1)
    ]
    starts = map(times.microseconds, begun)
    return [(at, str(number)) for number, at in enumerate(starts, first)]


def _folded(keys: Mapping[str, str], origin: str, where: str, fold: Fold | None) -> Rows:
    if fold is None or fold.name not in keys:
        return Rows(keys, f"{origin} {where}")
    return Rows({**keys, fold.name: fold.key()}, f"{origin}{fold.join(keys[fold.name])} {where}")


def _member(by: Iterable[str], scope: Scope) -> str:
    return _MEMBER if "team" in asked(by, scope) else ""


def _where(conditions: Sequence[str]) -> str:
    return f"WHERE {' AND '.join(conditions)}"


def _window(scope: Scope, into: Arguments) -> list[str]:
    since, until = into.bound(scope.since), into.bound(scope.until)
    return [f"f.started_at >= {since}", f"f.started_at < {until}"]


def _conditions(source: Source, scope: Scope, into: Arguments, window: Sequence[str]) -> list[str]:
    """A scope's filters on the rows of a source.

    What a row does not know itself is asked of the other source: of a request's tool calls, one
    must have all included values, and none an excluded one.
    """
    other: Source = "calls" if source == "usage" else "usage"
    own, foreign = _parted(scope.include, source)
    terms = [_among(name, source, values, scope, into) for name, values in own]
    if foreign:
        among = [_among(name, other, values, scope, into) for name, values in foreign]
        terms.append(f"f.usage IN ({_requests(other, [*window, *among])})")
    own, foreign = _parted(scope.exclude, source)
    terms += [f"NOT {_among(name, source, values, scope, into)}" for name, values in own]
    for name, values in foreign:
        among = [*window, _among(name, other, values, scope, into)]
        terms.append(f"f.usage NOT IN ({_requests(other, [*window, *among])})")
    return terms


def _parted(filters: Filters, source: Source) -> tuple[Filters, Filters]:
    own = tuple(pair for pair in filters if DIMENSIONS[pair[0]].splits(source))
    return own, tuple(pair for pair in filters if pair not in own)


def _among(name: str, source: Source, values: Iterable[str], scope: Scope, into: Arguments) -> str:
    one = dimension(name)
    if one.time:
        return f"({key(name, source, scope)} IN {into.listed(map(int, values))})"
    values_sql = into.listed(values)
    if one.of:
        key_sql = one.columns[source]
        ids = f"SELECT m.model FROM families m WHERE m.family IN {values_sql}"
        return f"({key_sql} IN {values_sql} OR {key_sql} IN ({ids}))"
    if name == "initiator":
        return f"(f.initiator IN (SELECT initiator FROM people WHERE person IN {values_sql}))"
    return f"({one.shown.format(one.columns[source])} IN {values_sql})"


def _requests(source: Source, conditions: Sequence[str]) -> str:
    return f"SELECT f.usage FROM {TABLES[source]} f {_where(conditions)}"


def _sessions(
    source: Source, by: Sequence[str], scope: Scope, into: Arguments, fold: Fold | None
) -> Rows:
    """Sessions that began in a scope, joined with what they used where that is asked for."""
    used = sorted(name for name in asked(by, scope) if not _tells(name))
    keys = {name: key(name, source, scope) for name in by if name not in used}
    origin = f"FROM {TABLES[source]} f{_member(by, scope)}"
    if used:
        parts = [name for name in by if name in used]
        text = _nothing(parts, fold) if _is_hidden(source, used) else ""
        text = text or _used(used, parts, scope, into, fold)
        origin += f" JOIN ({text}) v ON v.session = f.session"
        keys |= {name: f"v.{quoted(name)}" for name in parts}
    window = _window(scope, into)
    conditions = _conditions(source, _about(scope, used, is_about=False), into, window)
    where = _where([*window, *conditions])
    is_folded = fold is None or fold.name in used
    return _folded({name: keys[name] for name in by}, origin, where, None if is_folded else fold)


def _is_hidden(source: Source, used: Sequence[str]) -> bool:
    """Whether only requests could tell what sessions used, and none is known."""
    return source == "unread" and tuple(used) not in _LISTED


def _nothing(by: Sequence[str], fold: Fold | None) -> str:
    kinds = {name: "BIGINT" if fold and name == fold.name else "VARCHAR" for name in by}
    columns = "".join(f", CAST(NULL AS {kind}) AS {quoted(name)}" for name, kind in kinds.items())
    return f"SELECT CAST(NULL AS BIGINT) AS session{columns} WHERE FALSE"


def _tells(name: str) -> bool:
    one = dimension(name)
    return one.splits("sessions") and "sessions" not in one.overlapping


def _about(scope: Scope, names: Sequence[str], *, is_about: bool) -> Scope:
    """A scope with only the filters about, or only those not about, some dimensions."""
    include, exclude = (
        tuple(pair for pair in pairs if (pair[0] in names) == is_about)
        for pairs in (scope.include, scope.exclude)
    )
    return replace(scope, include=include, exclude=exclude)


def _used(
    used: Sequence[str], by: Sequence[str], scope: Scope, into: Arguments, fold: Fold | None
) -> str:
    """One row per session and what it used of ``by``, where one request passes all filters.

    Only models, or only providers, are known from the list of sessions; anything else, and any
    two things together, from requests whose session is known.
    """
    keys = {name: dimension(name).columns["sessions"] for name in by}
    if listed := _LISTED.get(tuple(used)):
        origin, window = f"({_listed(listed, scope, into)})", ["TRUE"]
    else:
        # A session's requests do not end with the scope that it began in.
        origin, window = "usage", [_window(scope, into)[0], "f.session IS NOT NULL"]
    conditions = _conditions("usage", _about(scope, used, is_about=True), into, window)
    finer = [name for name in by if dimension(name).of]
    origin = f"FROM {origin} f{_naming(keys, finer)}"
    source = _folded(_named(keys, finer), origin, _where([*window, *conditions]), fold)
    columns = [f"{sql} AS {quoted(name)}" for name, sql in source.keys.items()]
    return f"SELECT DISTINCT {', '.join(['f.session', *columns])} {source.text}"


def _listed(name: str, scope: Scope, into: Arguments) -> str:
    values = f"f.{_LISTS[name]}"
    each = f"unnest(CASE WHEN len({values}) = 0 THEN list_value(NULL) ELSE {values} END)"
    return f"SELECT f.session, {each} AS {name} FROM sessions f {_where(_window(scope, into))}"


def grouped(rows: Rows, source: Source, parts: Mapping[str, Part]) -> str:
    """Parts of each group of a source's rows, under the names of their columns.

    At most one of them is keys, and beside that all others are sums.
    """
    plain = {name: part for name, part in parts.items() if part.kind != "keys"}
    keys = {name: f"{part.sql(source)}" for name, part in parts.items() if part.kind == "keys"}
    columns = [f"{part.sql(source)} AS {name}" for name, part in plain.items()]
    sums = _sums({name: name for name in plain})
    if not keys:
        groups = _grouped(rows, columns)
        return _grouped(merged(groups, rows), sums) if rows.finer else groups
    ((name, key),) = keys.items()
    words = _words(rows, key, columns)
    if rows.finer:
        split = merged(words, rows)
        split = replace(split, keys={**split.keys, "place": "f.place"})
        words = _grouped(split, [*sums, "bit_or(f.word) AS word"])
    count = f"CAST(coalesce(sum(bit_count(f.word)), 0) AS BIGINT) AS {name}"
    again = cells(f"({words})", list(rows.keys))
    return _grouped(again, [*sums, count])


def summed(rows: Rows, columns: Mapping[str, str]) -> str:
    """Columns of groups that were sums, added up for larger groups: new names and old ones."""
    return _grouped(rows, _sums(columns))


def _words(rows: Rows, key: str, columns: Sequence[str]) -> str:
    """Columns of each group and word, and ``word``: the keys that occur, one bit each.

    Our keys are whole numbers given in a row, so that 64 of them are one word. There are far fewer
    words than keys, which is why they are counted several times as fast. Shifts and masks are
    right below zero, too; rows without a key have the word NULL, which counts nothing.
    """
    split = replace(rows, keys={**rows.keys, "place": word(key)})
    return _grouped(split, [*columns, f"bit_or({bit(key)}) AS word"])


def _sums(columns: Mapping[str, str]) -> list[str]:
    return [f"sum(f.{old}) AS {new}" for new, old in columns.items()]


def _grouped(rows: Rows, columns: Sequence[str]) -> str:
    keys = [f"{sql} AS {quoted(name)}" for name, sql in rows.keys.items()]
    # By place: GROUP BY ALL would make a row of nothing where a key is the same throughout.
    places = ", ".join(str(place) for place, _ in enumerate(keys, 1))
    by = f" GROUP BY {places}" if places else ""
    return f"SELECT {', '.join([*keys, *columns])} {rows.text}{by}"


def word(key: str) -> str:
    """SQL for the word of a key of ours: 64 keys in a row are one word, one bit each."""
    return f'">>"({key}, 6)'


def place_in_word(key: str) -> str:
    """SQL for the place of a key's bit in its word."""
    return f'CAST("&"({key}, 63) AS UBIGINT)'


def bit(key: str) -> str:
    """SQL for a word with the bit of one key."""
    return f'"<<"(CAST(1 AS UBIGINT), {place_in_word(key)})'
