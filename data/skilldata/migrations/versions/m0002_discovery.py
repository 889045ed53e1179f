"""Runs of sources, forks that were left out, and references between repositories."""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TABLES = (
    """
    CREATE TABLE source_run (
        run_id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        source_id   bigint NOT NULL REFERENCES source ON DELETE CASCADE,
        started_at  timestamptz NOT NULL DEFAULT now(),
        finished_at timestamptz,
        outcome     text NOT NULL DEFAULT 'running',
        error       text NOT NULL DEFAULT '',
        step        integer NOT NULL DEFAULT 0,
        state       jsonb,
        requests    integer NOT NULL DEFAULT 0,
        claimed     bigint NOT NULL DEFAULT 0,
        seen        bigint NOT NULL DEFAULT 0,
        found       bigint NOT NULL DEFAULT 0,
        added       integer NOT NULL DEFAULT 0,
        copies      integer NOT NULL DEFAULT 0,
        missing     integer NOT NULL DEFAULT 0,
        notes       text[] NOT NULL DEFAULT '{}'
    )
    """,
    # A source is listed once at a time; a run that was broken off is gone on with.
    "CREATE UNIQUE INDEX source_run_open ON source_run (source_id) WHERE finished_at IS NULL",
    "CREATE INDEX source_run_of_source ON source_run (source_id, run_id)",
    # The last run that saw a repository there.
    "ALTER TABLE source_repository ADD COLUMN run_id bigint",
    """
    CREATE TABLE short_slice (
        slice_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        run_id   bigint NOT NULL REFERENCES source_run ON DELETE CASCADE,
        query    text NOT NULL,
        reason   text NOT NULL,
        claimed  bigint NOT NULL,
        seen     bigint NOT NULL
    )
    """,
    "CREATE INDEX short_slice_of_run ON short_slice (run_id)",
    """
    CREATE TABLE skipped_fork (
        repository_id bigint PRIMARY KEY,
        owner         text NOT NULL,
        name          text NOT NULL,
        parent_id     bigint,
        evidence      text NOT NULL,
        seen_at       timestamptz NOT NULL DEFAULT now()
    )
    """,
    """
    CREATE TABLE reference (
        repository_id bigint NOT NULL REFERENCES repository ON DELETE CASCADE,
        path          text NOT NULL,
        owner         text NOT NULL,
        name          text NOT NULL,
        first_seen_at timestamptz NOT NULL DEFAULT now(),
        looked_up_at  timestamptz,
        found_id      bigint,
        PRIMARY KEY (repository_id, path, owner, name)
    )
    """,
    "CREATE INDEX reference_by_name ON reference (owner, name)",
    "CREATE INDEX reference_open ON reference (first_seen_at) WHERE found_id IS NULL",
)


def upgrade() -> None:
    for statement in TABLES:
        op.execute(statement)


def downgrade() -> None:
    op.execute("ALTER TABLE source_repository DROP COLUMN run_id")
    op.execute("DROP TABLE reference, skipped_fork, short_slice, source_run")
