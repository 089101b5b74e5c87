"""The command check: its checks, from the deployment's address to the first row."""

import logging
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import typer

from aibridge import AIBridgeError, Capabilities, Client, Search
from bridgeboard import budgets, formats, store
from bridgeboard.alerts.recipients import RecipientsFileError
from bridgeboard.analysis import coder_groups, completeness, prices, team_file
from bridgeboard.analysis.completeness import Verdict, bad, good
from bridgeboard.analysis.coverage import coverage
from bridgeboard.budgets import BudgetsFileError
from bridgeboard.cli import clickhouse_checks, mirror, replica_checks
from bridgeboard.cli.terminal import explained, out
from bridgeboard.model.store import StoreError
from bridgeboard.pricing import PriceFileError, own_book
from bridgeboard.runtime import (
    alert_files,
    clients,
    nightly_backups,
    state_files,
    store_files,
    sync_steps,
    team_sources,
)
from bridgeboard.settings import Settings, SettingsError, read
from bridgeboard.state import StateError
from bridgeboard.state.backup import left_copies
from bridgeboard.store import Store, StoreBusyError, erasure
from bridgeboard.teams import TeamsFileError


def check() -> None:
    """Say what works with the configured deployment, and what to fix."""
    logging.getLogger("aibridge").setLevel(logging.ERROR)  # its retries would mix with our words
    with explained():
        is_good = True
        for verdict in _verdicts(read(), datetime.now(UTC)):
            out.print(f"{'✓' if verdict.good else '✗'} {verdict.text}", markup=False)
            is_good = is_good and verdict.good
        raise typer.Exit(0 if is_good else 1)


def _verdicts(settings: Settings, now: datetime) -> Iterator[Verdict]:
    """Look from the outside in, and stop at the first thing that makes the rest pointless."""
    try:
        store_files.private_folder(settings)
    except SettingsError as error:
        yield bad(str(error))
        return
    yield from _audit(settings)
    yield from _files(settings)
    yield from mirror.verdicts(settings)
    if settings.store:
        yield from clickhouse_checks.verdicts(settings, now)
        return
    if settings.replica_path:
        yield from replica_checks.verdicts(settings, settings.replica_path, now)
        return
    yield from _configured(settings)
    if not settings.configured:
        return
    yield from _store(settings, now)
    try:
        with clients.client(settings) as client:
            yield from _deployment(client, settings.url)
    except AIBridgeError as error:
        yield bad(str(error))


def _audit(settings: Settings) -> Iterator[Verdict]:
    """Whether the state can be read, and entries of the audit log are handed on as they should."""
    for path in left_copies(settings.folder):
        yield bad(
            f"{path} was left by a restore that was stopped. It holds views, notes and the"
            " audit log of a backup. Delete it."
        )
    try:
        log = state_files.audit_log(settings)
        log.entries(1)
        yield good(f"Views, notes and the audit log are in {log.database.name}")
        state_files.audit_target(settings)
        done = state_files.handed_on(settings)
    except (SettingsError, StateError) as error:
        yield bad(str(error))
        return
    if done is None:
        return
    if done.problem:
        yield bad(done.explained)
    else:
        yield good(f"{done.target} has the audit log up to entry {done.number}")


def _files(settings: Settings) -> Iterator[Verdict]:
    try:
        if settings.prices_file:
            yield good(f"Prices are from {own_book(settings.prices_path).version}")
        if settings.teams_file:
            members = len(team_sources.of_file(settings))
            yield good(f"{settings.teams_file} tells {members} memberships")
        if settings.budgets_path:
            count = formats.plural(len(budgets.load(settings.budgets_path)), "budget")
            yield good(f"{settings.budgets_file} tells {count}")
        if settings.alerts_path:
            count = formats.plural(len(alert_files.recipients(settings).all), "recipient")
            yield good(f"{settings.alerts_file} tells {count} of alerts")
    except (PriceFileError, TeamsFileError, BudgetsFileError, RecipientsFileError) as error:
        yield bad(str(error))


def _store(settings: Settings, now: datetime) -> Iterator[Verdict]:
    try:
        path = store_files.store_file(settings)
        yield from _backups(settings, path, now)
        with store_files.opened(settings, path) as opened:
            yield from _contents(opened)
            yield from _vendors(opened, settings, now)
            yield from _teams(opened, settings, now)
    except SettingsError:
        yield good("There is no local store yet; serve or sync makes one")
    except StoreBusyError as error:
        yield good(f"The local store is in use: {error}")
    except StoreError as error:
        yield bad(str(error))


def _backups(settings: Settings, path: Path, now: datetime) -> Iterator[Verdict]:
    """When the last good backup was made, how large it is, and why there is no later one."""
    status = nightly_backups.backup_status(settings, path, now)
    if status.good:
        last = status.good[0]
        yield good(
            f"The last backup was made at {last.made_at:%Y-%m-%d %H:%M} UTC"
            f" ({formats.exact(last.bytes)} bytes, {last.path}). Kept are {len(status.good)}"
        )
    elif status.next_at:
        yield good(f"There is no backup in {settings.backups_path} yet")
    else:
        yield good("No backups are made: backup_at is off")
    if status.problem:
        yield bad(status.problem)


