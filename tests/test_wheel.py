"""A wheel, unpacked far from the checkout, has all that is needed, and loads every entry."""

import os
import pathlib
import shutil
import subprocess
import sys
import zipfile

import pytest

ROOT = pathlib.Path(__file__).parents[1]
PARTS = ["LICENSE", "README.md", "pyproject.toml", "saved_models", "setup.cfg", "setup.py"]
PARTS += ["tfflows", "zoo"]
LOAD = """
import pathlib, zoo
assert pathlib.Path(zoo.__file__).is_relative_to(pathlib.Path.cwd())
for name in zoo.names():
    assert zoo.load(name).built
    print(name)
"""


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory):
    source = tmp_path_factory.mktemp("source")
    ignored = shutil.ignore_patterns("__pycache__", "*.egg-info", "training")
    for part in PARTS:
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, source / part, ignore=ignored)
        else:
            shutil.copy(ROOT / part, source / part)
    wheels, directory = source / "wheels", tmp_path_factory.mktemp("unpacked")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps"]
    command += ["--no-build-isolation", "--wheel-dir", str(wheels), str(source)]
    subprocess.run(command, check=True)
    (wheel,) = wheels.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(directory)
    return directory


def test_everything_is_in_the_wheel(unpacked):
    for package, place in (("tfflows", ""), ("zoo", ""), ("saved_models", "zoo")):
        files = [p for p in (ROOT / package).rglob("*") if p.is_file()]
        wanted = {
            p.relative_to(ROOT) for p in files if not {"__pycache__", "training"} & {*p.parts}
        }
        missing = {p for p in wanted if not (unpacked / place / p).exists()}
        assert not missing


def test_every_entry_is_loaded_from_the_wheel(unpacked):
    environment = {**os.environ, "PYTHONPATH": str(unpacked), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", LOAD], cwd=unpacked, env=environment, stdout=subprocess.PIPE
    )
    assert done.returncode == 0
    entries = {path.name for path in (ROOT / "saved_models").iterdir() if path.is_dir()}
    assert set(done.stdout.decode().split()) == entries
