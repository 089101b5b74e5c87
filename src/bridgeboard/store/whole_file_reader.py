"""Reads a whole store file in a process of its own, which may crash (``file_check``).

It runs as a script and imports nothing of ours, so that it begins at once. A line of JSON on stdout
says after each step how far it came.
"""

import json
import sys
from typing import Any, Final

import duckdb

_TABLES: Final = """
SELECT table_name FROM duckdb_tables() WHERE database_name = current_database() AND NOT internal
"""
_META: Final = "SELECT name, value FROM meta WHERE name IN ('schema', 'deployment_id')"


def main() -> None:
    """Open the file that is named first, and read all of it if ``all`` stands behind it."""
    path, what, settings = sys.argv[1:]
    progress: dict[str, Any] = {"tables": [], "meta": {}, "error": "", "done": False}
    try:
        with duckdb.connect(path, read_only=True, config=json.loads(settings)) as connection:
            progress["tables"] = [name for (name,) in connection.execute(_TABLES).fetchall()]
            _say(progress)
            if "meta" in progress["tables"]:
                progress["meta"] = dict(connection.execute(_META).fetchall())
                _say(progress)
            for name in progress["tables"] if what == "all" else ():
                connection.execute(f'SELECT max(hash(COLUMNS(*))) FROM "{name}"').fetchall()
        progress["done"] = True
    except duckdb.Error as error:
        progress["error"] = str(error)
    _say(progress)


def _say(progress: dict[str, Any]) -> None:
    print(json.dumps(progress), flush=True)  # noqa: T201 - this is the answer


if __name__ == "__main__":
    main()
