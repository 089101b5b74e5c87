"""People of budgets: who is in which team at a moment, and by which user name an id is known."""

from datetime import datetime
from typing import Final

from bridgeboard.queries.metric_query import Query, with_tables
from bridgeboard.queries.metric_sources import MEMBERS, PEOPLE, Arguments

USERNAMES: Final = Query(
    "SELECT CAST(id AS VARCHAR), lower(username) FROM initiators ORDER BY CAST(id AS VARCHAR)",
    (),
    ("initiator",),
)
"""Id and user name of everybody."""


def people_in_teams(at: datetime) -> Query:
    """Everybody by name, with their team at an aware moment; NULL for none."""
    into = Arguments()
    now = into.bound(at)
    sql = (
        "SELECT p.person, m.team FROM people p LEFT JOIN members m ON m.initiator = p.initiator"
        f" AND m.valid_from <= {now} AND m.valid_to > {now} ORDER BY p.person, m.team"
    )
    return with_tables((PEOPLE, MEMBERS), sql, into, ("initiator", "team"))
