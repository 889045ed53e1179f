"""What is left of GitHub's limits, by credential and bucket."""

from __future__ import annotations

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.execute(
        """
        CREATE TABLE github_budget (
            credential    text NOT NULL,
            bucket        text NOT NULL,
            "limit"       integer,
            "left"        integer,
            resets_at     timestamptz,
            blocked_until timestamptz,
            strikes       integer NOT NULL DEFAULT 0,
            noted_at      timestamptz NOT NULL DEFAULT now(),
            PRIMARY KEY (credential, bucket)
        )
        """
    )


def downgrade() -> None:
    """Drop it."""
    op.execute("DROP TABLE github_budget")
