"""`skillregistry config`, `migrate`."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from pydantic import SecretStr

from skillcli import context
from skilldata.config import Settings, settings_table

migrations = typer.Typer(help="Bring the database's schema forwards or back.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the commands of this module."""
    app.command("config")(config)
    app.add_typer(migrations, name="migrate")


def config(
    table: Annotated[bool, typer.Option("--table", help="List every setting, not the values in force.")] = False,
    markdown: Annotated[bool, typer.Option("--markdown", help="The list as Markdown, for the documentation.")] = False,
    example: Annotated[bool, typer.Option("--example", help="The list as the example of an environment file.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON.")] = False,
) -> None:
    """Show the configuration in force (secrets hidden), or every setting there is."""
    if markdown or example:
        typer.echo(settings_markdown() if markdown else environment_example(), nl=False)
    elif table:
        rows = [(row.name, row.variable, row.default, row.help) for row in settings_table()]
        text = context.table(rows, ("SETTING", "VARIABLE", "DEFAULT", "MEANING"))
        context.show([row._asdict() for row in settings_table()], as_json=as_json, text=text)
    else:
        values = _values(context.settings())
        text = context.table(list(values.items()), ("SETTING", "VALUE"))
        context.show(values, as_json=as_json, text=text)


def settings_markdown() -> str:
    """Give the table of settings as Markdown: the text of docs/settings.md."""
    lines = ["| setting | variable | default | meaning |", "|---|---|---|---|"]
    for row in settings_table():
        default = f"`{row.default}`" if row.default else ""
        lines.append(f"| `{row.name}` | `{row.variable}` | {default} | {row.help}{' (secret)' if row.secret else ''} |")
    return "\n".join(lines) + "\n"


def environment_example() -> str:
    """Give every variable with its meaning and default, commented out: the text of deploy/.env.example."""
    lines = [
        "# Every setting, with its default; docs/settings.md says the same. Take the # away from what you change.",
        "# A secret may come from a file instead: add _FILE to its name, and the file's path.",
    ]
    section = None
    for row in settings_table():
        first = row.name.partition(".")[0] if "." in row.name else ""
        lines += [""] if first != section else []
        section = first
        default = "" if row.many else row.default
        lines += [f"# {row.help}{' (secret)' if row.secret else ''}", f"# {row.variable}={default}"]
    return "\n".join(lines) + "\n"


@migrations.command("up")
def migrate_up(
    to: Annotated[str, typer.Option(help="Revision to stop at.")] = "head",
    sql: Annotated[bool, typer.Option("--sql", help="Print the SQL instead of running it.")] = False,
) -> None:
    """Bring the schema forwards."""
    from skilldata import migrate

    migrate.upgrade(context.settings().database, to, sql=sql)


@migrations.command("down")
def migrate_down(
    to: Annotated[str, typer.Option(help="Revision to go back to; `base` is before the first.")],
    sql: Annotated[bool, typer.Option("--sql", help="Print the SQL instead of running it.")] = False,
) -> None:
    """Take the schema back."""
    from skilldata import migrate

    migrate.downgrade(context.settings().database, to, sql=sql)


@migrations.command("status")
def migrate_status(as_json: Annotated[bool, typer.Option("--json", help="Write JSON.")] = False) -> None:
    """Say which revision the database has, and which this program wants."""
    from skilldata import migrate

    current, newest = migrate.status(context.settings().database)
    text = f"database: {current or 'empty'}\nprogram:  {newest}"
    context.show({"database": current, "program": newest}, as_json=as_json, text=text)


def _values(settings: Settings) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for row in settings_table():
        value: Any = settings
        for part in row.name.split("."):
            value = getattr(value, part)
        # An address may carry a password, so all secrets are hidden whole.
        found[row.name] = "(set)" if isinstance(value, SecretStr) else value if value is None else _plain(value)
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, (tuple, list)):
        return [_plain(part) for part in value]
    return (
        value.model_dump(mode="json")
        if hasattr(value, "model_dump")
        else value
        if isinstance(value, (bool, int, float))
        else str(value)
    )
