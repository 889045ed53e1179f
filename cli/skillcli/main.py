"""The `skillregistry` command.

Data goes to standard output, everything else to standard error. Exit status: 0 done, 1 failed, 2 wrong
usage or configuration, 3 not found, 5 a service does not answer, 130 interrupted.
"""

from __future__ import annotations

import errno
import logging
import os
import sys
import traceback
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from skillcli import context
from skillcli.commands import (
    agents,
    checking,
    configuration,
    crawling,
    doctoring,
    keeping,
    publishing,
    running,
    scanning,
    snapshots,
    sources,
    stewardship,
    trusting,
)
from skilldata.errors import RegistryError
from skilldata.names import safe_text

app = typer.Typer(
    name="skillregistry",
    help="Find, keep and publish agent skills.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
running.register(app)
agents.register(app)
crawling.register(app)
sources.register(app)
publishing.register(app)
stewardship.register(app)
snapshots.register(app)
checking.register(app)
keeping.register(app)
doctoring.register(app)
scanning.register(app)
trusting.register(app)
configuration.register(app)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(version("agentskillregistry"))
        raise typer.Exit


@app.callback()
def options(
    config: Annotated[Path | None, typer.Option(help="Configuration file (default: registry.yaml).")] = None,
    debug: Annotated[bool, typer.Option(help="Show tracebacks and verbose logs.")] = False,
    _version_wanted: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Take the options that stand before the command."""
    context.configure(config, debug=debug)
    logging.basicConfig(
        level=logging.DEBUG if debug else logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )


def main() -> None:
    """Run the command, and say what went wrong in words."""
    status = _run()
    with suppress(BrokenPipeError):
        sys.stdout.flush()
    sys.stderr.flush()
    # Temporal's client has native threads that may outlive the interpreter and abort it while it shuts
    # down, which would turn a finished command into a failed one.
    os._exit(status)


def _run() -> int:
    try:
        app()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except RegistryError as error:
        if context.debug():
            traceback.print_exc()
        _explain(error)
        return error.exit_status
    except KeyboardInterrupt:
        sys.stderr.write("interrupted\n")
        return 130
    except BrokenPipeError:
        return 1  # the reader of our output went away; nothing is left to tell
    except Exception as error:  # noqa: BLE001 - the last resort of a command
        _explain_unexpected(error)
        return 1
    return 0


def _explain_unexpected(error: Exception) -> None:
    if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}:
        sys.stderr.write(f"error[disk-full]: no room to write {safe_text(str(error.filename or 'a file'))}\n")
        sys.stderr.write("  Free some, and do it again; nothing was published.\n")
        return
    traceback.print_exc()
    sys.stderr.write("error: this should not happen; please report it with the lines above\n")


def _explain(error: RegistryError) -> None:
    sys.stderr.write(f"error[{error.code}]: {safe_text(error.message)}\n")
    if error.remedy:
        sys.stderr.write(f"  {safe_text(error.remedy)}\n")
