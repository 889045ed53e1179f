"""The first tables of the index."""

from __future__ import annotations

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = (
    """
    CREATE TABLE source (
        source_id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        kind             text NOT NULL,
        target           text NOT NULL,
        interval_seconds integer NOT NULL,
        health           text NOT NULL DEFAULT 'new',
        error            text NOT NULL DEFAULT '',
        run_at           timestamptz,
        succeeded_at     timestamptz,
        UNIQUE (kind, target)
    )
    """,
    """
    CREATE TABLE repository (
        repository_id  bigint PRIMARY KEY,
        node_id        text NOT NULL,
        owner          text NOT NULL,
        name           text NOT NULL,
        default_branch text NOT NULL,
        head_oid       text,
        tree_oid       text,
        description    text NOT NULL,
        stars          integer NOT NULL,
        forks          integer NOT NULL,
        topics         text[] NOT NULL,
        licence        text,
        is_fork        boolean NOT NULL,
        parent_id      bigint,
        archived       boolean NOT NULL,
        pushed_at      timestamptz,
        state          text NOT NULL,
        crawled_oid    text,
        crawled_tree   text,
        committed_at   timestamptz,
        licence_basis  text NOT NULL DEFAULT '',
        first_seen_at  timestamptz NOT NULL DEFAULT now()
    )
    """,
    "CREATE INDEX repository_by_name ON repository (lower(owner), lower(name))",
    # Every name that a repository went by: whoever takes one over is held.
    """
    CREATE TABLE repository_name (
        name          text NOT NULL,
        repository_id bigint NOT NULL,
        seen_at       timestamptz NOT NULL DEFAULT now(),
        PRIMARY KEY (name, repository_id)
    )
    """,
    """
    CREATE TABLE source_repository (
        source_id     bigint NOT NULL REFERENCES source ON DELETE CASCADE,
        repository_id bigint NOT NULL REFERENCES repository ON DELETE CASCADE,
        PRIMARY KEY (source_id, repository_id)
    )
    """,
    # Bookkeeping of the crawl stands apart, so that looking at an unchanged repository leaves the index alone.
    """
    CREATE TABLE probe (
        repository_id bigint PRIMARY KEY REFERENCES repository ON DELETE CASCADE,
        probed_at     timestamptz,
        due_at        timestamptz NOT NULL DEFAULT now(),
        attempts      integer NOT NULL DEFAULT 0,
        error_code    text NOT NULL DEFAULT '',
        error         text NOT NULL DEFAULT ''
    )
    """,
    "CREATE INDEX probe_due ON probe (due_at, repository_id)",
    """
    CREATE TABLE package (
        content_digest text PRIMARY KEY,
        package_digest text NOT NULL UNIQUE,
        size           bigint NOT NULL,
        unpacked_size  bigint NOT NULL,
        file_count     integer NOT NULL,
        created_at     timestamptz NOT NULL DEFAULT now()
    )
    """,
    """
    CREATE TABLE file (
        content_digest text NOT NULL REFERENCES package ON DELETE CASCADE,
        path           text COLLATE "C" NOT NULL,
        mode           integer NOT NULL,
        size           bigint NOT NULL,
        sha256         text NOT NULL,
        oid            text NOT NULL,
        PRIMARY KEY (content_digest, path)
    )
    """,
    # Bytes that are stored under any name are never fetched again.
    "CREATE INDEX file_oid ON file (oid)",
    """
    CREATE TABLE skill (
        skill_id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        repository_id      bigint NOT NULL REFERENCES repository ON DELETE CASCADE,
        path               text COLLATE "C" NOT NULL,
        manifest_file      text NOT NULL,
        slug               text,
        state              text NOT NULL,
        level              text NOT NULL,
        tree_oid           text,
        current_version_id bigint,
        first_seen_at      timestamptz NOT NULL DEFAULT now(),
        updated_at         timestamptz NOT NULL DEFAULT now(),
        gone_at            timestamptz,
        UNIQUE (repository_id, path),
        UNIQUE (repository_id, slug)
    )
    """,
    """
    CREATE TABLE version (
        version_id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        skill_id         bigint NOT NULL REFERENCES skill ON DELETE CASCADE,
        ordinal          integer NOT NULL,
        label            text NOT NULL,
        content_digest   text NOT NULL REFERENCES package,
        revision         text NOT NULL,
        committed_at     timestamptz NOT NULL,
        name             text NOT NULL,
        description      text NOT NULL,
        level            text NOT NULL,
        manifest         jsonb NOT NULL,
        text             text NOT NULL,
        licence          text,
        licence_evidence text NOT NULL,
        licence_confidence real NOT NULL,
        redistributable  boolean NOT NULL,
        created_at       timestamptz NOT NULL DEFAULT now(),
        UNIQUE (skill_id, content_digest),
        UNIQUE (skill_id, ordinal),
        UNIQUE (skill_id, label)
    )
    """,
    "CREATE INDEX version_content ON version (content_digest)",
    "ALTER TABLE skill ADD FOREIGN KEY (current_version_id) REFERENCES version DEFERRABLE INITIALLY DEFERRED",
    """
    CREATE TABLE diagnostic (
        skill_id bigint NOT NULL REFERENCES skill ON DELETE CASCADE,
        ordinal  integer NOT NULL,
        rule     text NOT NULL,
        level    text NOT NULL,
        file     text NOT NULL,
        line     integer,
        message  text NOT NULL,
        remedy   text NOT NULL,
        PRIMARY KEY (skill_id, ordinal)
    )
    """,
    """
    CREATE TABLE event (
        event_id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        at            timestamptz NOT NULL DEFAULT now(),
        kind          text NOT NULL,
        actor         text NOT NULL,
        repository_id bigint,
        skill_id      bigint,
        evidence      jsonb NOT NULL
    )
    """,
    "CREATE INDEX event_repository ON event (repository_id, event_id)",
    # History is only ever added to.
    """
    CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN RAISE EXCEPTION 'events are append-only'; END $$
    """,
    "CREATE TRIGGER event_append_only BEFORE UPDATE OR DELETE ON event FOR EACH ROW EXECUTE FUNCTION refuse_change()",
)


def upgrade() -> None:
    for statement in TABLES:
        op.execute(statement)


def downgrade() -> None:
    op.execute("DROP TABLE event, diagnostic, source_repository, source, probe, repository_name")
    op.execute("DROP TABLE skill, version, file, package, repository CASCADE")
    op.execute("DROP FUNCTION refuse_change")
