"""The `tf.distribute` strategies that a training may be given by name."""

from __future__ import annotations

import json
import os

import tensorflow as tf

from tfflows.replicas import JOBS, num_workers
from zoo.data.known import check_known

STRATEGIES = ("auto", "none", "one_device", "mirrored", "multi_worker")


def make_strategy(name: str = "auto", devices: int | None = None) -> tf.distribute.Strategy:
    """A strategy by its name; to be made before anything else of TensorFlow.

    Args:
        name: "none"; "one_device"; "mirrored": replicas on the devices of this machine;
            "multi_worker": this process is one of those that `TF_CONFIG` names. "auto":
            multi_worker in one of several such processes, else mirrored where there are several
            GPUs, one_device where there is one, else none.
        devices: how many of this machine's are used; None: all GPUs, or else the CPU. Without GPUs,
            so many logical CPUs are made.

    Raises:
        ValueError: for devices that are not there, or a `TF_CONFIG` that is missing or is of
            something else than workers.
    """
    check_known("strategy", name, STRATEGIES)
    if name == "auto":
        name = _automatic()
    _check_cluster(name)
    if devices is not None:
        _check_devices(name, devices)
    if name == "none":
        return tf.distribute.get_strategy()
    if name == "one_device":
        return tf.distribute.OneDeviceStrategy(_take(1)[0])
    if name == "mirrored":
        return _mirrored(_take(devices))
    if gpus := _gpus():
        tf.config.set_visible_devices(gpus[:devices], "GPU")
    return tf.distribute.MultiWorkerMirroredStrategy()


def is_chief(strategy: tf.distribute.Strategy) -> bool:
    """Whether this process is the one that writes."""
    resolver = strategy.cluster_resolver
    if resolver is None or not (cluster := resolver.cluster_spec().as_dict()):
        return True
    chief = ("chief", 0) if "chief" in cluster else ("worker", 0)
    return (resolver.task_type, resolver.task_id) == chief


def check_jit(jit: bool | None, strategy: tf.distribute.Strategy) -> bool:
    """`jit_compile` of Keras's `compile`; None: XLA where one replica trains on a GPU.

    Steps of flows are thousands of small operations, which a GPU waits for unless they are
    compiled; Keras by itself compiles nothing under a strategy. On CPUs XLA gains a little on dense
    networks, loses on convolutions, and triples the time before the first step.

    Raises:
        ValueError: XLA is asked for with several replicas, which TensorFlow cannot.
    """
    replicas = strategy.num_replicas_in_sync
    if jit is None:
        return replicas == 1 and bool(_gpus())
    if jit and replicas > 1:
        raise ValueError(
            "--jit is for one replica: TensorFlow compiles no step that several devices share. "
            f"Received: --jit with {replicas} replicas."
        )
    return jit


def _automatic():
    if _cluster_size() > 1:
        return "multi_worker"
    gpus = len(_gpus())
    return "mirrored" if gpus > 1 else "one_device" if gpus else "none"


def _check_cluster(name):
    workers = _cluster_size()
    if name != "multi_worker":
        if workers > 1:
            raise ValueError(
                f"TF_CONFIG is of {workers} workers, which by --strategy {name} would each train "
                "alone, and write the same files. Use --strategy multi_worker."
            )
    elif not workers:
        raise ValueError(
            "--strategy multi_worker needs TF_CONFIG, which names the workers: "
            '{"cluster": {"worker": ["host:port", ...]}, "task": {"type": "worker", "index": 0}}. '
            "On one machine, `python -m zoo launch --workers 2 train NAME` sets it."
        )
    elif (task := _tf_config().get("task", {})).get("type") not in JOBS:
        raise ValueError(f"TF_CONFIG should have a task of type chief or worker. Received: {task}.")


def _check_devices(name, devices):
    gpus = len(_gpus())
    most = 1 if name in ("none", "one_device") else gpus
    if name == "multi_worker":
        most = max(gpus, 1)
    if devices < 1 or (most and devices > most):
        raise ValueError(
            f"--devices of --strategy {name} should be {f'from 1 to {most}' if most > 1 else 1} "
            f"here. Received: --devices {devices}."
        )


def _take(count):
    """The names of the first GPUs, all if `count` is None; without GPUs, of logical CPUs."""
    kind = "GPU" if _gpus() else "CPU"
    if kind == "CPU" and (count or 1) > 1:
        _make_logical_cpus(count)
    return [device.name for device in tf.config.list_logical_devices(kind)[:count]]


def _make_logical_cpus(count):
    cpu = tf.config.list_physical_devices("CPU")[0]
    try:
        parts = [tf.config.LogicalDeviceConfiguration()] * count
        tf.config.set_logical_device_configuration(cpu, parts)
    except RuntimeError as error:  # TensorFlow has started
        if len(tf.config.list_logical_devices("CPU")) < count:
            raise ValueError(f"{count} logical CPUs should be made first: {error}") from None


def _mirrored(devices):
    # TensorFlow's collectives on CPUs keep keys for the life of the process; this needs none.
    ops = tf.distribute.ReductionToOneDevice() if "CPU" in devices[0] else None
    return tf.distribute.MirroredStrategy(devices, cross_device_ops=ops)


def _gpus():
    return tf.config.list_physical_devices("GPU")


def _tf_config():
    try:
        return json.loads(os.environ.get("TF_CONFIG") or "{}")
    except json.JSONDecodeError as error:
        raise ValueError(f"TF_CONFIG is not JSON: {error}.") from None


def _cluster_size():
    return num_workers(_tf_config().get("cluster", {}))
