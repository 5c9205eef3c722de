"""Training that is killed at random moments ends as if nothing had been."""

import json
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import yaml

import tfflows
from tests.zoo.conftest import TINY
from zoo.launch import free_addresses
from zoo.recipe import parse
from zoo.state_file import read_state
from zoo.train import default_strategy, fit

RECIPE = {
    **TINY,
    "model": {
        "class": "RealNVP",
        "arguments": {"num_couplings": 2, "units": [8], "normalization": "batch", "dropout": 0.3},
    },
    "training": {"epochs": 60, "batch_size": 500, "seed": 3, "use_ema": True},
}
PROMISED = 30.0
"""The seconds in which a worker should stop once another is lost."""


def _fit(work, started, result=None):
    import zoo.train

    class Started(zoo.train.Resume):
        def on_train_batch_end(self, batch, logs=None):
            started.set()

    zoo.train.Resume = Started
    model, record = fit(parse(RECIPE), work, default_strategy())
    np.savez(result, *model.get_weights(), log=np.array(record.log)[:, :-1])


def _child(work, result=None):
    context = multiprocessing.get_context("spawn")
    started = context.Event()
    child = context.Process(target=_fit, args=(work, started, result))
    child.start()
    return child, started


@pytest.mark.parametrize("kills", [3, pytest.param(20, marks=pytest.mark.long)])
def test_killed_at_random_moments(tmp_path, kills):
    model, record = fit(parse(RECIPE), tmp_path / "undisturbed", default_strategy())
    epoch = np.median(np.diff([row[-1] for row in record.log]))
    moments, epochs = random.Random(kills), []
    for _ in range(kills):
        child, started = _child(tmp_path / "killed")
        assert started.wait(300)
        time.sleep(moments.uniform(0, 30 * epoch / kills))
        child.kill()
        child.join()
        assert child.exitcode == -signal.SIGKILL
        state = tmp_path / "killed" / "state.npz"
        epochs.append(len(read_state(state)["log"]) if state.exists() else 0)
    print(f"killed after epochs {epochs}")
    assert epochs == sorted(epochs)
    child, _ = _child(tmp_path / "killed", tmp_path / "result.npz")
    child.join(300)
    assert child.exitcode == 0
    with np.load(tmp_path / "result.npz") as result:
        np.testing.assert_array_equal(result["log"], np.array(record.log)[:, :-1])
        for i, weight in enumerate(model.get_weights()):
            np.testing.assert_array_equal(result[f"arr_{i}"], weight)


def _workers(recipe, root):
    """Two workers that train; their output goes to files."""
    addresses, processes = free_addresses(2), []
    for index in range(2):
        task = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}
        command = [sys.executable, "-m", "zoo", "train", str(recipe)]
        command += ["--output", str(root / "entries"), "--runs", str(root / "runs")]
        with (root / f"{index}.log").open("wb") as log:
            environment = os.environ | {"TF_CONFIG": json.dumps(task)}
            processes.append(
                subprocess.Popen(command, env=environment, stdout=log, stderr=subprocess.STDOUT)
            )
    return processes


@pytest.mark.long
@pytest.mark.parametrize("lost", [0, 1], ids=["chief", "worker"])
def test_a_lost_worker_stops_the_other_and_a_restart_goes_on(tmp_path, lost):
    content = {**RECIPE, "name": "tiny", "training": {**RECIPE["training"], "epochs": 12}}
    content["model"]["arguments"]["dropout"] = 0.0  # replicas draw their own
    (tmp_path / "tiny.yaml").write_text(yaml.safe_dump(content))
    model, record = fit(parse(content), tmp_path / "undisturbed", default_strategy())
    processes = _workers(tmp_path / "tiny.yaml", tmp_path)
    state = tmp_path / "runs" / "tiny" / "state.npz"
    try:
        while not state.exists():
            assert processes[0].poll() is None, (tmp_path / "0.log").read_text()
            time.sleep(0.1)
        processes[lost].kill()
        begin = time.monotonic()
        other = 1 - lost
        assert processes[other].wait(2 * PROMISED) == 1
        seconds = time.monotonic() - begin
        print(f"the other stopped after {seconds:.0f} s")
        assert seconds < PROMISED
        message = (tmp_path / f"{other}.log").read_text().splitlines()[-1]
        assert message.startswith("error: Another worker has stopped"), message
        saved = len(read_state(state)["log"])
        assert 0 < saved < 12
        processes = _workers(tmp_path / "tiny.yaml", tmp_path)
        assert [process.wait(600) for process in processes] == [0, 0]
    finally:
        [process.kill() for process in processes]
    assert f"Epoch {saved + 1}/12" in (tmp_path / "0.log").read_text()
    assert f"Epoch {saved}/12" not in (tmp_path / "0.log").read_text()
    ended = tfflows.load(tmp_path / "entries" / "tiny" / "1").get_weights()
    difference = max(np.abs(a - b).max() for a, b in zip(model.get_weights(), ended, strict=True))
    print(f"from an undisturbed training: {difference:.1e}")
    assert difference < 1e-4
