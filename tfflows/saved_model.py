"""The one artifact: a SavedModel that is a servable, a preset and a Keras model at once."""

from __future__ import annotations

import contextlib
import hashlib
import json
import platform
from pathlib import Path
from typing import TYPE_CHECKING

import keras
import tensorflow as tf
import tensorflow_probability as tfp

from tfflows.check_path import check_path
from tfflows.known_arguments import with_known_arguments
from tfflows.safe_config import check_config
from tfflows.serving import Servable, write_warm_up
from tfflows.version import __version__
from tfflows.weight_paths import weight_paths
from tfflows.whole_directory import whole_directory

if TYPE_CHECKING:
    from tfflows.models.density_model import DensityModel

PRESET = "assets.extra/tfflows.json"
CHECKSUMS = "assets.extra/SHA256SUMS"
FORMAT = 1


def export(model: DensityModel, path: str | Path, metadata: dict | None = None) -> None:
    """Writes a built model to `path`, a directory that appears whole or not at all.

    Args:
      model: a built `DensityModel`.
      path: the directory; replaced if it holds an artifact of ours, refused if anything else.
      metadata: what belongs to the model and can be JSON: recipe, metrics.

    Raises:
      ValueError: the model is not built, or has something inside that `load` would refuse; or the
        path has a character that TensorFlow takes for a part of a pattern.
      FileExistsError: at `path` there is something else.
      OSError: it cannot be written there; nothing is changed.
    """
    model.check_built()
    check_path(path)
    path = Path(path)
    if path.exists() and not (path / PRESET).is_file():
        raise FileExistsError(
            f"`export` expected a path that is free or holds an exported model. Received: {path}, "
            "which exists and is something else."
        )
    with _in_float32(model):
        preset = _preset(model, metadata or {})
        with whole_directory(path) as temporary:
            _write(model, temporary, path.resolve().parent.name, preset)


def load(path: str | Path) -> keras.Model:
    """The Keras model of an exported directory, ready to score, sample or train on.

    Reads the config and the weights, not the graph; runs no code from the directory, and makes
    only classes of this library, of Keras, and distributions and bijectors of TensorFlow
    Probability.

    >>> model = RealNVP(num_couplings=2, units=(8,))
    >>> model.build((None, 3))
    >>> with tempfile.TemporaryDirectory() as directory:
    ...     model.export(f"{directory}/1")
    ...     same = load(f"{directory}/1")
    >>> same.log_prob(np.zeros([2, 3], "float32")).shape
    TensorShape([2])

    Raises:
      FileNotFoundError: there is no exported model.
      ValueError: a file is missing, cut short or altered (the error names it), or the config asks
        for something that is not a layer of ours or Keras's.
    """
    path = Path(path)
    preset = read(path)
    check_path(path)
    model = _model(path, preset)
    names = weight_paths(model)
    saved = {name: (tuple(shape), dtype) for name, shape, dtype in preset["weights"]}
    own = {name: (tuple(w.shape), _dtype(w)) for name, w in names.items()}
    if own != saved:
        odd = sorted(set(own.items()) ^ set(saved.items()))[:4]
        raise ValueError(f"{path}: the weights are not those of its config. They differ in {odd}.")
    try:
        checkpoint = tf.train.load_checkpoint(str(path / "variables" / "variables"))
        for name, weight in names.items():
            weight.assign(checkpoint.get_tensor(f"weights_/{name}/.ATTRIBUTES/VARIABLE_VALUE"))
    except (tf.errors.OpError, RuntimeError) as error:
        raise ValueError(f"{path}: variables/ cannot be read: {error}.") from error
    return model


def _model(path, preset):
    try:
        _check_classes(preset)
        model = _made(preset)
        if not model.built:
            model.build_from_config(preset["build"])
    except (LookupError, TypeError, RuntimeError, AttributeError) as error:
        what = f"{type(error).__name__}: {str(error)[:200]}"
        raise ValueError(f"{path}: {PRESET} is not the config of a model ({what}).") from error
    if not hasattr(model, "log_prob"):
        raise ValueError(
            f"{path}: {PRESET} should describe a density model. Received: a {type(model).__name__}."
        )
    return model


def read(path: str | Path) -> dict:
    """What an exported directory says of itself: config, versions and metadata; files verified."""
    path = Path(path)
    if not (path / PRESET).is_file():
        raise FileNotFoundError(f"{path} is not an exported model: it has no {PRESET}.")
    verify(path)
    try:
        preset = dict(json.loads((path / PRESET).read_text()))
    except (ValueError, TypeError, RecursionError) as error:
        raise ValueError(f"{path}: {PRESET} is not a JSON object: {error}.") from None
    if preset.get("format") != FORMAT:
        raise ValueError(
            f"{path}: expected an artifact of format {FORMAT}. Received: {preset.get('format')}."
        )
    return preset


