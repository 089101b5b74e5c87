"""The other side of ``apart``: one file opened for reading, a question a line, an answer a line.

It runs as a script of its own and imports nothing of ours, so that it begins at once.
"""

import json
import sys
from typing import Any

import duckdb


def main() -> None:
    """Answer until stdin ends. What cannot be answered is told and ends nothing."""
    path, settings = sys.argv[1], json.loads(sys.argv[2])
    connection: duckdb.DuckDBPyConnection | None = None
    for line in sys.stdin:
        try:
            connection = connection or _connected(path, settings)
            answer: dict[str, Any] = {"rows": connection.execute(json.loads(line)).fetchall()}
        except duckdb.Error as error:
            answer = {"error": str(error)}
        print(json.dumps(answer, default=str), flush=True)  # noqa: T201  # this is the answer


def _connected(path: str, settings: dict[str, Any]) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(path, read_only=True, config=settings)
    connection.execute("SET GLOBAL TimeZone = 'UTC'")
    return connection


if __name__ == "__main__":
    main()
