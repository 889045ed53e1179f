"""How each schedule fares: Temporal forgets runs that ended, and a success long ago is what an alert is about."""

from __future__ import annotations

from alembic import op

revision = "0011"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE schedule_state (
            schedule         text PRIMARY KEY,
            interval_seconds integer NOT NULL,
            paused           boolean NOT NULL,
            succeeded_at     timestamptz,
            failed_at        timestamptz,
            error            text NOT NULL DEFAULT '',
            noted_at         timestamptz NOT NULL DEFAULT now()
        )
        """
    )


def downgrade() -> None:
    op.execute("DROP TABLE schedule_state")