def verify(path: str | Path) -> None:
    """Checks every file of an exported directory against its checksum.

    Raises:
      ValueError: a file is missing, altered, not listed, or outside of the directory.
    """
    path = Path(path)
    if not (path / CHECKSUMS).is_file():
        raise ValueError(f"{path}: the file {CHECKSUMS} is missing.")
    listed = {CHECKSUMS}
    for line in (path / CHECKSUMS).read_text(errors="replace").splitlines():
        digest, _, name = line.partition("  ")
        _check_file(path, name, digest)
        listed.add(name)
    there = {
        f.relative_to(path).as_posix()
        for f in path.rglob("*")
        if not (f.is_dir() or f.name.startswith("."))
    }
    if unlisted := sorted(there - listed):
        raise ValueError(
            f"{path}: {CHECKSUMS} does not list {', '.join(unlisted)}: it was cut short, or these "
            "were added. Fetch or export the model again."
        )


def _check_file(path, name, digest):
    file = path / name
    try:
        inside = file.resolve().is_relative_to(path.resolve())
        there = file.is_file()
    except (ValueError, OSError):  # a name that is no name
        inside = there = False
    if ".." in Path(name).parts or Path(name).is_absolute() or (there and not inside):
        raise ValueError(f"{path}: {CHECKSUMS} names a file outside of the directory: {name}.")
    if not there:
        raise ValueError(f"{path}: the file {name} is missing.")
    if _sha256(file) != digest:
        raise ValueError(
            f"{path}: the file {name} is not as it was written (its checksum differs). "
            "Fetch or export the model again."
        )


def _preset(model, metadata):
    """What the directory says of itself, as JSON; ValueError for what `load` would refuse."""
    preset = {
        "format": FORMAT,
        "config": keras.saving.serialize_keras_object(model),
        "build": model.get_build_config(),
        "weights": [[p, list(w.shape), _dtype(w)] for p, w in weight_paths(model).items()],
        "versions": versions(),
        "metadata": metadata,
    }
    # The optimizer is not part of the artifact: one that is fine-tuned starts with a fresh one.
    preset["config"].pop("compile_config", None)
    text = _json(preset)
    try:
        saved = json.loads(text)
        _check_classes(saved)
        _made(saved)
    except (ValueError, LookupError, TypeError) as error:
        # Of an error within objects within objects Keras tells all their configs first.
        cause = str(error).rsplit("Exception encountered: ", 1)[-1]
        raise ValueError(
            "`export` expected a model of tfflows's classes and Keras's layers alone: `load` makes "
            "no others. One with classes or functions of your own can be saved in Keras's format, "
            f"by `model.save('NAME.keras')`. {cause}"
        ) from None
    return text


def _json(preset):
    try:
        return json.dumps(preset, indent=1)
    except TypeError as error:
        raise ValueError(f"`metadata` should be what JSON can hold. {error}.") from None


def _made(preset):
    config = with_known_arguments(preset["config"])
    return keras.saving.deserialize_keras_object(config, safe_mode=True)


def _check_classes(preset):
    check_config([preset["config"], preset["build"]])


def _write(model, directory, name, preset):
    servable = Servable(model)
    signatures = servable.signatures()
    tf.saved_model.save(servable, str(directory), signatures=signatures)
    write_warm_up(directory, name, signatures)
    (directory / PRESET).write_text(preset)
    files = sorted(f for f in directory.rglob("*") if f.is_file())
    lines = [f"{_sha256(f)}  {f.relative_to(directory).as_posix()}\n" for f in files]
    (directory / CHECKSUMS).write_text("".join(lines))


@contextlib.contextmanager
def _in_float32(model):
    """Lifts mixed precision: bfloat16 networks are for training, too coarse to be inverted."""
    mixed = [x for x in model._flatten_layers() if x.compute_dtype != x.variable_dtype]
    policies = [layer.dtype_policy for layer in mixed]
    try:
        for layer in mixed:
            layer.dtype_policy = layer.variable_dtype
        yield
    finally:
        for layer, policy in zip(mixed, policies):
            layer.dtype_policy = policy


def _dtype(weight):
    return keras.backend.standardize_dtype(weight.dtype)


def _sha256(file):
    return hashlib.sha256(file.read_bytes()).hexdigest()


def versions() -> dict[str, str]:
    """The versions that a model is made with."""
    return {
        "tfflows": __version__,
        "python": platform.python_version(),
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "tensorflow_probability": tfp.__version__,
    }
