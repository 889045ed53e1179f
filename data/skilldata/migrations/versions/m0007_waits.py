"""How long each repository waits between looks, the order of due work, and the branch that was crawled."""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE probe ADD COLUMN wait interval")
    op.execute("ALTER TABLE repository ADD COLUMN crawled_branch text")
    # What never failed comes first; each index is in the order in which due work is picked.
    op.execute("CREATE INDEX probe_due_first ON probe (due_at, repository_id) WHERE attempts = 0")
    op.execute("CREATE INDEX probe_due_again ON probe (due_at, repository_id) WHERE attempts > 0")
    op.execute("DROP INDEX probe_due")


def downgrade() -> None:
    op.execute("CREATE INDEX probe_due ON probe (due_at, repository_id)")
    op.execute("DROP INDEX probe_due_first, probe_due_again")
    op.execute("ALTER TABLE repository DROP COLUMN crawled_branch")
    op.execute("ALTER TABLE probe DROP COLUMN wait")
