"""A directory of a stranger: nothing in it is run, and nothing outside of it is read."""

import copy
import json
import sys

import keras
import pytest

import tfflows
from tfflows import saved_model

RUN = []


def _lambda():
    layer = keras.layers.Lambda(lambda x: RUN.append(x) or x, name="layer")
    return keras.saving.serialize_keras_object(layer)


def _of(name, module, registered=None, **config):
    return {"class_name": name, "module": module, "config": config, "registered_name": registered}


def _base(loc):
    """A base distribution with a parameter that is none."""
    normal = {"distribution": "Normal", "parameters": {"loc": loc, "scale": 1.0}}
    return _of("FixedDistribution", None, "tfflows>FixedDistribution", fixed=normal)


OBJECTS = {
    "a Lambda": _lambda,
    "code": lambda: _of("__lambda__", "builtins", value="gASVAAAA"),
    "code of Keras's": lambda: _of("__lambda__", "keras.layers", value="gASVAAAA"),
    "a function of os": lambda: _of("system", "os"),
    "a class of subprocess": lambda: _of("Popen", "subprocess", "Popen", args=["touch", "ran"]),
    "a function of Python": lambda: _of("function", "builtins", "eval"),
    "a module beside": lambda: _of("Stranger", "stranger"),
    "a vocabulary that claims to be ours": lambda: {
        "class_name": "StringLookup",
        "config": {"vocabulary": "x"},
        "registered_name": "tfflows>MLP",
    },
    "a function that claims to be ours": lambda: {
        "class_name": "function",
        "config": "system",
        "module": "os",
        "registered_name": "tfflows>MLP",
    },
    "a module that claims to be ours": lambda: _of("Stranger", "stranger", "tfflows>Stranger"),
    "another package's": lambda: _of("Stranger", None, "stranger>Stranger"),
    "a class of TensorFlow": lambda: _of("Module", "tensorflow"),
    "a class inside of Keras": lambda: _of("Dense", "keras.src.layers"),
    "a function inside of Keras": lambda: _of("add", "keras.src.ops.numpy", "add"),
    "what operations are made of": lambda: _of("Operation", "keras.src.ops.numpy", "Operation"),
    "an operation that runs code": lambda: _of("Map", "keras.src.ops.core", "Map"),
    "a stranger's Functional": lambda: _of("Functional", "stranger", "Functional"),
    "a model file": lambda: _of("load_model", "keras.saving", filepath="model.keras"),
    "a SavedModel as a layer": lambda: _of("TFSMLayer", "keras.layers", filepath="."),
    "PyTorch": lambda: _of("TorchModuleWrapper", "keras.layers", "TorchModuleWrapper"),
    "a vocabulary": lambda: _of("StringLookup", "keras.layers", "StringLookup", vocabulary="x"),
    "text": lambda: _of("TextVectorization", "keras.layers", vocabulary="x"),
    "no module": lambda: {"class_name": "Dense", "config": {"units": 2}},
    "a type": lambda: {"class_name": "__typespec__", "spec_name": "os.system", "config": {}},
    "a path of root": lambda: _of("Dense", "keras.layers", "Dense", units="/etc/passwd"),
    "a path of home": lambda: _of("Dense", "keras.layers", "Dense", units="~/.profile"),
    "a path upwards": lambda: _of("Dense", "keras.layers", "Dense", units="x/../../y"),
    "an address": lambda: _of("Dense", "keras.layers", "Dense", units="http://host/x"),
    "a path of Windows": lambda: _of("Dense", "keras.layers", "Dense", units="C:\\x"),
}
OUT_OF_RANGE = _of(  # a graph that goes on from an output that a layer has not
    "Functional",
    "keras.src.models.functional",
    "Functional",
    layers=[
        _of("InputLayer", "keras.layers", batch_shape=[None, 2])
        | {"name": "x", "inbound_nodes": []}
    ],
    input_layers=["x", 0, 0],
    output_layers=["x", 0, 9],
)
PLACES = {
    "model": lambda preset, odd: preset.__setitem__("config", odd),
    "argument": lambda preset, odd: preset["config"]["config"].__setitem__("seed", odd),
    "deep": lambda preset, odd: preset["config"]["config"].__setitem__("units", [{"a": [odd]}]),
    "base": lambda preset, odd: preset["config"]["config"].__setitem__("base", _base(odd)),
    "build": lambda preset, odd: preset.__setitem__("build", {"input_shape": [odd]}),
}


