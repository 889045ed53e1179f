"""The configuration: what overrides what, and how a mistake is told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from skillcli.commands.configuration import settings_markdown
from skilldata.config import LicenceSettings, embedded_services_file, load_settings, settings_table
from skilldata.errors import ConfigurationError
from skilldata.sources import all_sources, parse_source
from tests.conftest import ROOT


def test_environment_beats_secret_file_beats_yaml_beats_embedded(tmp_path: Path) -> None:
    state = tmp_path / "state"
    state.mkdir()
    embedded_services_file(state).write_text(
        json.dumps({"settings": {"database": {"url": "postgresql://embedded"}, "s3": {"bucket": "embedded"}}})
    )
    file = tmp_path / "registry.yaml"
    file.write_text(yaml.safe_dump({"state_directory": str(state), "s3": {"bucket": "yaml", "region": "yaml"}}))
    secret = tmp_path / "secret"
    secret.write_text("from-file\n")
    variables = {"SKILLREGISTRY_S3__SECRET_ACCESS_KEY_FILE": str(secret), "SKILLREGISTRY_S3__REGION": "environment"}
    settings = load_settings(file, environment=variables)
    assert settings.database.url is not None
    assert settings.database.url.get_secret_value() == "postgresql://embedded"
    assert (settings.s3.bucket, settings.s3.region) == ("yaml", "environment")
    assert settings.s3.secret_access_key is not None
    assert settings.s3.secret_access_key.get_secret_value() == "from-file"
    assert load_settings(file, environment={}, embedded=False).external_services == frozenset()


@pytest.mark.parametrize(("variables", "said"), [
    ({"SKILLREGISTRY_DATABSE__URL": "x"}, "Did you mean SKILLREGISTRY_DATABASE__URL?"),
    ({"SKILLREGISTRY_API__PORT": "http"}, "api.port = 'http' is not valid"),
    ({"SKILLREGISTRY_GITHUB__TOKEN_FILE": "/nonexistent/token"}, "'/nonexistent/token', which cannot be read"),
    ({"SKILLREGISTRY_CONFIG": "/nonexistent/registry.yaml"}, "configuration file not found"),
])  # fmt: skip
def test_a_wrong_setting_is_named_with_its_value_and_a_remedy(variables: dict[str, str], said: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_settings(environment=variables)
    assert said in str(caught.value)


def test_a_secret_is_never_shown(tmp_path: Path) -> None:
    file = tmp_path / "registry.yaml"
    file.write_text("github:\n  token: [ghp_canary]\n")
    with pytest.raises(ConfigurationError) as caught:
        load_settings(file, environment={})
    assert "github.token" in str(caught.value)
    assert "ghp_canary" not in str(caught.value)
    token = load_settings(environment={"SKILLREGISTRY_GITHUB__TOKEN": "ghp_canary"})
    assert "ghp_canary" not in repr(token)


def test_every_setting_has_a_meaning_and_the_documentation_lists_it() -> None:
    assert [row.name for row in settings_table() if not row.help] == []
    assert settings_markdown() in (ROOT / "docs" / "settings.md").read_text(encoding="utf-8")


def test_the_configuration_of_the_repository_is_valid() -> None:
    settings = load_settings(ROOT / "registry.yaml", environment={})
    assert len(all_sources(settings.model_copy(update={"sources_file": ROOT / "data" / "sources.yaml"}))) > 3


def test_the_sources_file_is_a_setting_and_no_secret(tmp_path: Path) -> None:
    file = tmp_path / "sources.yaml"
    file.write_text("sources:\n- {kind: owner, target: acme}\n- {kind: owner, target: others, enabled: false}\n")
    settings = load_settings(environment={"SKILLREGISTRY_SOURCES_FILE": str(file)})
    assert [source.target for source in all_sources(settings)] == ["acme"]


def test_a_source_is_read_as_people_write_it() -> None:
    assert parse_source("acme").kind == "owner"
    assert parse_source("acme/tools").kind == "repository"
    assert parse_source("topic:agent-skills").target == "agent-skills"
    with pytest.raises(ConfigurationError, match="owner, repository, topic"):
        parse_source("planet:mars")


def test_one_licence_is_allowed_or_forbidden_without_repeating_the_list() -> None:
    default = LicenceSettings().allowed
    licence = LicenceSettings(also=("EUPL-1.2",), never=("gpl-3.0-only",))
    assert set(licence.allowed) == {*default, "EUPL-1.2"} - {"GPL-3.0-only"}
    with pytest.raises(ConfigurationError, match="GPL-3 is not among"):
        load_settings(environment={"SKILLREGISTRY_LICENCE__NEVER": '["GPL-3"]'})
