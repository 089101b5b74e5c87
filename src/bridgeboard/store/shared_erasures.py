"""Two stores that become one: whoever was erased from either is erased from both before."""

from typing import Final

from bridgeboard.store import erasure
from bridgeboard.store.reader import Batch

_KEYS: Final = """
UPDATE erased SET key = brought.key FROM brought
WHERE erased.digest = brought.digest AND erased.key IS NULL
"""
_PEOPLE: Final = """
INSERT INTO erased BY NAME
FROM brought WHERE digest NOT IN (SELECT digest FROM erased)
"""
_ROWS: Final = "INSERT INTO erased_rows BY NAME FROM (FROM brought EXCEPT FROM erased_rows)"


def share(one: Batch, other: Batch) -> None:
    """Erase from each of two stores whoever was erased from the other.

    They have the same names in both then, so that nobody is there twice.
    """
    for here, there in ((one, other), (other, one)):
        with here.registered(brought=there.table("FROM erased")):
            here.execute(_KEYS)
            here.execute(_PEOPLE)
        with here.registered(brought=there.table("FROM erased_rows")):
            here.execute(_ROWS)
    for each in (one, other):
        erasure.erase_again(each)
