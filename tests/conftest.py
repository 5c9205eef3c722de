"""Two logical CPUs, so that strategies can be tested with two replicas."""

import gc
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import hypothesis
import keras
import pytest
import tensorflow as tf

# Collections walk all that TensorFlow holds, which is no garbage: fewer of them save time.
gc.set_threshold(20_000, 20, 20)

# Other work beside them should slow tests down, not fail them.
hypothesis.settings.register_profile(
    "tests", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("tests")

tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
)


def _untuned(dataset):
    options = tf.data.Options()
    options.autotune.enabled = False
    return dataset.with_options(options)


# The thread that tunes a pipeline can miss that the iterator is gone, and is then waited for, as
# long as the iterator was there: half a minute where it was garbage, collected late.
tf.data.Dataset._apply_debug_options = _untuned


@pytest.fixture(autouse=True)
def seeded():
    keras.utils.set_random_seed(0)


@pytest.fixture
def two_replicas():
    # Not by collectives: those of a second strategy in one process get the first one's keys.
    return tf.distribute.MirroredStrategy(
        ["CPU:0", "CPU:1"], cross_device_ops=tf.distribute.ReductionToOneDevice()
    )
