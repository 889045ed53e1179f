"""What another scanner says of contents, beside our own verdict."""

from __future__ import annotations

from alembic import op

revision = "0016"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE second_opinion (
            content_digest text PRIMARY KEY REFERENCES package ON DELETE CASCADE,
            scanner        text NOT NULL,
            version        text NOT NULL,
            highest        text,
            findings       jsonb NOT NULL,
            more           integer NOT NULL,
            problem        text NOT NULL,
            given_at       timestamptz NOT NULL DEFAULT now()
        )
        """
    )


def downgrade() -> None:
    op.execute("DROP TABLE second_opinion")
