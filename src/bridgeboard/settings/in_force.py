"""The settings in force: what follows from those that are defined, and is asked for."""

from collections.abc import Iterable
from datetime import datetime, time
from pathlib import Path
from typing import Self

import platformdirs

from bridgeboard.access import Role, Rules
from bridgeboard.settings import addresses
from bridgeboard.settings.definitions import WEEKDAYS, Fields
from bridgeboard.settings.sources import meant


class Settings(Fields):
    """All that is configured, and what follows from it."""

    @property
    def given(self) -> frozenset[str]:
        """The names of what the command line gave."""
        return self._given

    def with_given(self, names: Iterable[str]) -> Self:
        """The same, knowing what the command line gave."""
        copy = self.model_copy()
        copy._given = frozenset(names)  # noqa: SLF001 - our own
        return copy

    @property
    def configured(self) -> bool:
        """Whether it is said at all where numbers come from."""
        return self.reads_only or bool(self.url and self.token.get_secret_value())

    @property
    def reads_only(self) -> bool:
        """Whether this process only reads, and another one syncs: no deployment is asked."""
        return bool(self.replica_folder or self.store)

    @property
    def first_weekday(self) -> int:
        """The weekday that weeks begin on: 0 for Monday."""
        return WEEKDAYS.index(self.week_start)

    @property
    def guarded(self) -> bool:
        """Whether it is known who looks: by a login or by a proxy."""
        return self.login.configured or self.proxy.configured

    @property
    def rules(self) -> Rules:
        """Who is what."""
        return Rules(
            {Role(name): frozenset(whose) for name, whose in self.roles.items()},
            {who: frozenset(teams) for who, teams in self.leads.items()},
            Role(self.default_role) if self.default_role else None,
        )

    @property
    def stands_at(self) -> datetime | None:
        """The moment at which a demo company stands still; None where time goes on."""
        return None

    @property
    def folder(self) -> Path:
        """Where stores are kept."""
        if self.data_folder:
            return meant(self.data_folder)
        return platformdirs.user_data_path("bridgeboard")

    @property
    def backup_time(self) -> time | None:
        """When backups are made, by the clock of the machine; None where none are."""
        if self.demo or self.reads_only or self.backup_at == "off":
            return None
        return time.fromisoformat(self.backup_at)

    @property
    def backups_path(self) -> Path:
        """The folder of nightly backups."""
        return meant(self.backup_folder) if self.backup_folder else self.folder / "backups"

    @property
    def publish_path(self) -> Path | None:
        """Where copies of the store are published; None where none are."""
        return meant(self.publish_folder) if self.publish_folder and not self.reads_only else None

    @property
    def replica_path(self) -> Path | None:
        """Where the copies are that are read; None where there is a store."""
        return meant(self.replica_folder) if self.replica_folder else None

    @property
    def prices_path(self) -> Path | None:
        """The operator's prices; None without any."""
        return meant(self.prices_file) if self.prices_file else None

    @property
    def teams_path(self) -> Path | None:
        """The file of memberships; None without one."""
        return meant(self.teams_file) if self.teams_file else None

    @property
    def budgets_path(self) -> Path | None:
        """The operator's budgets; None without any."""
        return meant(self.budgets_file) if self.budgets_file else None

    @property
    def alerts_path(self) -> Path | None:
        """The file of who is told of alerts; None where nobody is, as of a demo."""
        return meant(self.alerts_file) if self.alerts_file and not self.demo else None

    @property
    def host_names(self) -> list[str]:
        """The host names that a browser may use; empty permits every name."""
        return addresses.names(self.host, self.allowed_hosts, self.origins)

    @property
    def origins(self) -> frozenset[str]:
        """The whole addresses under which browsers reach the dashboard, as far as they are set."""
        return addresses.origins(self.allowed_hosts, self.login.redirect_url)

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach ``host``."""
        return addresses.is_loopback(self.host)
