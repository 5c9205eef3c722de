"""Replicas and workers train to what one process trains to."""

import json
import socket
import types

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfflows
from tests.processes import forked
from tests.tfflows.distributed_cases import CASES, SCORED, STEPS, data, rows_seen, train, work
from tfflows.models.clip_after_reduction import clip_after_reduction
from tfflows.stateless_seed import stateless_seed


@pytest.fixture(scope="module")
def alone():
    """The models of one process, each trained once."""
    models = {}

    def model(case):
        if case not in models:
            models[case] = train(case, tf.distribute.get_strategy())
        return models[case]

    return model


def assert_same(model, weights):
    difference = max(np.abs(a - b).max() for a, b in zip(model.get_weights(), weights, strict=True))
    print(f"after {STEPS} steps: {difference:.1e}")
    assert difference < 1e-4


@pytest.mark.parametrize("case", CASES)
def test_two_replicas_train_to_the_weights_of_one(case, alone, two_replicas):
    assert_same(alone(case), train(case, two_replicas).get_weights())


def test_parts_of_a_batch_of_different_sizes_count_by_their_rows(two_replicas):
    # Of three rows one replica gets two. Keras does not take such a batch as the first.
    size = {"rows": 7, "batch": 4, "epochs": 10}
    expected = train("clipnorm", tf.distribute.get_strategy(), **size)
    assert_same(expected, train("clipnorm", two_replicas, **size).get_weights())


def test_the_loss_that_is_reported_counts_rows_too(two_replicas):
    x = np.random.RandomState(0).normal(size=(7, 2)).astype("float32")
    for strategy in (tf.distribute.get_strategy(), two_replicas):
        with strategy.scope():
            keras.utils.set_random_seed(0)
            model = tfflows.RealNVP(2, (8,))
            model.compile(keras.optimizers.SGD(0.0))
        logs = model.fit(x, batch_size=4, verbose=0).history
        np.testing.assert_allclose(logs["loss"], logs["nll"], rtol=1e-6)


@pytest.fixture(scope="module")
def two_workers(tmp_path_factory):
    """What each of two processes has to say."""
    path = tmp_path_factory.mktemp("workers") / "results"
    with socket.socket() as a, socket.socket() as b:
        a.bind(("127.0.0.1", 0)), b.bind(("127.0.0.1", 0))
        addresses = [f"127.0.0.1:{s.getsockname()[1]}" for s in (a, b)]
    processes = []
    for index in range(2):
        config = {"cluster": {"worker": addresses}, "task": {"type": "worker", "index": index}}
        processes.append(forked.Process(target=work, args=(path, json.dumps(config))))
        processes[-1].start()
    try:
        [process.join(900) for process in processes]
        assert [process.exitcode for process in processes] == [0, 0]
    finally:
        [process.kill() for process in processes]
    return [np.load(f"{path}.{index}.npz") for index in range(2)]


@pytest.mark.parametrize("case", CASES)
def test_two_workers_train_to_the_weights_of_one(case, alone, two_workers):
    model = alone(case)
    of_each = [[w[f"{case}/{i}"] for i in range(len(model.weights))] for w in two_workers]
    assert_same(model, of_each[0])
    for one, other in zip(*of_each):
        np.testing.assert_array_equal(one, other)


def test_two_workers_score_all_rows(alone, two_workers):
    x = data(SCORED, 37)
    for worker in two_workers:
        np.testing.assert_allclose(
            worker["predicted"], alone(SCORED).predict(x, verbose=0), atol=1e-3
        )
        np.testing.assert_allclose(worker["evaluated"], -worker["predicted"].mean(), rtol=1e-5)


def test_two_workers_adapt_to_the_data_of_both(two_workers):
    rows = np.concatenate([np.arange(8), 10 + np.arange(8)])
    for worker in two_workers:
        np.testing.assert_allclose(worker["pooled"][:2], rows.mean(), rtol=1e-6)
    np.testing.assert_array_equal(two_workers[0]["pooled"], two_workers[1]["pooled"])


@pytest.mark.parametrize("batch_size", [8, 7])
def test_every_row_is_seen_once(batch_size, two_workers, two_replicas):
    parts = [list(worker[f"rows/{batch_size}"]) for worker in two_workers]
    assert parts[0] and parts[1]
    assert sorted(parts[0] + parts[1]) == list(range(50))
    assert sorted(rows_seen(two_replicas, batch_size, 50)) == list(range(50))


def test_replicas_draw_noise_of_their_own(two_replicas):
    with two_replicas.scope():
        generator = keras.random.SeedGenerator(3)
    seeds = two_replicas.run(tf.function(lambda: stateless_seed(None, generator)))
    one, other = two_replicas.experimental_local_results(seeds)
    assert one.numpy().tolist() != other.numpy().tolist()


def test_a_keras_that_clips_each_replica_by_itself_is_told_of(two_replicas):
    optimizer = types.SimpleNamespace(clipnorm=1.0, global_clipnorm=None, clipvalue=None)
    with pytest.warns(UserWarning, match="clips the gradients of each replica by itself"):
        clip_after_reduction(optimizer, two_replicas)
    clip_after_reduction(optimizer, tf.distribute.get_strategy())  # the same as one replica
