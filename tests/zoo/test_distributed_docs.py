"""docs/distributed.md: its code runs, and its TFJob is one that the command line takes."""

import pathlib
import re

import numpy as np
import typer
import yaml

from tests.processes import printed
from zoo import cli, recipe

DOCS = pathlib.Path(__file__).parents[2] / "docs" / "distributed.md"


def test_the_tf_job():
    (block,) = re.findall(r"```yaml\n(.*?)```", DOCS.read_text(), re.DOTALL)
    job = yaml.safe_load(block)
    (container,) = job["spec"]["tfReplicaSpecs"]["Worker"]["template"]["spec"]["containers"]
    assert (job["kind"], container["name"]) == ("TFJob", "tensorflow")
    assert container["command"] == ["python", "-m", "zoo"]
    command, *arguments = container["args"]
    commands = typer.main.get_command(cli.app).commands
    parameters = commands[command].make_context(command, arguments).params
    assert parameters["strategy"] == "multi_worker" and parameters["recipe"] in recipe.names()
    (mount,) = container["volumeMounts"]
    for path in (parameters["runs"], parameters["output"]):
        assert path.is_relative_to(mount["mountPath"])


def test_the_code():
    (block,) = re.findall(r"```python\n(.*?)```", DOCS.read_text(), re.DOTALL)
    # In a process of its own: TensorFlow mixes up the reductions of two strategies in one.
    out = printed(exec, f"{block}\nprint(model.history.history['nll'])", {"__name__": "__main__"})
    assert np.isfinite(float(out.splitlines()[-1].strip("[]").split(",")[-1]))
