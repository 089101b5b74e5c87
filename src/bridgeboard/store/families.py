"""What the models of ids are called: the table ``families``, which questions join with ids."""

from collections.abc import Callable, Iterable
from typing import Final

import pyarrow as pa

from bridgeboard.store.database import Store
from bridgeboard.store.reader import Batch

Name = Callable[[str], str]
"""What the model of an id is called."""

_VERSION: Final = "families_version"
_IDS: Final = """
SELECT DISTINCT model FROM (
    SELECT model FROM usage UNION ALL SELECT model FROM tool_calls UNION ALL
    SELECT model FROM threads UNION ALL SELECT model FROM group_usage UNION ALL
    SELECT unnest(models) FROM sessions
) WHERE model <> ''
"""


def learn(batch: Batch, ids: Iterable[str | None], name: Name) -> None:
    """Name the models of ids that are new to the store."""
    known = {model for (model,) in batch.rows("SELECT model FROM families")}
    _add(batch, {model: name(model) for model in set(ids) - known if model})


def renew(store: Store, version: str, name: Name) -> None:
    """Name the models of all ids in the store anew, if their names are of another version."""
    if store.meta(_VERSION) == version:
        return
    with store.write() as batch:
        batch.execute("DELETE FROM families")
        _add(batch, {model: name(model) for (model,) in batch.rows(_IDS)})
        batch.set_meta(_VERSION, version)


def _add(batch: Batch, names: dict[str, str]) -> None:
    if names:
        table = pa.table({"model": [*names], "family": [*names.values()]})
        with batch.registered(new_families=table):
            batch.execute("INSERT INTO families BY NAME FROM new_families")
