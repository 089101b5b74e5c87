"""Serves chdb, the engine of ClickHouse in process, by ClickHouse's own protocol over HTTP.

``clickhouse_server.py FOLDER`` keeps its tables in a folder, takes a free port and prints it as
soon as it answers there; it ends with its standard input. It is made for clickhouse-connect:

* ``GET /ping``; statements in ``?query=``, in the body or begun in the one and ended in the other,
  with ``?param_NAME=``, ``?database=`` and any setting; an INSERT's rows follow its statement.
  Bodies may be compressed by gzip, lz4 or zstd.
* Answers have the format that the statement or ``?default_format=`` names, and the headers
  ``X-ClickHouse-Format``, ``-Query-Id``, ``-Timezone``, ``-Summary``; errors have status 500 and
  ``X-ClickHouse-Exception-Code``.

What a server has besides is refused or absent: sessions of HTTP (``?session_id=`` is an error, so
connect with ``autogenerate_session_id=False``), users and roles (any name and password will do),
progress, cancelling, compressed answers, fields of forms.
"""

import json
import re
import socket
import sys
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from importlib import import_module
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import uvicorn
from chdb.session import Session
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

NO_SETTINGS: Final = {
    *("query", "database", "default_format", "query_id", "session_id", "user", "password"),
    *("compress", "decompress", "enable_http_compression", "wait_end_of_query", "buffer_size"),
    *("send_progress_in_http_headers", "http_headers_progress_interval_ms"),
    *("client_protocol_version", "role", "quota_key"),
}
"""Parameters of a request that are about the request or for a server alone."""
FORMAT: Final = re.compile(r"\bFORMAT\s+(\w+)\s*;?\s*\Z", re.IGNORECASE)
INSERT: Final = re.compile(
    rb"\s*(INSERT\s+INTO\s+.*?)\s+FORMAT\s+(\w+)[ \t]*(?:\r?\n|\Z)", re.IGNORECASE | re.DOTALL
)
"""An INSERT whose rows come after it, and their format."""
HAS_NO_ROWS: Final = re.compile(r"(?:--.*\n|\s|\()*(?!SELECT|WITH|SHOW|DESC|EXPLAIN|EXISTS)\w")
CODE: Final = re.compile(r"Code: (\d+)")


def answered(folder: str, options: dict[str, str], body: bytes) -> Response:
    """The response to a statement with its parameters and settings, in a session of its own."""
    if "session_id" in options:
        return failed("Code: 373. DB::Exception: No sessions here. (SESSION_NOT_FOUND)")
    settings = {name: value for name, value in options.items() if name not in NO_SETTINGS}
    params = {
        name.removeprefix("param_"): settings.pop(name)
        for name in [*settings]
        if name.startswith("param_")
    }
    before = options.get("query", "").encode()
    whole = b"\n".join(part for part in (before, body) if part)
    with closing(Session(folder)) as session:
        try:
            session.query(f"USE {quoted(options.get('database') or 'default', '`')}")
            # What restricts settings comes last: it would keep others from being set.
            for name in sorted(settings, key="readonly".__eq__):
                session.query(f"SET {name} = {quoted(settings[name])}")
            insert = INSERT.match(whole)
            if insert and insert[2].lower() != b"values":
                return inserted(session, insert, whole[insert.end() :], options)
            return selected(session, whole.decode(), options, params)
        except RuntimeError as error:
            return failed(str(error))


def selected(
    session: Session, sql: str, options: dict[str, str], params: dict[str, Any]
) -> Response:
    """The rows of a SELECT; nothing for a statement that has none."""
    named = FORMAT.search(sql)
    name = named[1] if named else options.get("default_format", "TabSeparated")
    result = session.query(sql, name, params=params)
    read = {"read_rows": result.rows_read(), "read_bytes": result.bytes_read()}
    headers = summary(options, **read, written_rows=result.rows_written())
    if not HAS_NO_ROWS.match(sql):
        headers["X-ClickHouse-Format"] = name
    return Response(result.bytes(), headers=headers)


def inserted(
    session: Session, insert: re.Match[bytes], rows: bytes, options: dict[str, str]
) -> Response:
    """The response to an INSERT of rows in a format."""
    with session.send_insert(insert[1].decode(), insert[2].decode()) as writer:
        writer.append(rows)
        return Response(headers=summary(options, written_rows=writer.finish().rows_written))


def summary(options: dict[str, str], **counts: int) -> dict[str, str]:
    """The headers of a response that say what was done."""
    return {
        "X-ClickHouse-Query-Id": options.get("query_id") or str(uuid4()),
        "X-ClickHouse-Timezone": "UTC",
        "X-ClickHouse-Summary": json.dumps({name: str(count) for name, count in counts.items()}),
    }


def failed(message: str) -> Response:
    """The response to a statement that failed."""
    code = CODE.search(message)
    headers = {"X-ClickHouse-Exception-Code": code[1] if code else "1002"}
    return PlainTextResponse(message, 500, headers)


def decoded(body: bytes, coding: str) -> bytes:
    """A body without its compression, by the libraries of the client."""
    zstd = "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd"
    modules = {"gzip": "gzip", "lz4": "lz4.frame", "zstd": zstd}
    whole: bytes = import_module(modules[coding]).decompress(body)
    return whole


def quoted(text: str, mark: str = "'") -> str:
    """A text as SQL has it."""
    return mark + text.replace("\\", "\\\\").replace(mark, "\\" + mark) + mark


def served(folder: str, port: int) -> Starlette:
    """The server's application, which prints its port as soon as it runs."""

    async def ping(_: Request) -> Response:
        return PlainTextResponse("Ok.\n")

    async def ask(request: Request) -> Response:
        body = await request.body()
        coding = request.headers.get("content-encoding")
        if coding:
            body = decoded(body, coding)
        return await run_in_threadpool(answered, folder, dict(request.query_params), body)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        # The first session of a folder starts the engine, and the last to end stops it.
        with closing(Session(folder)):
            print(port, flush=True)  # noqa: T201 - the sign that is waited for
            yield

    routes = [Route("/ping", ping), Route("/", ask, methods=["GET", "POST"])]
    return Starlette(routes=routes, lifespan=lifespan)


def main(folder: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        app = served(folder, listening.getsockname()[1])
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning"))

        def end_with_the_input() -> None:
            sys.stdin.read()
            server.should_exit = True

        threading.Thread(target=end_with_the_input, daemon=True).start()
        server.run(sockets=[listening])


if __name__ == "__main__":
    Path(sys.argv[1]).mkdir(exist_ok=True)
    main(sys.argv[1])
