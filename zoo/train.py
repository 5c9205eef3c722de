"""Training of an entry: from a recipe to the evaluated artifact and its card."""

from __future__ import annotations

import contextlib
import os
import pathlib
import shutil
import sys
from typing import Any

import keras
import tensorflow as tf

from tfflows import saved_model
from tfflows.check_path import check_path
from tfflows.models import DensityModel
from tfflows.replicas import is_multi_worker
from zoo import registry
from zoo.data import batches, steps_per_epoch
from zoo.evaluate import evaluate, protocol
from zoo.lock import locked
from zoo.model_card import MORE, TOP, write_card
from zoo.optimizer import make_optimizer
from zoo.plots import pictures
from zoo.precision import training_dtype
from zoo.processor import processor_name
from zoo.progress import Progress
from zoo.recipe import Recipe, argument, recorded
from zoo.replace import check_writable, replace
from zoo.resume import THEN, Resume
from zoo.state_file import previous
from zoo.strategies import check_jit, is_chief, make_strategy
from zoo.workers import check_agreement, wait_for_all, watched

VERSION = "1"
TENSORBOARD = "tensorboard"


def train(
    recipe: Recipe,
    directory: pathlib.Path | str,
    strategy: tf.distribute.Strategy | None = None,
    work: pathlib.Path | str | None = None,
    fresh: bool = False,
    start: pathlib.Path | str | None = None,
    mixed_precision: bool | None = None,
    jit: bool | None = None,
    batch_parts: int = 1,
) -> dict[str, Any]:
    """Trains, evaluates and exports; goes on where an earlier call with the recipe was stopped.

    Args:
        recipe: what is trained.
        directory: of the entry; it gets the artifact (`1/`), its card `README.md`, `training.csv`,
            and pictures: for 2-D data the density, for images all of `zoo.plots.pictures`.
        strategy: None: `default_strategy()`.
        work: the state of training and the TensorBoard logs; None: `directory/training`.
        fresh: whether a saved state is ignored, and an entry of another recipe replaced.
        start: where there is no saved state, a trained entry to go on from, its name or its path,
            whose recipe was the beginning of this one; see `Resume.restore_entry`.
        mixed_precision: see `training_dtype`.
        jit: see `check_jit`.
        batch_parts: see `DensityModel.compile`.

    Returns:
        The metadata of the artifact. Of several workers, all train, and the chief does the rest.
    """
    check_path(directory)
    directory = pathlib.Path(directory)
    work = pathlib.Path(work) if work else directory / "training"
    strategy = strategy or default_strategy()
    with contextlib.ExitStack() as stack:
        if is_chief(strategy):
            for each in (directory, work):
                check_writable(each)
            stack.enter_context(locked(work))
            if not (fresh or _state(work).exists()):  # which was begun with --fresh, perhaps
                _check_replaced(recipe, directory)
        stack.enter_context(watched(strategy))
        trained, resume = fit(
            recipe, work, strategy, fresh, start, mixed_precision, jit, batch_parts
        )
        if is_chief(strategy):
            if not resume.replaces:
                _check_replaced(recipe, directory)
            _ship(recipe, trained, resume, directory)
        wait_for_all(strategy)
    return saved_model.read(directory / VERSION)["metadata"]


def fit(
    recipe: Recipe,
    work: pathlib.Path,
    strategy: tf.distribute.Strategy,
    fresh: bool = False,
    start: pathlib.Path | str | None = None,
    mixed_precision: bool | None = None,
    jit: bool | None = None,
    batch_parts: int = 1,
) -> tuple[DensityModel, Resume]:
    """The model with the best weights by validation, and the record of its training."""
    training = recipe.training
    if training.begins_with:
        # Raises now what it would after the data are loaded.
        recorded(registry.metadata(training.begins_with), training.begins_with)
    data = recipe.data.load()
    passes = training.epochs_per_validation
    steps = passes * steps_per_epoch(data, training.batch_size)
    epochs = training.epochs // passes
    state, writes = _state(work), is_chief(strategy)

    def rows(start_epoch=0):
        return batches(
            data, "train", training.batch_size, training.seed, start_epoch, flip=training.flip
        )

    keras.utils.set_random_seed(training.seed)
    with strategy.scope():
        model = recipe.make_model(dtype=training_dtype(recipe, mixed_precision))
        model.compile(
            make_optimizer(training, epochs * steps),
            jit_compile=check_jit(jit, strategy),
            batch_parts=batch_parts,
        )
        model.build((None, *data.event_shape))
        model.optimizer.build(model.trainable_variables)
        resume = Resume(state, recipe, writes, hardware(strategy), replaces=fresh)
        if fresh or not resume.restore(model):
            _begin(model, resume, start)
        if fresh and writes:  # now that all is known to fit
            for file in (state, previous(state)):
                file.unlink(missing_ok=True)
            shutil.rmtree(work / TENSORBOARD, ignore_errors=True)
        if not model.adapted:
            model.adapt(rows(), num_examples=training.adapt_rows)
        check_agreement(strategy, resume.epoch, state)
    if resume.epoch < epochs and not resume.exhausted:
        interactive = sys.stdout.isatty()
        callbacks = [resume]
        if writes:
            board = keras.callbacks.TensorBoard(work / TENSORBOARD, write_graph=False)
            callbacks.append(board)
        if training.use_ema:
            callbacks.append(keras.callbacks.SwapEMAWeights())
        if writes and not interactive:
            callbacks.append(Progress())
        model.fit(
            rows(resume.epoch * passes),
            initial_epoch=resume.epoch,
            epochs=epochs,
            steps_per_epoch=steps,
            validation_data=batches(
                data,
                "validation",
                _validation_batch(recipe, strategy),
                training.seed,
                rows=training.validation_rows,
            ),
            callbacks=callbacks,
            shuffle=False,  # the data already is
            verbose=(1 if interactive else 2) if writes else 0,
        )
    resume.restore_best(model)
    return model, resume


