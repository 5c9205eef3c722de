"""The artifact: small, whole or absent, verified, and harmless."""

import json
import shutil
import subprocess
import sys
import time

import keras
import numpy as np
import pytest
import tensorflow as tf

import tfflows
from tests.tfflows.test_tfp import off_identity
from tfflows import saved_model
from tfflows.families import Additive
from tfflows.known_arguments import with_known_arguments
from tfflows.layers import ActNorm, Chain, Coupling
from tfflows.networks import MLP


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    model = tfflows.MAF(num_layers=2, units=(16,))
    model.build((None, 3))
    path = tmp_path_factory.mktemp("model") / "1"
    model.export(path, metadata={"nll": 1.5})
    return path


@pytest.fixture
def exported(original, tmp_path):
    """An exported model that a test may damage."""
    return shutil.copytree(original, tmp_path / "model" / "1")


def test_a_model_of_a_million_parameters_is_small_and_quick_to_load(tmp_path):
    model = tfflows.MAF(num_layers=5, units=(400, 400))
    model.build((None, 43))
    assert model.count_params() > 1_000_000
    model.export(tmp_path / "1")
    weights = sum(np.prod(w.shape) * 4 for w in model.weights)
    size = sum(f.stat().st_size for f in (tmp_path / "1").rglob("*") if f.is_file())
    assert size < 2 * weights, f"{size} bytes for {weights} bytes of weights"
    begin = time.process_time()
    tfflows.load(tmp_path / "1")
    assert time.process_time() - begin < 1.0


def test_a_process_without_this_library_serves_it(exported):
    code = (
        "import sys, tensorflow as tf\n"
        "served = tf.saved_model.load(sys.argv[1]).signatures['serving_default']\n"
        "print(served(x=tf.ones([1, 3]))['log_prob'].numpy()[0])\n"
        "assert not {'tfflows', 'tensorflow_probability', 'tf_keras'} & set(sys.modules)\n"
    )
    out = subprocess.run(
        [sys.executable, "-c", code, str(exported)],
        capture_output=True, text=True, check=True, cwd=exported,
    )  # fmt: skip
    expected = float(tfflows.load(exported).log_prob(np.ones([1, 3], "float32"))[0])
    assert abs(float(out.stdout.split()[-1]) - expected) < 1e-5


def test_metadata_is_kept(exported):
    assert saved_model.read(exported)["metadata"] == {"nll": 1.5}


@pytest.mark.parametrize("damage", ["truncated", "altered", "missing"])
def test_damage_is_refused_by_name(exported, damage):
    files = [f for f in exported.rglob("*") if f.is_file() and f.name != "SHA256SUMS"]
    assert len(files) >= 4
    for file in files:
        content = file.read_bytes()
        if damage == "missing":
            file.unlink()
        elif damage == "truncated":
            file.write_bytes(content[:-1])
        else:
            file.write_bytes(content[:-1] + bytes([content[-1] ^ 1]) if content else b"x")
        with pytest.raises((ValueError, FileNotFoundError), match=file.name):
            tfflows.load(exported)
        file.write_bytes(content)
    tfflows.load(exported)


def test_a_failing_export_leaves_the_old_one_and_nothing_else(exported, monkeypatch):
    before = sorted(exported.parent.rglob("*"))

    def full_disk(*args, **kwargs):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tf.saved_model, "save", full_disk)
    with pytest.raises(OSError, match="No space left"):
        tfflows.load(exported).export(exported)
    assert sorted(exported.parent.rglob("*")) == before
    tfflows.load(exported)


def test_a_server_that_polls_for_versions_sees_no_half_of_one(exported, tmp_path, monkeypatch):
    model, save, seen = tfflows.load(exported), tf.saved_model.save, []

    def look(*args, **kwargs):
        save(*args, **kwargs)
        seen.extend(path.name for path in (tmp_path / "polled").iterdir())

    monkeypatch.setattr(tf.saved_model, "save", look)
    model.export(tmp_path / "polled" / "2")
    assert len(seen) == 1 and not seen[0].isdecimal()
    assert [path.name for path in (tmp_path / "polled").iterdir()] == ["2"]


def test_export_replaces_its_own_and_refuses_what_is_not(exported, tmp_path):
    tfflows.load(exported).export(exported, metadata={"second": True})
    assert saved_model.read(exported)["metadata"] == {"second": True}
    (tmp_path / "mine").mkdir()
    with pytest.raises(FileExistsError, match="something else"):
        tfflows.load(exported).export(tmp_path / "mine")


def _dense(**kwargs):
    return keras.layers.Dense(4, **kwargs)


def _functional(merge):
    x = keras.Input((2,))
    return keras.Model(x, merge(_dense()(x), _dense()(x)), name="network")


LOADED = {
    "a constraint": lambda: _dense(kernel_constraint=keras.constraints.MaxNorm(2.0)),
    "a sequence": lambda: keras.Sequential([_dense(activation="relu")], name="network"),
    "a graph": lambda: _functional(lambda *h: keras.layers.Add()(h)),
    "operations": lambda: _functional(lambda a, b: keras.ops.concatenate([a + 2 * b, a], -1)),
    "an operation of networks": lambda: _functional(lambda a, b: keras.ops.silu(a) - b),
}


