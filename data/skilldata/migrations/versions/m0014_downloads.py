"""Downloads by day and version, and the batches that they came in.

They have no foreign keys: a count outlives the row it is about, and comes back with it.
"""

from __future__ import annotations

from alembic import op

revision = "0014"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE download (
            repository_id  bigint NOT NULL,
            path           text NOT NULL,
            content_digest text NOT NULL,
            day            date NOT NULL,
            downloads      bigint NOT NULL CHECK (downloads > 0),
            PRIMARY KEY (repository_id, path, content_digest, day)
        )
        """
    )
    op.execute(
        """
        CREATE TABLE download_batch (
            batch_id uuid PRIMARY KEY,
            taken_at timestamptz NOT NULL DEFAULT now()
        )
        """
    )


def downgrade() -> None:
    op.execute("DROP TABLE download_batch, download")
