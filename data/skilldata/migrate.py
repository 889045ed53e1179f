"""Schema migrations of the index, through alembic."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, pool, text

from skilldata.config import DatabaseSettings
from skilldata.database import database_url

FOLDER = Path(__file__).parent / "migrations"


def upgrade(settings: DatabaseSettings, revision: str = "head", *, sql: bool = False) -> None:
    """Bring the database to a revision, or print the SQL that would.

    Raises:
        ConfigurationError: No database is configured.
    """
    command.upgrade(_config(settings), revision, sql=sql)


def downgrade(settings: DatabaseSettings, revision: str, *, sql: bool = False) -> None:
    """Take the database back to a revision, or print the SQL that would."""
    command.downgrade(_config(settings), revision, sql=sql)


def status(settings: DatabaseSettings) -> tuple[str | None, str | None]:
    """Give the database's revision (None before the first) and the newest one of this program."""
    newest = ScriptDirectory.from_config(_config(settings)).get_current_head()
    engine = create_engine(_sqlalchemy_url(settings), poolclass=pool.NullPool)
    with engine.connect() as connection:
        if connection.execute(text("SELECT to_regclass('alembic_version')")).scalar() is None:
            return None, newest
        return connection.execute(text("SELECT version_num FROM alembic_version")).scalar(), newest


def revisions(settings: DatabaseSettings) -> list[str]:
    """List the revisions that this program knows, newest first."""
    return [one.revision for one in ScriptDirectory.from_config(_config(settings)).walk_revisions()]


def _config(settings: DatabaseSettings) -> Config:
    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    config.set_main_option("path_separator", "os")
    config.attributes["url"] = _sqlalchemy_url(settings)
    return config


def _sqlalchemy_url(settings: DatabaseSettings) -> str:
    scheme, _, rest = database_url(settings).partition("://")
    return f"{scheme.split('+')[0]}+psycopg://{rest}"
