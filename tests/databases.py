"""State databases for the tests: SQLite in a folder, and a PostgreSQL of their own.

The server is started once, in a folder of its own, as an account that is not root, and answers at a
socket of that folder alone. Each test gets a fresh database of it.
"""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Final
from urllib.parse import quote

import psycopg
from identity_services import needed

from bridgeboard import settings
from bridgeboard.runtime import state_files
from bridgeboard.state import Database, opened
from bridgeboard.state.audit import Audit
from bridgeboard.state.saved_views import SavedViews
from bridgeboard.store import Store

PASSWORD: Final = "p@ss/word'%"
_NUMBERS = count()


@dataclass(frozen=True)
class Server:
    """A PostgreSQL that runs, by its socket's folder."""

    folder: Path

    def url(self, name: str = "postgres", password: str = PASSWORD) -> str:
        return f"postgresql://bridgeboard:{quote(password, safe='')}@/{name}?host={self.folder}"

    def fresh(self) -> str:
        """The address of a database that nothing is in yet."""
        name = f"state_{next(_NUMBERS)}"
        self.execute(f"CREATE DATABASE {name}")
        return self.url(name)

    def execute(self, statement: str, url: str = "") -> None:
        with psycopg.connect(url or self.url(), autocommit=True) as connection:
            connection.execute(statement)


@contextmanager
def postgres() -> Iterator[Server]:
    """A server until the block ends."""
    folders = [str(path) for path in Path("/usr/lib/postgresql").glob("*/bin")]
    initdb = needed("initdb", "postgresql", *folders)
    pg_ctl = Path(initdb).with_name("pg_ctl")
    # Short, as the path of a socket has 107 characters at most.
    folder = Path(tempfile.mkdtemp(prefix="pg", dir="/tmp"))
    account = pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
    os.chown(folder, account.pw_uid, account.pw_gid)
    run_as = {"user": account.pw_uid, "group": account.pw_gid} if os.geteuid() == 0 else {}
    secret = folder / "password"
    secret.write_text(PASSWORD)
    secret.chmod(0o644)
    data = folder / "data"
    try:
        subprocess.run(  # noqa: S603 - our own command
            [initdb, "-D", data, "-U", "bridgeboard", "-A", "scram-sha-256", "--no-sync",
             "--encoding=UTF8", "--locale=C", f"--pwfile={secret}"],
            check=True, capture_output=True, cwd=folder, **run_as,
        )  # fmt: skip
        options = f"-k {folder} -c listen_addresses= -c fsync=off"
        start = [pg_ctl, "-D", data, "-l", folder / "log", "-w", "-o", options, "start"]
        subprocess.run(start, check=True, stdout=subprocess.DEVNULL, cwd=folder, **run_as)  # noqa: S603 - likewise
        try:
            yield Server(folder)
        finally:
            # At once: it would wait without end for connections that tests have left open.
            stop = [pg_ctl, "-D", data, "-w", "-m", "immediate", "stop"]
            subprocess.run(stop, check=True, stdout=subprocess.DEVNULL, cwd=folder, **run_as)  # noqa: S603 - likewise
    finally:
        shutil.rmtree(folder)


@contextmanager
def database(folder: Path, url: str = "") -> Iterator[Database]:
    """A state database, whose connections end with the block."""
    made = Database(folder, url)
    try:
        yield made
    finally:
        made.close()


def log_below(folder: Path) -> Audit:
    """The audit log of the one data folder that is somewhere below a folder."""
    (file,) = folder.rglob("state.sqlite")
    return Audit(opened(file.parent))


@contextmanager
def unusable(file: Path) -> Iterator[None]:
    """A state database is refused while others may read it, for root as for everybody."""
    file.chmod(0o644)
    try:
        yield
    finally:
        file.chmod(0o600)


def broken(folder: Path) -> Database:
    """A state database that can be neither read nor written, as a folder stands in its place."""
    (folder / "state.sqlite").mkdir(parents=True)
    return Database(folder)


def saved_views_of(store: Store) -> SavedViews:
    """The views and notes of those who see all of a store, in the dashboard of this process."""
    return SavedViews(state_files.state_database(settings.current()), store.path.stem)


def forget(store: Store) -> None:
    """Let there be no views and notes of a store in the dashboard of this process."""
    for saved in SavedViews.of_store(
        state_files.state_database(settings.current()), store.path.stem
    ):
        for view in saved.views():
            saved.drop(view.name)
        for finding in saved.notes():
            saved.erase(finding)
