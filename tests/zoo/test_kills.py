"""Training that is killed at random moments ends as if nothing had been."""

import copy
import json
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
from tests.processes import forked
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
    "training": {"epochs": 12, "batch_size": 500, "seed": 3, "use_ema": True},
}
PROMISED = 30.0
"""The seconds in which a worker should stop once another is lost."""


def _fit(recipe, work, started, after_an_epoch, result):
    import zoo.train

    class Started(zoo.train.Resume):
        def on_train_batch_end(self, batch, logs=None):
            if not after_an_epoch:
                started.set()

        def on_epoch_end(self, epoch, logs=None):
            super().on_epoch_end(epoch, logs)
            started.set()

    zoo.train.Resume = Started
    model, record = fit(recipe, work, default_strategy())
    np.savez(result, *model.get_weights(), log=np.array(record.log)[:, :-1])


def _child(*arguments):
    started = forked.Event()
    recipe, work, *rest = arguments
    child = forked.Process(target=_fit, args=(recipe, work, started, *rest))
    child.start()
    return child, started


@pytest.mark.parametrize(
    ("kills", "epochs"), [(2, 16), pytest.param(20, 80, marks=pytest.mark.long)]
)
def test_killed_at_random_moments(tmp_path, kills, epochs):
    training = RECIPE["training"] | {"epochs": epochs}
    recipe = parse({**RECIPE, "training": training})
    model, record = fit(recipe, tmp_path / "undisturbed", default_strategy())
    epoch = np.median(np.diff([row[-1] for row in record.log]))
    state, result = tmp_path / "killed" / "state.npz", tmp_path / "result.npz"
    moments, done = random.Random(kills), []
    for i in range(kills):
        # Now and then before the first epoch of the process has been saved.
        child, started = _child(recipe, state.parent, i % 3 > 0, result)
        assert started.wait(600)
        time.sleep(moments.uniform(0, 0.2 * epochs / kills * epoch))
        child.kill()
        child.join()
        assert child.exitcode == -signal.SIGKILL
        done.append(len(read_state(state)["log"]) if state.exists() else 0)
    print(f"{kills} kills, with these numbers of epochs done: {done}")
    assert done == sorted(done) and done[-1] >= kills // 2
    child, _ = _child(recipe, state.parent, True, result)
    child.join(600)
    assert child.exitcode == 0
    with np.load(result) as ended:
        np.testing.assert_array_equal(ended["log"], np.array(record.log)[:, :-1])
        for i, weight in enumerate(model.get_weights()):
            np.testing.assert_array_equal(ended[f"arr_{i}"], weight)


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
    content = copy.deepcopy({**RECIPE, "name": "tiny"})
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
