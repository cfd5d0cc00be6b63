"""What is in deploy/ to run a server in a container, in Kubernetes, or under systemd."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from click import Context
from typer.main import get_command

from api.cli.main import app
from api.settings import SECRETS, Settings
from tests.paths import ROOT

DEPLOY = ROOT / "deploy"
DOCKERFILE = (DEPLOY / "Dockerfile").read_text()
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
UNIT = (DEPLOY / "ordertrail.service").read_text()
MANIFESTS = sorted((DEPLOY / "kubernetes").glob("*.yaml"))
BIN = Path(sys.executable).parent
WORKERS, WORKER_MB, PROJECTOR_MB = 2, 640, 256


def objects() -> list[dict[str, Any]]:
    return [each for path in MANIFESTS for each in yaml.safe_load_all(path.read_text())]


def pods() -> list[dict[str, Any]]:
    return [each["spec"]["template"]["spec"] for each in objects() if "template" in each.get("spec", {})]


def run(*command: str | Path) -> None:
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


def test_the_image_is_built_as_hadolint_advises() -> None:
    run(BIN / "hadolint", "--failure-threshold", "style", DEPLOY / "Dockerfile")


def test_the_image_holds_all_of_the_application_and_nothing_else() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    packages = project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    sources = [
        source
        for copied in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE)
        for source in copied.split()[:-1]
    ]

    allowed = set(re.findall(r"^!(.+)$", (DEPLOY / "Dockerfile.dockerignore").read_text(), re.MULTILINE))
    assert set(sources) == allowed == {*packages, "pyproject.toml", project["project"]["readme"], "constraints.txt"}
    assert all((ROOT / source).exists() for source in sources)


def test_the_image_runs_as_nobody_in_particular_and_says_whether_it_is_well() -> None:
    last_stage = DOCKERFILE.rpartition("\nFROM ")[2]

    user = re.search(r"^USER (\d+):\d+$", last_stage, re.MULTILINE)
    assert user
    assert int(user.group(1)) >= 10_000
    assert re.search(r'^HEALTHCHECK .*CMD \["ordertrail", "healthcheck"\]$', last_stage, re.MULTILINE)
    assert last_stage.endswith('ENTRYPOINT ["ordertrail"]\nCMD ["serve"]\n')


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.stem)
def test_kubernetes_takes_the_manifests(path: Path) -> None:
    run(BIN / "kubernetes-validate", "--strict", path)


def test_the_manifests_hold_what_a_server_needs() -> None:
    kinds = {each["kind"] for each in objects()}

    assert {"Job", "Deployment", "Service", "PodDisruptionBudget", "ConfigMap", "NetworkPolicy"} <= kinds
    [deployment] = [each for each in objects() if each["kind"] == "Deployment"]
    [budget] = [each for each in objects() if each["kind"] == "PodDisruptionBudget"]
    [service] = [each for each in objects() if each["kind"] == "Service"]
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    assert budget["spec"]["selector"]["matchLabels"] == service["spec"]["selector"] == labels
    assert budget["spec"]["minAvailable"] < deployment["spec"]["replicas"]
    [container] = deployment["spec"]["template"]["spec"]["containers"]
    probes = {name: container[name]["httpGet"]["path"] for name in container if name.endswith("Probe")}
    assert probes == {"startupProbe": "/healthz", "livenessProbe": "/healthz", "readinessProbe": "/readyz"}


@pytest.mark.parametrize("pod", pods(), ids=lambda pod: pod["containers"][0]["name"])
def test_no_pod_may_do_more_than_it_has_to(pod: dict[str, Any]) -> None:
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    for container in pod["containers"]:
        limits = container["securityContext"]
        assert limits["readOnlyRootFilesystem"] is True
        assert limits["allowPrivilegeEscalation"] is False
        assert limits["capabilities"] == {"drop": ["ALL"]}
        assert "memory" in container["resources"]["limits"]


def test_compose_names_nothing_that_it_does_not_have() -> None:
    services = COMPOSE["services"]

    for service in services.values():
        assert set(service.get("secrets", [])) <= COMPOSE["secrets"].keys()
        assert set(service.get("depends_on", {})) <= services.keys()
        volumes = {volume.partition(":")[0] for volume in service.get("volumes", [])}
        assert volumes <= COMPOSE["volumes"].keys()
        files = {name for name in service["environment"].values() if str(name).startswith("/run/secrets/")}
        assert {name.removeprefix("/run/secrets/") for name in files} == set(service["secrets"])
    assert (DEPLOY / services["server"]["build"]["context"]).resolve() == ROOT
    assert (ROOT / services["server"]["build"]["dockerfile"]) == DEPLOY / "Dockerfile"
    assert services["server"]["ports"] == ["127.0.0.1:8080:8080"]
    assert services["server"]["depends_on"] == {"migrate": {"condition": "service_completed_successfully"}}


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    unit = tmp_path / "ordertrail.service"
    unit.write_text(UNIT.replace("/opt/ordertrail/bin/ordertrail", "/bin/true"))

    run("systemd-analyze", "verify", "--man=no", unit)


def test_every_setting_that_is_named_exists() -> None:
    known = {f"ORDERTRAIL_{name.upper()}" for name in Settings.model_fields}
    known |= {f"ORDERTRAIL_{name.upper()}_FILE" for name in SECRETS}

    for path in [*DEPLOY.glob("*"), *MANIFESTS]:
        if path.is_file():
            named = set(re.findall(r"\bORDERTRAIL_[A-Z_]+", path.read_text()))
            assert named - known == set(), path.name


def test_every_command_that_is_run_exists() -> None:
    known = get_command(app).list_commands(Context(get_command(app)))
    compose = {service["command"][0] for service in COMPOSE["services"].values() if "command" in service}
    pods_ = {container["args"][0] for pod in pods() for container in pod["containers"]}
    unit = set(re.findall(r"^ExecStart=\S+/ordertrail (\S+)$", UNIT, re.MULTILINE))
    image = set(re.findall(r'^CMD \["(\w+)"\]$|CMD \["ordertrail", "(\w+)"\]', DOCKERFILE, re.MULTILINE))

    run_ = compose | pods_ | unit | {name for names in image for name in names if name}
    assert run_ == {"serve", "migrate", "healthcheck"}
    assert run_ <= set(known)


def test_each_has_the_memory_that_its_processes_need() -> None:
    needed = WORKERS * WORKER_MB + PROJECTOR_MB
    [deployment] = [each for each in objects() if each["kind"] == "Deployment"]
    [config] = [each for each in objects() if each["kind"] == "ConfigMap"]
    [container] = deployment["spec"]["template"]["spec"]["containers"]

    assert COMPOSE["services"]["server"]["mem_limit"] == f"{needed}m"
    assert COMPOSE["services"]["server"]["command"] == ["serve", "--workers", str(WORKERS)]
    assert container["resources"]["limits"]["memory"] == f"{needed}Mi"
    assert config["data"]["ORDERTRAIL_WORKERS"] == str(WORKERS)
    assert f"MemoryMax={needed}M" in UNIT
    assert f"ORDERTRAIL_WORKERS={WORKERS}\n" in UNIT
    memory = " ".join((ROOT / "docs" / "operations.md").read_text().split())
    assert f"give each worker {WORKER_MB} MB, and the projector {PROJECTOR_MB} MB" in memory
