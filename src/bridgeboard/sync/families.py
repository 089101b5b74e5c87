"""Names the models of ids by the price list (docs/costs.md 3)."""

import pyarrow as pa
import pyarrow.compute as pc

from bridgeboard.pricing import families_version, family
from bridgeboard.store import Batch, Store, families


def learn(batch: Batch, ids: pa.ChunkedArray | pa.Array) -> None:
    """Name the models of ids that are being written, where these are new to the store."""
    families.learn(batch, pc.unique(ids).to_pylist(), family)


def renew(store: Store) -> None:
    """Name the models of all ids in the store by the price list of today, if it has changed."""
    families.renew(store, families_version(), family)