@pytest.mark.parametrize("network", LOADED)
def test_networks_of_keras_are_exported_and_loaded(network, tmp_path):
    model = tfflows.FlowModel(Coupling("half", LOADED[network](), name="coupling"))
    model.build((None, 4))
    off_identity(model)
    model.export(tmp_path / "1")
    x = np.random.RandomState(0).normal(size=(5, 4)).astype("float32")
    np.testing.assert_array_equal(tfflows.load(tmp_path / "1").log_prob(x), model.log_prob(x))


ACTIVE = {
    "MAF": lambda f: tfflows.MAF(1, (4,), activation=f),
    "RealNVP": lambda f: tfflows.RealNVP(1, (4,), activation=f),
    "NeuralSplineFlow": lambda f: tfflows.NeuralSplineFlow(1, 4, 1, activation=f),
    "Glow": lambda f: tfflows.Glow(1, 1, 4, activation=f),
    "MultiScaleRealNVP": lambda f: tfflows.MultiScaleRealNVP(1, 4, 1, activation=f),
}


@pytest.mark.parametrize("name", ACTIVE)
def test_activations_may_be_functions_of_keras(name, tmp_path):
    model = ACTIVE[name](keras.activations.silu)
    model.build((None, 4, 4, 1) if "num_bits" in model.get_config() else (None, 3))
    assert model.get_config()["activation"] == "silu"
    saved_model._preset(model, {})  # would refuse what cannot be loaded


def test_a_path_that_tensorflow_cannot_read_is_refused(original, tmp_path):
    path = tmp_path / "v[2]" / "1"
    with pytest.raises(ValueError, match=r"cannot read from .*v\[2\]/1: "):
        tfflows.load(original).export(path)
    assert not list(tmp_path.iterdir())
    with pytest.raises(ValueError, match=r"cannot read from .*v\[2\]/1: "):
        tfflows.load(shutil.copytree(original, path))


def test_layers_that_share_weights_are_not_saved(tmp_path):
    network = MLP([4])
    chain = Chain([Coupling("half", network, name=name) for name in ("first", "second")])
    model = tfflows.FlowModel(chain)
    model.build((None, 2))
    for save in (
        lambda: model.export(tmp_path / "1"),
        lambda: model.save(tmp_path / "model.keras"),
        lambda: keras.models.clone_model(model),
    ):
        with pytest.raises(ValueError, match="share a weight: .*first/.* is .*second/.*its own"):
            save()
    assert not list(tmp_path.iterdir())


@keras.saving.register_keras_serializable("of_a_user")
class OwnFamily(Additive):
    pass


@keras.saving.register_keras_serializable("of_a_user")
class OwnLayer(ActNorm):
    pass


class OwnModel(tfflows.RealNVP):
    pass


def own_function(x):
    return x


REFUSED = {
    "a family": lambda: tfflows.FlowModel(Coupling("half", MLP([4]), OwnFamily())),
    "a layer": lambda: tfflows.FlowModel(OwnLayer()),
    "a model": lambda: OwnModel(1, (4,)),
    "a function": lambda: tfflows.FlowModel(Coupling("half", _dense(activation=own_function))),
    "an anonymous function": lambda: tfflows.FlowModel(
        Coupling("half", MLP([4], activation=lambda x: x))
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_could_not_be_loaded_is_not_exported(what, tmp_path):
    model = REFUSED[what]()
    model.build((None, 4))
    with pytest.raises(
        ValueError, match=r"`load` makes no others.*\.keras.*(Received|identifier): "
    ):
        model.export(tmp_path / "1")
    assert not list(tmp_path.iterdir())


HOSTILE = [
    {"class_name": "Lambda", "module": "keras.layers", "registered_name": "Lambda"},
    {"class_name": "system", "module": "os", "registered_name": None},
    {"class_name": "Popen", "module": "subprocess", "registered_name": "Popen"},
    {"class_name": "function", "module": "builtins", "config": "eval", "registered_name": "eval"},
    {"class_name": "X", "module": "evil", "registered_name": "tfflows>X"},
    {"class_name": "load_model", "module": "keras.saving", "registered_name": "load_model"},
]


@pytest.mark.parametrize("hostile", HOSTILE, ids=lambda h: h["class_name"])
def test_a_config_that_names_anything_else_is_refused(exported, hostile):
    file = exported / saved_model.PRESET
    preset = json.loads(file.read_text())
    preset["config"]["config"]["base"] = hostile | {"config": {}}
    file.write_text(json.dumps(preset))
    sums = exported / saved_model.CHECKSUMS
    lines = [line for line in sums.read_text().splitlines() if "tfflows.json" not in line]
    sums.write_text("\n".join([*lines, f"{saved_model._sha256(file)}  {saved_model.PRESET}"]))
    with pytest.raises(ValueError, match="should name classes of tfflows"):
        tfflows.load(exported)


def test_what_a_newer_keras_leaves_open_is_left_out():
    config = keras.saving.serialize_keras_object(keras.initializers.GlorotUniform(seed=1))
    inner = config["config"]
    given = {"layers": [config | {"config": inner | {"newer": None}}], "rest": (1, None, "a")}
    assert with_known_arguments(given) == {"layers": [config], "rest": (1, None, "a")}
    asked = config | {"config": inner | {"newer": 0}}
    assert with_known_arguments(asked) == asked  # it would be another initializer: Keras refuses
