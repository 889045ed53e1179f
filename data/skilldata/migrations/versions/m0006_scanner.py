"""What the security scanner says of every content."""

from __future__ import annotations

from alembic import op

revision = "0006"
down_revision = "0003"
branch_labels = None
depends_on = None

TABLES = (
    """
    ALTER TABLE package
        ADD COLUMN verdict      text NOT NULL DEFAULT 'pending',
        ADD COLUMN rule_set     text NOT NULL DEFAULT '',
        ADD COLUMN scan_problem text NOT NULL DEFAULT '',
        ADD COLUMN scanned_at   timestamptz
    """,
    # Which contents other rules judged, in the order in which they are scanned again.
    "CREATE INDEX package_by_rule_set ON package (rule_set, content_digest)",
    """
    CREATE TABLE finding (
        content_digest text NOT NULL REFERENCES package ON DELETE CASCADE,
        ordinal        integer NOT NULL,
        rule           text NOT NULL,
        severity       text NOT NULL,
        file           text NOT NULL,
        line           integer,
        evidence       text NOT NULL,
        explanation    text NOT NULL,
        remedy         text NOT NULL,
        PRIMARY KEY (content_digest, ordinal)
    )
    """,
)


def upgrade() -> None:
    for statement in TABLES:
        op.execute(statement)


def downgrade() -> None:
    op.execute("DROP TABLE finding")
    op.execute("DROP INDEX package_by_rule_set")
    op.execute(
        "ALTER TABLE package DROP COLUMN verdict, DROP COLUMN rule_set, DROP COLUMN scan_problem, "
        "DROP COLUMN scanned_at"
    )
