"""What maintainers decided, what authors ask for, and sketches of texts, by which copies are found."""

from __future__ import annotations

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

STATEMENTS = (
    # `origin` tells who may lift a ruling: a maintainer's command, or an entry of the policy file.
    # `named` is how it was asked for, so that an entry of the file keeps its ruling when a repository is renamed.
    """
    CREATE TABLE ruling (
        ruling_id     bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        origin        text NOT NULL CHECK (origin IN ('maintainer', 'policy')),
        action        text NOT NULL CHECK (action IN ('yanked', 'quarantined', 'removed', 'blocked')),
        skill_id      bigint REFERENCES skill,
        repository_id bigint REFERENCES repository,
        owner         text,
        digest        text,
        named         text NOT NULL,
        legal         boolean NOT NULL DEFAULT FALSE,
        reason        text NOT NULL,
        actor         text NOT NULL,
        at            timestamptz NOT NULL DEFAULT now(),
        CHECK (num_nonnulls(skill_id, repository_id, owner, digest) = 1),
        CHECK ((action = 'blocked') = (skill_id IS NULL)),
        UNIQUE NULLS NOT DISTINCT (origin, skill_id, repository_id, owner, digest)
    )
    """,
    """
    CREATE TABLE author_file (
        repository_id bigint PRIMARY KEY REFERENCES repository ON DELETE CASCADE,
        exclude       text[] NOT NULL,
        include       text[] NOT NULL,
        categories    text[] NOT NULL,
        maintainers   text[] NOT NULL,
        diagnostics   jsonb NOT NULL
    )
    """,
    """
    CREATE TABLE sketch (
        content_digest text PRIMARY KEY REFERENCES package ON DELETE CASCADE,
        method         text NOT NULL,
        data           bytea NOT NULL
    )
    """,
    """
    CREATE VIEW blocked_content AS
        SELECT content_digest, package_digest, legal, reason, at
        FROM ruling JOIN package ON content_digest = digest
        UNION ALL
        SELECT content_digest, package_digest, legal, reason, at
        FROM ruling JOIN package ON package_digest = digest
    """,
    # The gravest of all rulings that concern a skill.
    """
    CREATE VIEW skill_takedown AS
        SELECT DISTINCT ON (skill_id) skill_id, state, legal, reason, since
        FROM (
            SELECT skill_id, action AS state, legal, reason, at AS since FROM ruling WHERE skill_id IS NOT NULL
            UNION ALL
            SELECT skill.skill_id, 'removed', legal, reason, at
            FROM ruling JOIN skill ON skill.repository_id = ruling.repository_id
            UNION ALL
            SELECT skill.skill_id, 'removed', legal, reason, at
            FROM ruling JOIN repository ON lower(repository.owner) = ruling.owner
            JOIN skill ON skill.repository_id = repository.repository_id
            UNION ALL
            SELECT skill.skill_id, 'removed', legal, reason, at
            FROM blocked_content JOIN version USING (content_digest)
            JOIN skill ON skill.skill_id = version.skill_id AND current_version_id = version_id
        ) AS every
        ORDER BY skill_id, array_position(ARRAY['removed', 'quarantined', 'yanked'], state), legal DESC, since, reason
    """,
    # Packages that nobody is given: blocked ones, and those that only hidden skills have or had.
    """
    CREATE VIEW withheld_package AS
        SELECT content_digest, package_digest, TRUE AS erased FROM blocked_content
        UNION
        SELECT content_digest, package_digest, bool_and(state = 'removed')
        FROM version JOIN skill_takedown USING (skill_id) JOIN package USING (content_digest)
        WHERE state <> 'yanked' AND NOT EXISTS (
            SELECT FROM version AS other LEFT JOIN skill_takedown AS hidden USING (skill_id)
            WHERE other.content_digest = version.content_digest AND coalesce(hidden.state, 'yanked') = 'yanked')
          AND content_digest NOT IN (SELECT content_digest FROM blocked_content)
        GROUP BY content_digest, package_digest
    """,
)


def upgrade() -> None:
    """Make table and views."""
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    """Drop them; the rulings are lost, their events stay."""
    op.execute("DROP VIEW withheld_package, skill_takedown, blocked_content")
    op.execute("DROP TABLE ruling, author_file, sketch")
