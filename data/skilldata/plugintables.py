"""The tables of a snapshot that are about plugins, and what of the index goes into each, in a fixed order."""

from __future__ import annotations

TABLES: dict[str, str] = {
    "marketplace": """
        repository_id BIGINT NOT NULL, file VARCHAR NOT NULL, owner VARCHAR NOT NULL, repository VARCHAR NOT NULL,
        name VARCHAR NOT NULL, owner_name VARCHAR NOT NULL, description VARCHAR NOT NULL, version VARCHAR NOT NULL,
        first_seen_at TIMESTAMP NOT NULL, updated_at TIMESTAMP NOT NULL, gone_at TIMESTAMP,
        PRIMARY KEY (repository_id, file)
    """,
    "plugin": """
        repository_id BIGINT NOT NULL, file VARCHAR NOT NULL, name VARCHAR NOT NULL, owner VARCHAR NOT NULL,
        repository VARCHAR NOT NULL, slug VARCHAR, description VARCHAR NOT NULL, version VARCHAR NOT NULL,
        author VARCHAR NOT NULL, homepage VARCHAR NOT NULL, licence VARCHAR NOT NULL, category VARCHAR NOT NULL,
        keywords JSON NOT NULL, strict BOOLEAN NOT NULL, source_type VARCHAR NOT NULL, source_address VARCHAR NOT NULL,
        source_owner VARCHAR NOT NULL, source_name VARCHAR NOT NULL, source_folder VARCHAR NOT NULL,
        source_ref VARCHAR NOT NULL, source_revision VARCHAR NOT NULL, source_id BIGINT,
        first_seen_at TIMESTAMP NOT NULL, updated_at TIMESTAMP NOT NULL, gone_at TIMESTAMP,
        PRIMARY KEY (repository_id, file, name)
    """,
    "plugin_component": """
        repository_id BIGINT NOT NULL, file VARCHAR NOT NULL, plugin VARCHAR NOT NULL, ordinal INTEGER NOT NULL,
        kind VARCHAR NOT NULL, name VARCHAR NOT NULL, path VARCHAR NOT NULL,
        PRIMARY KEY (repository_id, file, plugin, ordinal)
    """,
    "plugin_skill": """
        repository_id BIGINT NOT NULL, file VARCHAR NOT NULL, plugin VARCHAR NOT NULL,
        skill_repository_id BIGINT NOT NULL, path VARCHAR NOT NULL,
        PRIMARY KEY (repository_id, file, plugin, skill_repository_id, path)
    """,
    "plugin_diagnostic": """
        repository_id BIGINT NOT NULL, ordinal INTEGER NOT NULL, rule VARCHAR NOT NULL, level VARCHAR NOT NULL,
        file VARCHAR NOT NULL, message VARCHAR NOT NULL, remedy VARCHAR NOT NULL, PRIMARY KEY (repository_id, ordinal)
    """,
}

# A plugin with the id of the repository that has its files: its own, or another one that the index knows.
_SOURCED = """
    SELECT plugin.*, CASE WHEN source_type = 'own' THEN plugin.repository_id ELSE there.id END AS source_id
    FROM plugin LEFT JOIN LATERAL (
        SELECT min(repository_id) AS id FROM repository
        WHERE source_owner <> '' AND lower(owner) = lower(source_owner)
              AND lower(repository.name) = lower(source_name) AND state <> 'held'
    ) AS there ON TRUE
"""

QUERIES: dict[str, str] = {
    "marketplace": """
        SELECT repository_id, file, repository.owner, repository.name, marketplace.name, marketplace.owner,
               marketplace.description, version, marketplace.first_seen_at, updated_at, gone_at
        FROM marketplace JOIN repository USING (repository_id) ORDER BY repository_id, file
    """,
    "plugin": f"""
        SELECT repository_id, file, p.name, owner, repository.name, slug, p.description, version, author, homepage,
               p.licence, category, to_json(keywords), strict, source_type, source_address, source_owner, source_name,
               source_folder, source_ref, source_revision, source_id, p.first_seen_at, updated_at, gone_at
        FROM ({_SOURCED}) AS p JOIN repository USING (repository_id) ORDER BY repository_id, file, p.name
    """,  # noqa: S608
    "plugin_component": """
        SELECT repository_id, file, plugin.name, ordinal, kind, found.name, path
        FROM plugin_component AS found JOIN plugin USING (plugin_id) ORDER BY repository_id, file, plugin.name, ordinal
    """,
    # What a plugin names, and what lies where clients look in the repository of another. Of plugins that take the
    # same folder, the first of a repository counts: thousands of them would make a row for every skill each.
    "plugin_skill": f"""
        WITH sourced AS ({_SOURCED})
        SELECT p.repository_id, file, p.name, skill.repository_id, skill.path
        FROM sourced AS p JOIN plugin_component AS c ON c.plugin_id = p.plugin_id AND c.kind = 'skill'
        JOIN skill ON skill.repository_id = source_id AND skill.path = c.path
        WHERE p.gone_at IS NULL AND state = 'listed' AND skill_id NOT IN (SELECT skill_id FROM skill_takedown)
        UNION
        SELECT p.repository_id, file, p.name, skill.repository_id, skill.path
        FROM (
            SELECT DISTINCT ON (repository_id, source_id, source_folder) * FROM sourced
            WHERE gone_at IS NULL AND source_type <> 'own' AND strict
            ORDER BY repository_id, source_id, source_folder, file, name
        ) AS p JOIN skill ON skill.repository_id = source_id
             AND regexp_replace(skill.path, '/?[^/]+$', '') = ltrim(source_folder || '/skills', '/')
        WHERE state = 'listed' AND skill_id NOT IN (SELECT skill_id FROM skill_takedown)
        ORDER BY 1, 2, 3, 4, 5
    """,  # noqa: S608
    "plugin_diagnostic": """
        SELECT repository_id, ordinal, rule, level, file, message, remedy FROM plugin_diagnostic
        ORDER BY repository_id, ordinal
    """,
}
