"""Whether a ClickHouse answers as it has to: its version, its settings, and known answers."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Final

from bridgeboard.clickhouse.connection import OLDEST
from bridgeboard.clickhouse.read_connection import Ask
from bridgeboard.clickhouse.settings import SETTINGS
from bridgeboard.clickhouse.spelling import spelled
from bridgeboard.clickhouse.store_errors import ServerUnfitError

KNOWN: Final[Mapping[str, Any]] = {
    "SELECT divide(7, 2) AS n": 3,
    "SELECT sum(x.n) AS n FROM (SELECT 1 AS n) x WHERE FALSE": None,
    f"SELECT sum(x.n) AS n FROM (SELECT unnest(list_value({2**62}, {2**62})) AS n) x": 2**63,
    "SELECT count(DISTINCT x.n) AS n FROM (SELECT unnest(range(70000)) AS n) x": 70_000,
    (
        "SELECT b.n AS n FROM (SELECT 1 AS k) a LEFT JOIN (SELECT 2 AS k, 3 AS n) b ON a.k = b.k"
    ): None,
    "SELECT CAST(nullif(1, 1) AS VARCHAR) AS n": None,
    "SELECT lower('É') AS n": "é",
    "SELECT make_date(1969, 12, 29) AS n": date(1969, 12, 29),
    "SELECT make_timestamp(1) AS n": datetime(1970, 1, 1, 0, 0, 0, 1),  # noqa: DTZ001 - as stored
    "SELECT b.n AS n FROM (SELECT 1 AS k, 2 AS n) a JOIN (SELECT 1 AS k, 3 AS n) b ON a.k = b.k": 3,
    "SELECT count(*) AS n FROM (SELECT 1 AS a UNION SELECT 1 AS a) x": 1,
    "SELECT bit_count(bit_or(x.n)) AS n FROM (SELECT unnest(list_value(1, 2, 2)) AS n) x": 2,
}
"""Statements as DuckDB runs them too, and their answers: each is one that differs by a setting."""
_SETTINGS: Final = ", ".join(f"toString(getSetting('{name}'))" for name in SETTINGS)


def check(ask: Ask, version: str, where: str) -> None:
    """Raise ServerUnfitError for a host whose answers would be others than the store's."""
    _check_version(version, where)
    (in_force,) = ask(f"SELECT {_SETTINGS}", {})[1]
    for (name, wanted), found in zip(SETTINGS.items(), in_force, strict=True):
        if found not in {str(wanted), _SWITCHES.get(str(wanted))}:
            raise ServerUnfitError(
                f"ClickHouse at {where} has {name} = {found} in force where {wanted} was asked for:"
                " let the user that reads change it (readonly = 2, no constraints)."
            )
    for sql, wanted in KNOWN.items():
        statement = spelled(sql)
        ((found,),) = ask(statement.sql, statement.parameters)[1]
        if found != wanted or type(found) is not type(wanted):
            raise ServerUnfitError(
                f"ClickHouse at {where} (version {version}) answers {sql!r} with {found!r} instead"
                f" of {wanted!r}, so its numbers would be wrong. Use a version that was tested:"
                f" {'.'.join(map(str, OLDEST))} or the next."
            )


_SWITCHES: Final = {"1": "true", "0": "false"}


def _check_version(version: str, where: str) -> None:
    parts = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
    if parts < OLDEST:
        raise ServerUnfitError(
            f"ClickHouse at {where} is version {version}, and {'.'.join(map(str, OLDEST))} is the"
            " oldest that works: upgrade it."
        )
