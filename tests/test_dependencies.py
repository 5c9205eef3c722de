"""What is imported is declared in setup.cfg, and `import tfflows` takes little of it."""

import ast
import configparser
import importlib.metadata
import pathlib
import re
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[1]
OWN = {"tfflows", "zoo", "tests"}
OPTIONAL = {"pandas"}  # where it is absent, an error says what it is for
IMPORT = """
import time, tensorflow, tensorflow_probability
begin = time.process_time()
import tfflows
print(time.process_time() - begin)
"""


def imported(folder):
    """The packages that the files of a folder import, each with one of the files."""
    found = {}
    for file in (ROOT / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module]
            found |= {name.partition(".")[0]: file.relative_to(ROOT) for name in names}
    return found


def declared(*extras):
    """The packages of the distributions in `install_requires` and in some extras."""
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    texts = [setup["options"]["install_requires"]]
    texts += [setup["options.extras_require"][extra] for extra in extras]
    names = [re.match(r"[\w.-]+", line)[0] for text in texts for line in text.split("\n") if line]
    files = [file for name in names for file in importlib.metadata.files(name)]
    return {file.parts[0].removesuffix(".py") for file in files}


@pytest.mark.parametrize(
    ("folder", "extras"), [("tfflows", []), ("zoo", ["serve"]), ("tests", ["test"])]
)
def test_what_is_imported_is_declared(folder, extras):
    known = sys.stdlib_module_names | OWN | OPTIONAL | declared(*extras)
    assert {name: file for name, file in imported(folder).items() if name not in known} == {}


def test_importing_the_library_is_quick():
    def seconds():
        command = [sys.executable, "-c", IMPORT]
        return float(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)

    assert any(seconds() < 1.0 for _ in range(2))
