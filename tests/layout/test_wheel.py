"""The wheel holds what the folders hold, and the locks cover what pyproject.toml asks for."""

import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PACKAGES = PROJECT["tool"]["setuptools"]["packages"]


def expected_files() -> set[str]:
    files = {"nashira/py.typed"}
    for package in PACKAGES:
        folder = ROOT.joinpath(*package.split(".")[1:])
        files |= {f"{package.replace('.', '/')}/{path.name}" for path in folder.glob("*.py")}
    files |= {f"nashira/server/templates/{path.name}" for path in (ROOT / "server" / "templates").glob("*.[hj]*")}
    return files


@pytest.fixture(scope="module")
def wheel_files(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.splitlines()
    for name in listed:
        path = ROOT / name
        if path.is_file() and not path.is_symlink():
            target = source / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    build = "import setuptools.build_meta as b, sys; print(b.build_wheel(sys.argv[1]))"
    subprocess.run([sys.executable, "-c", build, str(folder)], cwd=source, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    return {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}


def test_wheel_holds_exactly_the_rooms(wheel_files: set[str]) -> None:
    assert wheel_files == expected_files()


def test_every_folder_of_code_is_a_declared_package() -> None:
    folders = {path.parent for path in ROOT.glob("*/**/__init__.py") if path.relative_to(ROOT).parts[0][0] != "."}
    folders = {f for f in folders if f.relative_to(ROOT).parts[0] not in {"tests", "bench", "build"}}
    named = {"nashira." + ".".join(f.relative_to(ROOT).parts) for f in folders}
    assert named | {"nashira"} == set(PACKAGES)


@pytest.mark.parametrize("lock", ["run", "dev"])
def test_lock_names_every_direct_dependency(lock: str) -> None:
    text = (ROOT / "requirements" / f"{lock}.lock").read_text(encoding="utf-8")
    locked = set(re.findall(r"^([a-z0-9-]+)==", text, re.MULTILINE))
    asked = PROJECT["project"]["dependencies"] + (PROJECT["dependency-groups"]["dev"] if lock == "dev" else [])
    names = {re.split(r"[<>=\[ ]", line)[0].lower() for line in asked}
    assert names <= locked


def test_version_is_said_once() -> None:
    text = (ROOT / "__init__.py").read_text(encoding="utf-8")
    assert f'__version__ = "{PROJECT["project"]["version"]}"' in text