def _state(work):
    return work / "state.npz"


def _check_replaced(recipe, directory):
    """Raises a ValueError where there is an entry of another recipe, which would be lost."""
    artifact = directory / VERSION
    if not (artifact / saved_model.PRESET).is_file():
        return
    there = recorded(saved_model.read(artifact)["metadata"], str(artifact))
    if not recipe.goes_on_from(there.trained_by()):
        raise ValueError(
            f"{directory} is an entry that was trained by another recipe. Give the recipe another "
            "`name`, or another directory (--output), or replace the entry (--fresh)."
        )


def _begin(model, resume, start):
    """With the weights that were asked for, if any were."""
    if start:
        resume.restore_entry(model, str(start))
    elif entry := resume.recipe.training.begins_with:
        resume.begin_with(model, entry)


def shipped(recipe: Recipe, trained: DensityModel) -> DensityModel:
    """The model to be evaluated and exported: of this process alone, and all in float32.

    Networks in bfloat16 are too coarse to be inverted.
    """
    mixed = trained.dtype_policy.name.startswith("mixed")
    if not mixed and trained.distribute_strategy.num_replicas_in_sync == 1:
        return trained
    model = recipe.make_model(dtype="float32" if mixed else trained.dtype_policy.name)
    model.build_from_config(trained.get_build_config())
    model.set_weights(trained.get_weights())
    return model


def default_strategy() -> tf.distribute.Strategy:
    """What "auto" is: the workers of TF_CONFIG, or else all GPUs, or else the CPU."""
    return make_strategy("auto")


def _ship(recipe, trained, resume, directory):
    """Evaluates and exports what was trained, and writes the rest of the entry."""
    model = shipped(recipe, trained)
    metadata = describe(recipe, model, resume)
    metadata["dtype"] = THEN.join(resume.trained_in) or trained.dtype_policy.name
    saved_model.export(model, directory / VERSION, metadata)
    replace(directory / "training.csv", resume.csv().encode())
    _draw(model, recipe, directory)
    write_card(directory, metadata, where=registry.address(directory))


def describe(recipe: Recipe, model: DensityModel, resume: Resume) -> dict[str, Any]:
    """All that the artifact says of itself: how it was made, and how good it is."""
    data = recipe.data.load()
    figures = evaluate(model, data, recipe.evaluation)
    return {
        "recipe": recipe.dump(),
        "metrics": figures | {"val_nll": resume.best_nll, "best_epoch": resume.best_epoch},
        "protocol": protocol(data, recipe.evaluation, model),
        "parameters": int(model.count_params()),
        "hardware": THEN.join(resume.trained_on),
        "hours": resume.seconds / 3600,
        "hours_before": resume.seconds_before / 3600,
        "seed": recipe.training.seed,
        "command": f"python -m zoo train {argument(recipe)}",
        "versions": saved_model.versions(),
    }


def hardware(strategy: tf.distribute.Strategy) -> str:
    """The devices that a strategy trains on, in words."""
    gpus = tf.config.list_physical_devices("GPU")
    if gpus:
        name = tf.config.experimental.get_device_details(gpus[0]).get("device_name", "GPU")
        return f"{strategy.num_replicas_in_sync} x {name}"
    replicas = f"{strategy.num_replicas_in_sync} x " if is_multi_worker(strategy) else ""
    cores = len(os.sched_getaffinity(0))
    return f"{replicas}{cores} core{'s' if cores > 1 else ''} of {processor_name()}"


def _draw(model: DensityModel, recipe: Recipe, directory: pathlib.Path) -> None:
    data, flip = recipe.data.load(), recipe.training.flip
    kinds = pictures.kinds(data, model)
    if not data.is_image:
        kinds.remove(pictures.TRAINING)
    for stale in {*TOP, *MORE} - {f"{kind}.png" for kind in kinds}:
        (directory / stale).unlink(missing_ok=True)
    for kind in kinds:
        output = directory / f"{kind}.png"
        pictures.draw(kind, model, data, directory / "training.csv", output, flip=flip)


def _validation_batch(recipe: Recipe, strategy: tf.distribute.Strategy) -> int:
    """Keras wants a first batch that the replicas can share equally."""
    size = min(recipe.evaluation.batch_size, recipe.data.load().size("validation"))
    size = min(size, recipe.training.validation_rows or size)
    return max(size - size % strategy.num_replicas_in_sync, 1)
