"""Marketplaces, plugins, what plugins bring along, and what is wrong with their files."""

from __future__ import annotations

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

TABLES = (
    """
    CREATE TABLE marketplace (
        marketplace_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        repository_id  bigint NOT NULL REFERENCES repository ON DELETE CASCADE,
        file           text NOT NULL,
        name           text NOT NULL,
        owner          text NOT NULL,
        description    text NOT NULL,
        version        text NOT NULL,
        first_seen_at  timestamptz NOT NULL DEFAULT now(),
        updated_at     timestamptz NOT NULL DEFAULT now(),
        gone_at        timestamptz,
        UNIQUE (repository_id, file)
    )
    """,
    """
    CREATE TABLE plugin (
        plugin_id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        repository_id   bigint NOT NULL REFERENCES repository ON DELETE CASCADE,
        file            text NOT NULL,
        name            text NOT NULL,
        slug            text,
        description     text NOT NULL,
        version         text NOT NULL,
        author          text NOT NULL,
        homepage        text NOT NULL,
        licence         text NOT NULL,
        category        text NOT NULL,
        keywords        text[] NOT NULL,
        strict          boolean NOT NULL,
        source_type     text NOT NULL,
        source_address  text NOT NULL,
        source_owner    text NOT NULL,
        source_name     text NOT NULL,
        source_folder   text NOT NULL,
        source_ref      text NOT NULL,
        source_revision text NOT NULL,
        first_seen_at   timestamptz NOT NULL DEFAULT now(),
        updated_at      timestamptz NOT NULL DEFAULT now(),
        gone_at         timestamptz,
        UNIQUE (repository_id, file, name),
        UNIQUE (repository_id, slug)
    )
    """,
    """
    CREATE TABLE plugin_component (
        plugin_id bigint NOT NULL REFERENCES plugin ON DELETE CASCADE,
        ordinal   integer NOT NULL,
        kind      text NOT NULL,
        name      text NOT NULL,
        path      text NOT NULL,
        PRIMARY KEY (plugin_id, ordinal)
    )
    """,
    "CREATE INDEX plugin_component_path ON plugin_component (path) WHERE kind = 'skill'",
    """
    CREATE TABLE plugin_diagnostic (
        repository_id bigint NOT NULL REFERENCES repository ON DELETE CASCADE,
        ordinal       integer NOT NULL,
        rule          text NOT NULL,
        level         text NOT NULL,
        file          text NOT NULL,
        message       text NOT NULL,
        remedy        text NOT NULL,
        PRIMARY KEY (repository_id, ordinal)
    )
    """,
)


def upgrade() -> None:
    for statement in TABLES:
        op.execute(statement)


def downgrade() -> None:
    op.execute("DROP TABLE plugin_diagnostic, plugin_component, plugin, marketplace")