def _contents(opened: Store) -> Iterator[Verdict]:
    covered = coverage(opened)
    sessions = covered.sessions
    contents = (
        f"{formats.plural(covered.rows, 'row')} of usage, {formats.plural(sessions, 'session')}"
    )
    share = f", details for {covered.detailed * 100 // sessions} % of them" if sessions else ""
    yield good(f"The local store {opened.path} holds {contents}{share}")
    if not covered.is_whole:
        yield bad(
            "The first sync has not come to its end: older requests are missing. Run: "
            "bridgeboard sync"
        )
    if lost := erasure.key_lost(opened):
        yield bad(lost)
    yield from _deleted(opened)
    counts, left = completeness.day_counts(opened), completeness.left_out(opened)
    yield from completeness.verdicts(counts, left)
    yield from completeness.since_restorations(opened)
    if covered.quarantined:
        records = formats.plural(covered.quarantined, "record")
        yield bad(
            f"{records} could not be read and wait in quarantine. "
            "After an upgrade of Bridgeboard try: bridgeboard sync --requeue"
        )


def _vendors(opened: Store, settings: Settings, now: datetime) -> Iterator[Verdict]:
    """For which provider instances nobody is known who bills, and what settles it."""
    try:
        with opened.snapshot() as reader:
            covered = coverage(reader)
            since = covered.first_at or now
            until = max(covered.as_of, now) + timedelta(days=1)
            unbilled = prices.unbilled(reader, since, until, settings.prices_path)
    except PriceFileError:  # the check of the file says it
        return
    file = settings.prices_path or "a file that prices_file names"
    for one in unbilled:
        requests = formats.plural(one.requests, "request")
        name = f"the provider instance {formats.line(one.name)}" if one.name else "no instance"
        spend = "no known part" if one.of_spend is None else formats.rate(one.of_spend)
        advice = (
            f"Put into {file}, below [vendors]: {formats.line(one.line)} - then"
            " run: bridgeboard reprice"
            if one.line
            else f"Give its models prices of their own in {file}: no single line settles it"
        )
        yield good(
            f"It is not known who bills for {requests} of {name}"
            f" (type {formats.line(one.provider)}): {formats.rate(one.of_tokens)} of all tokens and"
            f" {spend} of spend. {advice}"
        )


def _teams(opened: Store, settings: Settings, now: datetime) -> Iterator[Verdict]:
    """Where teams come from and whom they mean; nothing with a file that cannot be used."""
    try:
        sync_steps.prepare(opened, settings)
    except TeamsFileError:
        return
    with opened.snapshot() as reader:
        matching = team_file.matching(reader, now)
        yield from map(good, coder_groups.team_sentences(reader))
        yield from map(good, coder_groups.reading_sentences(reader))
    if settings.teams_file:
        yield from map(good, team_file.sentences(matching))


def _deleted(opened: Store) -> Iterator[Verdict]:
    """What was to be gone and can still be read in some file."""
    since = store.still_in_file(opened)
    if since:
        yield good(
            "Text that was deleted can still be read in the store's file; a sync writes the"
            " file anew a day after the deletion"
        )
    for path in store.kept_aside(opened.path):
        yield bad(
            f"{path} was kept when the store was repaired, or left by a repair or a restore"
            " that was stopped. It holds what people typed, also what was deleted since. Delete it"
            " once nobody needs it."
        )


def _configured(settings: Settings) -> Iterator[Verdict]:
    if settings.url:
        yield good("CODER_URL is set")
    else:
        yield bad("CODER_URL is not set. Set it to the address of your Coder deployment.")
    if settings.token.get_secret_value():
        yield good("CODER_SESSION_TOKEN is set")
    else:
        yield bad(
            "CODER_SESSION_TOKEN is not set. Make one with `coder tokens create` as an owner "
            "or auditor."
        )


def _deployment(client: Client, url: str) -> Iterator[Verdict]:
    version = client.buildinfo().version
    yield good(f"The deployment answers at {url}; its version is {version}")
    able = client.capabilities()
    roles = ", ".join(sorted(able.roles)) or "member"
    yield good(f"The token is valid: {able.username} ({roles})")
    if able.problem:
        yield bad(able.problem)
        return
    yield good(f"AI Bridge is licensed and on, below {able.prefix}")
    yield from _rows(client, able)


def _rows(client: Client, able: Capabilities) -> Iterator[Verdict]:
    sessions = client.sessions_page(Search(), limit=1).count
    yield good(f"{formats.plural(sessions, 'session')} can be read")
    if able.has_interceptions:
        requests = client.interceptions_page(limit=1).count
        yield good(f"{formats.plural(requests, 'interception')} can be read")
    else:
        yield good(
            "This version does not list single interceptions any more (removed in v2.35); "
            "sessions and their details are used instead"
        )
