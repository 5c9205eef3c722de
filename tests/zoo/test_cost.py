"""What `python -m zoo cost` says of a step."""

import json

import keras
import numpy as np
import pytest
import tensorflow as tf
import yaml
from typer.testing import CliRunner

import tfflows
from tests.zoo.conftest import TINY
from zoo import cli
from zoo.cost import Cost, Network, measure, reduced_bytes
from zoo.recipe import parse

OUTSIDE_OF_THE_STEP = 2 * 4  # loss and nll


@pytest.mark.parametrize("normalization", [None, "act", "batch"])
def test_what_the_graph_of_two_replicas_adds_up(normalization):
    if len(devices := tf.config.list_logical_devices("CPU")) < 2:
        pytest.skip("needs two logical devices")
    strategy = tf.distribute.MirroredStrategy([device.name for device in devices[:2]])
    with strategy.scope():
        model = tfflows.RealNVP(2, (8,), normalization=normalization)
        model.build((None, 4))
        model.compile(keras.optimizers.Adam())
        model.optimizer.build(model.trainable_variables)
    step = tf.function(lambda x: strategy.run(model.train_step, args=(x,)))  # traced, not run
    operations = step.get_concrete_function(tf.TensorSpec([16, 4])).graph.get_operations()
    sent = sum(
        4 * operation.inputs[0].shape.num_elements()
        for operation in operations
        if operation.type.startswith("CollectiveReduce") and "CPU:0" in operation.device
    )
    sent += OUTSIDE_OF_THE_STEP
    print(f"{normalization}: {sent} bytes of {reduced_bytes(model)}")
    if normalization == "batch":  # nothing before the first is trained
        sent += 2 * 4 * (4 + 1)
    assert sent == reduced_bytes(model)


def test_a_step():
    recipe = parse(TINY)
    cost = measure(recipe, 64)
    model = recipe.make_model()
    model.build((None, 5))
    weights = 4 * model.count_params()
    assert cost.parameters == sum(int(np.prod(v.shape)) for v in model.trainable_variables)
    assert cost.reduced_bytes >= 4 * cost.parameters
    assert cost.state_bytes == pytest.approx(4 * weights, rel=0.1)  # and gradients, two moments
    kernels = sum(int(np.prod(v.shape)) for v in model.trainable_variables if len(v.shape) == 2)
    assert cost.flops / 64 == pytest.approx(3 * 2 * kernels, rel=0.5)  # there, and twice back
    assert cost.seconds > 0


def test_the_batch_and_the_workers_at_which_the_network_is_the_limit():
    cost = Cost(100, 0, reduced_bytes=1000, flops=0, state_bytes=0, step_bytes=0, seconds=1.0)
    network = Network(bandwidth=1000.0, latency=0.1)
    assert network.seconds(1000, 1) == 0
    assert network.seconds(1000, 2) == pytest.approx(2 * (0.5 + 0.1))
    assert network.seconds(1000, 4) == pytest.approx(6 * (0.25 + 0.1))
    assert network.least_batch(cost, 2) == pytest.approx(120.0)
    assert network.most_workers(cost, 100) == 1
    assert network.most_workers(cost, 240) == 2
    assert network.most_workers(cost, 239) == 1
    assert Network(bandwidth=1e12, latency=0.0).most_workers(cost, 16) == 16  # an example each


def test_the_workers_are_those_of_the_batch_of_the_recipe(tmp_path, monkeypatch):
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(TINY))
    asked = []
    monkeypatch.setattr("zoo.cost.measure", lambda recipe, batch: Cost(batch, 1, 1, 1, 1, 1, 1.0))
    monkeypatch.setattr(Network, "most_workers", lambda self, cost, batch: asked.append(batch))
    for more in (["--batch-size", "64"], ["--batch-size", "64", "--json"]):
        assert CliRunner().invoke(cli.app, ["cost", str(tmp_path / "tiny.yaml"), *more]).stdout
    assert asked == [1000] * 2


def test_the_table(tmp_path):
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(TINY))
    run = CliRunner().invoke(cli.app, ["cost", str(tmp_path / "tiny.yaml"), "--speed", "1"])
    assert run.exit_code == 0 and "most N" in run.stdout
    line = next(line for line in run.stdout.splitlines() if line.startswith("tiny"))
    assert line.split()[1] == "1000" and line.split()[-1] == "1.0"  # GFLOP/s
    run = CliRunner().invoke(cli.app, ["cost", str(tmp_path / "tiny.yaml"), "--json"])
    assert json.loads(run.stdout)["tiny"]["most_workers"] >= 1
