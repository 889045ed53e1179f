"""How alembic connects: with the address that `skilldata.database` hands it, or as SQL text."""

from __future__ import annotations

from alembic import context
from sqlalchemy import create_engine, pool


def migrate() -> None:
    """Run the wanted migrations in one transaction, on a connection or as SQL on standard output."""
    url = context.config.attributes["url"]
    if context.is_offline_mode():
        context.configure(url=url, literal_binds=True, dialect_opts={"paramstyle": "named"})
        with context.begin_transaction():
            context.run_migrations()
        return
    engine = create_engine(url, poolclass=pool.NullPool)
    with engine.connect() as connection:
        context.configure(connection=connection)
        with context.begin_transaction():
            # Two processes that start together must not both create the tables.
            connection.exec_driver_sql("SELECT pg_advisory_xact_lock(5_201_405)")
            context.run_migrations()
    engine.dispose()


migrate()
