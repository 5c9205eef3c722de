"""Strategies by name, and what they refuse."""

import json

import pytest
import tensorflow as tf

from zoo.strategies import check_jit, is_chief, make_strategy

WORKERS = {"worker": ["127.0.0.1:1", "127.0.0.1:2"]}


def cluster(monkeypatch, jobs, task):
    monkeypatch.setenv("TF_CONFIG", json.dumps({"cluster": jobs, "task": task}))


@pytest.mark.parametrize(
    ("name", "devices", "kind", "replicas"),
    [
        ("auto", None, tf.distribute.Strategy, 1),
        ("none", None, tf.distribute.Strategy, 1),
        ("one_device", None, tf.distribute.OneDeviceStrategy, 1),
        ("mirrored", 2, tf.distribute.MirroredStrategy, 2),
    ],
)
def test_names(name, devices, kind, replicas):
    if tf.config.list_physical_devices("GPU"):
        pytest.skip("there are GPUs, which mirrored would take")
    strategy = make_strategy(name, devices)
    assert isinstance(strategy, kind) and strategy.num_replicas_in_sync == replicas
    assert is_chief(strategy)


def pretend_gpus(monkeypatch, count):
    gpus = [tf.config.PhysicalDevice(f"/physical_device:GPU:{i}", "GPU") for i in range(count)]
    names = [f"/device:GPU:{i}" for i in range(count)]
    monkeypatch.setattr(tf.config, "list_physical_devices", lambda kind=None: gpus)
    logical = [tf.config.LogicalDevice(name, "GPU") for name in names]
    monkeypatch.setattr(tf.config, "list_logical_devices", lambda kind=None: logical)
    return names


def test_mirrored_takes_all_gpus(monkeypatch):
    names, taken = pretend_gpus(monkeypatch, 3), []
    monkeypatch.setattr(
        tf.distribute, "MirroredStrategy", lambda devices, cross_device_ops: taken.append(devices)
    )
    make_strategy("auto"), make_strategy("mirrored"), make_strategy("mirrored", 2)
    assert taken == [names, names, names[:2]]


def test_one_gpu_is_taken_alone_and_compiled_for(monkeypatch):
    names, taken = pretend_gpus(monkeypatch, 1), []
    monkeypatch.setattr(tf.distribute, "OneDeviceStrategy", taken.append)
    make_strategy("auto")
    assert taken == names
    assert check_jit(None, tf.distribute.get_strategy()) is True


@pytest.mark.parametrize(
    ("name", "devices", "jobs", "task", "message"),
    [
        ("mirored", None, {}, {}, "Did you mean 'mirrored'"),
        ("mirrored", 0, {}, {}, "Received: --devices 0"),
        ("none", 2, {}, {}, "should be 1 here"),
        ("one_device", 2, {}, {}, "should be 1 here"),
        ("multi_worker", None, {}, {}, "needs TF_CONFIG"),
        ("mirrored", None, WORKERS, {"type": "worker", "index": 0}, "write the same files"),
        ("multi_worker", None, WORKERS, {"type": "evaluator", "index": 0}, "chief or worker"),
    ],
)
def test_refusals(monkeypatch, name, devices, jobs, task, message):
    cluster(monkeypatch, jobs, task)
    with pytest.raises(ValueError, match=message):
        make_strategy(name, devices)


def test_a_bad_tf_config_is_named(monkeypatch):
    monkeypatch.setenv("TF_CONFIG", "{")
    with pytest.raises(ValueError, match="TF_CONFIG is not JSON"):
        make_strategy("auto")


def test_xla_is_for_one_replica(two_replicas):
    one, on_gpu = tf.distribute.get_strategy(), bool(tf.config.list_physical_devices("GPU"))
    assert [check_jit(jit, one) for jit in (None, True, False)] == [on_gpu, True, False]
    assert check_jit(None, two_replicas) is False
    with pytest.raises(ValueError, match="one replica"):
        check_jit(True, two_replicas)


@pytest.mark.parametrize(
    ("jobs", "task", "chief"),
    [
        (WORKERS, {"type": "worker", "index": 0}, True),
        (WORKERS, {"type": "worker", "index": 1}, False),
        ({"chief": ["127.0.0.1:1"], **WORKERS}, {"type": "worker", "index": 0}, False),
        ({"chief": ["127.0.0.1:1"], **WORKERS}, {"type": "chief", "index": 0}, True),
    ],
)
def test_one_is_the_chief(monkeypatch, jobs, task, chief):
    cluster(monkeypatch, jobs, task)

    class OfTheCluster:
        cluster_resolver = tf.distribute.cluster_resolver.TFConfigClusterResolver()

    assert is_chief(OfTheCluster()) == chief