@pytest.fixture(scope="module")
def artifact(artifact):
    (artifact.parent / "stranger.py").write_text("raise SystemExit('it was run')")
    return artifact


def rewrite(path, name, content):
    """The file, and its checksum: a stranger can do that too."""
    (path / name).write_text(content)
    files = [f for f in path.rglob("*") if f.is_file() and f.name != "SHA256SUMS"]
    lines = [f"{saved_model._sha256(f)}  {f.relative_to(path)}" for f in sorted(files)]
    (path / saved_model.CHECKSUMS).write_text("\n".join(lines))


@pytest.fixture
def preset(artifact):
    """What the artifact says of itself, put back in the end."""
    content = (artifact / saved_model.PRESET).read_text()
    yield json.loads(content)
    rewrite(artifact, saved_model.PRESET, content)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("odd", OBJECTS)
def test_objects_are_refused(odd, place, artifact, preset, monkeypatch):
    monkeypatch.chdir(artifact.parent)
    monkeypatch.syspath_prepend(artifact.parent)
    PLACES[place](preset, copy.deepcopy(OBJECTS[odd]()))
    rewrite(artifact, saved_model.PRESET, json.dumps(preset))
    with pytest.raises(ValueError, match="should name (no file|classes of tfflows)"):
        tfflows.load(artifact)
    assert not RUN and "stranger" not in sys.modules
    assert not (artifact.parent / "ran").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[" * 100_000, "is not a JSON object"),
        ("[]", "expected an artifact of format"),
        ("nothing", "is not a JSON object"),
        ('{"format": 1}', "is not the config of a model"),
        (json.dumps({"format": 1, "build": None, "config": OUT_OF_RANGE}), "is not the config of"),
    ],
)
def test_what_is_no_preset_is_refused(content, message, artifact, preset):
    rewrite(artifact, saved_model.PRESET, content)
    with pytest.raises(ValueError, match=message):
        tfflows.load(artifact)


def test_a_model_of_another_kind_is_refused(artifact, preset):
    preset["config"] = keras.saving.serialize_keras_object(keras.layers.Dense(2))
    rewrite(artifact, saved_model.PRESET, json.dumps(preset))
    with pytest.raises(ValueError, match="should describe a density model"):
        tfflows.load(artifact)


@pytest.mark.parametrize("name", ["../outside", "/etc/passwd", "variables/../../outside"])
def test_files_outside_are_refused(name, artifact, preset):
    (artifact.parent / "outside").write_text("secret")
    sums = artifact / saved_model.CHECKSUMS
    sums.write_text(f"{sums.read_text().rstrip()}\n{'0' * 64}  {name}\n")
    with pytest.raises(ValueError, match="outside of the directory"):
        tfflows.load(artifact)


def test_a_link_to_a_file_outside_is_refused(artifact, preset):
    weights = next(artifact.glob("variables/*.data*"))
    outside = artifact.parent / "weights"
    weights.rename(outside)
    weights.symlink_to(outside)
    try:
        with pytest.raises(ValueError, match="outside of the directory"):
            tfflows.load(artifact)
    finally:
        outside.rename(weights)


def test_a_checkpoint_that_is_none_is_refused(artifact, preset):
    index = artifact / "variables" / "variables.index"
    content = index.read_bytes()
    rewrite(artifact, "variables/variables.index", "nothing")
    try:
        with pytest.raises(ValueError, match="variables"):
            tfflows.load(artifact)
    finally:
        index.write_bytes(content)
