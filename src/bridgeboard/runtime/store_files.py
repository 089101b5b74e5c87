"""The data folder, and the file of the configured deployment's store in it."""

import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from aibridge import AIBridgeError, Client
from bridgeboard import private_files, store
from bridgeboard.settings import Settings, SettingsError
from bridgeboard.store import Repaired, Restored, Store, erasure_list, file_location

DEPLOYMENTS = "deployments.json"


def private_folder(settings: Settings) -> Path:
    """The data folder, made for this account only if it is missing.

    Raises:
        SettingsError: when it cannot be made, or when other accounts may enter it: the store, its
            log and the audit log hold what people typed and who looked at it.
    """
    folder = settings.folder
    problem = private_files.unusable(folder, "data folder", "name another by BRIDGEBOARD_DATA")
    if problem:
        raise SettingsError(problem)
    return folder


def stored(settings: Settings, client: Client) -> Store:
    """The open store of the deployment that ``client`` speaks to; made if there is none.

    A deployment that does not answer is known by its address from an earlier time.

    Raises:
        SettingsError: when others may enter its folder.
        StoreError: when it cannot be opened; another process may have it.
        AIBridgeError: when the deployment does not answer and there is no store of it yet.
    """
    refuse_replica(settings)
    private_folder(settings)
    path = _place(settings, client)
    opened = Store.open(path, memory_mb=settings.store_memory_mb)
    try:
        erasure_list.apply(opened, erasure_files(settings, path))
    except BaseException:
        opened.close()
        raise
    _remember(settings, path.name)
    return opened


def refuse_replica(settings: Settings) -> None:
    """Let a process that only reads do nothing that needs the store, which another one has.

    Raises:
        SettingsError: which says where to do it.
    """
    if settings.reads_only:
        raise SettingsError(
            f"These settings are those of a {_reader(settings)}: it only reads. Run this command"
            " with the settings of the process that syncs."
        )


def _reader(settings: Settings) -> str:
    if settings.store:
        return "dashboard that reads from ClickHouse (store is set)"
    return f"replica (replica_folder is {settings.replica_folder})"


def _place(settings: Settings, client: Client) -> Path:
    try:
        identity = client.buildinfo().deployment_id or settings.url
    except AIBridgeError:
        known = _remembered(settings).get(settings.url)
        if known is None or not (settings.folder / known).is_file():
            raise
        return settings.folder / known
    return store.location(settings.folder, identity)


def store_file(settings: Settings) -> Path:
    """The file of the configured deployment's store, known from an earlier sync.

    Raises:
        SettingsError: when there has been none, or others may enter its folder.
    """
    refuse_replica(settings)
    private_folder(settings)
    name = _remembered(settings).get(settings.url)
    path = settings.folder / name if name else None
    if path is None or not path.is_file():
        raise SettingsError(
            f"There is no store of {settings.url or 'a deployment'} in {settings.folder} yet. "
            "Run: bridgeboard sync"
        )
    return path


def opened(settings: Settings, path: Path | None = None) -> Store:
    """The open store of a file, or as ``store_file`` finds it. Raises SettingsError, StoreError."""
    return Store.open(path or store_file(settings), memory_mb=settings.store_memory_mb)


def erasure_files(settings: Settings, path: Path) -> list[Path]:
    """The files that say who was erased from a store: in the data folder, and with the backups."""
    folders = [settings.folder]
    if settings.backups_path.is_dir():
        folders.append(settings.backups_path)
    return [erasure_list.file_in(folder, path) for folder in folders]


def restored(settings: Settings, folder: Path, *, now: datetime) -> tuple[Path, Restored]:
    """Make a store of the backup in ``folder``, ``now``; its file, and what became of it.

    Whoever was erased since the backup was made is not in it.

    Raises:
        SettingsError: when others may enter the data folder.
        StoreError: when the backup cannot be used, or its deployment has a store already.
    """
    refuse_replica(settings)
    fresh = private_folder(settings) / file_location.RESTORED
    store.remove(fresh)
    store.restore(folder, fresh, now=now)
    try:
        with Store.open(fresh, memory_mb=settings.store_memory_mb) as opened:
            identity = opened.meta("deployment_id") or settings.url
            path = store.location(settings.folder, identity)
            file_location.refuse_present(path)
            files = _all_erasure_files(settings, path, [folder])
            done = store.complete(opened, folder, files, now)
        fresh.rename(path)
    finally:
        store.remove(fresh)
    if settings.url and settings.url not in _remembered(settings):
        _remember(settings, path.name)
    return path, done


def repaired(
    settings: Settings, path: Path, chosen: Path | None, *, now: datetime
) -> Repaired | None:
    """Put a backup in the place of a damaged store; None when nothing is wrong with it.

    Args:
        settings: where backups are.
        path: the store's file.
        chosen: the backup to take; None takes the newest good one of the nightly ones.
        now: the time, aware.

    Raises:
        StoreError: when that cannot be done, or the chosen backup is damaged.
    """
    nightly = [one.path for one in store.backups_of(settings.backups_path, path, now)]
    candidates = [chosen] if chosen else nightly
    return store.repair(
        path,
        candidates,
        now=now,
        erasures=_all_erasure_files(settings, path, candidates[:1]),
        may_begin_anew=chosen is None,
        memory_mb=settings.store_memory_mb,
    )


def _all_erasure_files(settings: Settings, path: Path, backups: Sequence[Path]) -> list[Path]:
    """The lists of erased people of this store, and those beside backups made elsewhere."""
    named = [path.parent, *(each.expanduser().resolve().parent for each in backups)]
    files = [erasure_list.file_in(folder, path) for folder in named]
    known = erasure_files(settings, path)
    return list(dict.fromkeys([*known, *(each for each in files if each.is_file())]))


def _remembered(settings: Settings) -> dict[str, str]:
    try:
        deployments = json.loads((settings.folder / DEPLOYMENTS).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    # Names only, so that the file cannot lead anywhere else.
    named = deployments.items() if isinstance(deployments, dict) else ()
    return {url: Path(name).name for url, name in named if isinstance(name, str)}


def _remember(settings: Settings, name: str) -> None:
    known = _remembered(settings)
    if known.get(settings.url) != name:
        text = json.dumps(known | {settings.url: name}, indent=2)
        private_files.put(settings.folder / DEPLOYMENTS, text)
