"""The wheel holds what it needs, nothing else, and works where the sources are out of reach."""

import json
import site
import subprocess
import sys
import tomllib
import venv
import zipfile
from pathlib import Path

import httpx
import pytest

from tests.fix_embedded import is_up, wait_until
from tests.paths import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PACKAGES = ("domain", "application", "infrastructure", "api")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built by the build backend of this environment."""
    folder = tmp_path_factory.mktemp("wheel")
    _run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", folder, ROOT)
    [built] = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def programs(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of an environment that has the wheel, and this environment's libraries without the project."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, symlinks=True)
    python = folder / "bin" / "python"
    _run(sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-index", "--no-deps", wheel)
    [packages] = (folder / "lib").glob("python*/site-packages")
    # Only after pip, which would take this environment's project for an older version to remove. Folders that are
    # named in a .pth file have no say in what else is on the path, so the editable project stays out.
    (packages / "libraries.pth").write_text("\n".join(site.getsitepackages()))
    return folder / "bin"


@pytest.fixture
def elsewhere(new_dir: Path) -> Path:
    """An empty directory with a short name."""
    new_dir.mkdir()
    return new_dir


def test_the_wheel_holds_the_four_packages_and_nothing_else(wheel: Path) -> None:
    sources = {
        str(path.relative_to(ROOT))
        for package in PACKAGES
        for path in (ROOT / package).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }

    with zipfile.ZipFile(wheel) as archive:
        files = {name for name in archive.namelist() if ".dist-info/" not in name}

    assert files == sources
    assert {Path(name).suffix for name in files} == {".py", ".sql", ".ndjson", ".html", ".css", ".js", ".svg"}
    assert "infrastructure/sql/migrations/0001_tenants.sql" in files


def test_the_wheel_is_not_for_a_public_registry(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        [metadata] = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        assert b"\nClassifier: Private :: Do Not Upload\n" in archive.read(metadata)


def test_the_installed_program_serves_from_an_empty_directory_and_environment(programs: Path, elsewhere: Path) -> None:
    def run(*command: object) -> str:
        return _run(*command, cwd=elsewhere, env={})

    data_dir = elsewhere / "data"
    imported = run(programs / "python", "-c", "import api, domain; print(api.__file__, domain.__file__)").split()
    assert all(Path(file).is_relative_to(programs.parent) for file in imported)
    assert run(programs / "ordertrail", "--version") == f"ordertrail {PROJECT['version']}\n"

    command = [str(programs / "ordertrail"), "serve", "--port", "0", "--data-dir", str(data_dir)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=elsewhere, env={}) as process:
        assert process.stdout is not None
        url = process.stdout.readline().split()[3].rstrip(",")
        run(programs / "ordertrail", "tenant", "create", "acme", "--data-dir", data_dir)
        key = run(programs / "ordertrail", "key", "create", "--tenant", "acme", "--json", "--data-dir", data_dir)
        headers = {"Authorization": f"Bearer {json.loads(key)['token']}"}

        created = httpx.post(f"{url}/trail/v1/orders", json={"order_id": "A-1"}, headers=headers)
        order = httpx.get(f"{url}/trail/v1/orders/A-1", headers=headers)
        docs = httpx.get(f"{url}/docs")
        revoke = ("key", "revoke", json.loads(key)["key_id"], "--json", "--data-dir", data_dir)
        assert json.loads(run(programs / "ordertrail", *revoke))["state"] == "revoked"
        wait_until(lambda: httpx.get(f"{url}/trail/v1/orders/A-1", headers=headers).status_code == 401)

        process.terminate()
    assert (created.status_code, order.status_code, docs.status_code, process.returncode) == (201, 200, 200, 0)
    assert not is_up(data_dir)


def _run(*command: object, cwd: Path | None = None, env: dict[str, str] | None = None) -> str:
    """Run a command and return what it prints; fail with what it says."""
    arguments = [str(part) for part in command]
    result = subprocess.run(arguments, cwd=cwd, env=env, capture_output=True, text=True, timeout=300, check=False)
    assert result.returncode == 0, result.stderr
    return result.stdout
