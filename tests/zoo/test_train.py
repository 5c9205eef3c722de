import copy
import csv
import errno
import os
import shutil
import signal

import keras
import numpy as np
import pytest
import tensorflow as tf

import zoo.train
from tests.processes import forked
from tests.zoo.conftest import TINY
from tfflows import saved_model
from tfflows.weight_paths import weight_paths
from zoo import registry
from zoo.evaluate import evaluate, mean_and_error
from zoo.lock import locked
from zoo.model_card import write_card
from zoo.recipe import DataRecipe, parse
from zoo.replace import replace
from zoo.resume import COLUMNS, Resume
from zoo.state_file import read_state, write_state
from zoo.train import default_strategy, fit


def tiny(model=None, **training):
    content = copy.deepcopy(TINY)
    content["model"] = model or content["model"]
    content["training"] |= training
    return parse(content)


DROPOUT = {
    "class": "RealNVP",
    "arguments": {"num_couplings": 2, "units": [8], "normalization": "batch", "dropout": 0.3},
}


def assert_same(one, other):
    for a, b in zip(one, other, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    ("model", "training"),
    [(TINY["model"], {}), (DROPOUT, {"use_ema": True, "weight_decay": 0.01})],
)
def test_killed_and_resumed_gives_the_weights_of_an_undisturbed_run(tmp_path, model, training):
    recipe = tiny(model, **training)
    undisturbed, whole = fit(recipe, tmp_path / "undisturbed", default_strategy())
    killed = forked.Process(target=_killed_after_one_epoch, args=(recipe, tmp_path / "killed"))
    killed.start()
    killed.join()
    assert killed.exitcode == -signal.SIGKILL
    assert (tmp_path / "killed" / "state.npz").exists()
    resumed, record = fit(recipe, tmp_path / "killed", default_strategy())
    assert_same(undisturbed.get_weights(), resumed.get_weights())
    assert_same(undisturbed.optimizer.variables, resumed.optimizer.variables)
    assert_same(np.array(whole.log)[:, :-1], np.array(record.log)[:, :-1])
    assert record.seconds >= record.log[0][-1]


def _killed_after_one_epoch(recipe, work):
    class Kill(Resume):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 1:
                os.kill(os.getpid(), signal.SIGKILL)

    zoo.train.Resume = Kill
    fit(recipe, work, default_strategy())


def test_the_best_weights_are_kept(tmp_path):
    recipe = tiny(epochs=6, learning_rate=0.1, schedule="constant")
    model, record = fit(recipe, tmp_path, default_strategy())
    nll = [row[3] for row in record.log]
    assert record.best_nll == pytest.approx(min(nll))
    assert record.best_epoch == 1 + int(np.argmin(nll))
    figures = evaluate(
        model,
        recipe.data.load(),
        recipe.evaluation.model_copy(update={"split": "validation", "seed": recipe.training.seed}),
    )
    assert -figures["log_prob"] == pytest.approx(min(nll), rel=1e-4)


def test_patience_stops(tmp_path):
    recipe = tiny(epochs=50, patience=2, learning_rate=0.5, schedule="constant")
    _, record = fit(recipe, tmp_path, default_strategy())
    assert record.epoch == record.best_epoch + 2 < 50
    _, again = fit(recipe, tmp_path, default_strategy())
    assert again.epoch == record.epoch


def test_patience_begins_anew_with_the_schedule(tmp_path):
    record = Resume(tmp_path / "state.npz", tiny(epochs=150, restarts=[100], patience=10))
    for done, exhausted in ((29, False), (30, True), (100, False), (109, False), (110, True)):
        record.log, record.best_epoch = [[0.0] * 6] * done, 20
        assert record.exhausted == exhausted


def test_a_restart_does_not_follow_what_patience_stopped(tmp_path):
    stopped = {"patience": 1, "learning_rate": 1e-30, "epochs": 5}
    _, record = fit(tiny(**stopped), tmp_path, default_strategy())
    assert record.exhausted and record.epoch < 5
    fit(tiny(**stopped), tmp_path, default_strategy())
    longer = tiny(**stopped | {"restarts": [5], "epochs": 9})
    with pytest.raises(ValueError, match="stopped by its patience after 2 validations"):
        fit(longer, tmp_path, default_strategy())


def test_without_a_finite_validation_there_is_nothing_to_ship(tmp_path, monkeypatch):
    kept = Resume.on_test_end
    monkeypatch.setattr(Resume, "on_test_end", lambda self, logs: kept(self, {"nll": np.inf}))
    for _ in range(2):  # trained, and gone on from
        with pytest.raises(ValueError, match="no validation gave a finite log-density"):
            fit(tiny(), tmp_path, default_strategy())


def test_two_processes_do_not_train_in_one_directory(tmp_path):
    with locked(tmp_path), pytest.raises(ValueError, match="is in use: another process trains"):
        zoo.train.train(tiny(), tmp_path / "tiny", work=tmp_path)
    assert not (tmp_path / "tiny" / "1").exists()


def test_a_directory_without_locks_is_worked_in_with_a_warning(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("zoo.lock.fcntl.flock", refuse)
    with pytest.warns(UserWarning, match="cannot be locked .No locks available"), locked(tmp_path):
        pass


def test_afresh_keeps_nothing_of_before(tmp_path):
    fit(tiny(), tmp_path, default_strategy())
    before = [tmp_path / "state.previous.npz", *(tmp_path / "tensorboard").rglob("events.*")]
    assert len(before) > 1 and all(file.exists() for file in before)
    fit(tiny(epochs=1), tmp_path, default_strategy(), fresh=True)
    assert not any(file.exists() for file in before)
    assert list((tmp_path / "tensorboard").rglob("events.*"))


def test_the_state_of_another_version_is_refused(tmp_path):
    fit(tiny(epochs=1), tmp_path, default_strategy())
    state = read_state(tmp_path / "state.npz")
    for changed in (
        {name: array for name, array in state.items() if name != "variable_1"},
        state | {"variable_1": np.zeros([77])},
        state | {f"variable_{sum(n.startswith('variable_') for n in state)}": np.zeros([])},
    ):
        write_state(tmp_path / "state.npz", changed)
        with pytest.raises(ValueError, match="saved by another version"):
            fit(tiny(epochs=1), tmp_path, default_strategy())


def test_the_state_of_another_recipe_is_refused_unless_afresh(tmp_path):
    fit(tiny(epochs=1), tmp_path, default_strategy())
    with pytest.raises(ValueError, match="another recipe"):
        fit(tiny(epochs=2), tmp_path, default_strategy())
    _, record = fit(tiny(epochs=2), tmp_path, default_strategy(), fresh=True)
    assert record.epoch == 2


def test_an_entry_of_another_recipe_is_replaced_only_if_afresh(entries, tmp_path):
    entry = shutil.copytree(entries / "tiny", tmp_path / "tiny")
    other = parse(TINY | {"training": {"epochs": 1, "batch_size": 5000}})
    before = (entry / "1" / "saved_model.pb").read_bytes()
    with pytest.raises(ValueError, match="trained by another recipe.*--fresh"):
        zoo.train.train(other, entry, work=tmp_path / "work")
    assert (entry / "1" / "saved_model.pb").read_bytes() == before
    (entry / "samples.png").write_bytes(b"of what was there")
    zoo.train.train(other, entry, work=tmp_path / "work", fresh=True)
    assert parse(saved_model.read(entry / "1")["metadata"]["recipe"]) == other
    assert not (entry / "samples.png").exists()


def test_the_card_of_an_entry_of_ones_own_has_commands_that_work(entries, tmp_path):
    entry = shutil.copytree(entries / "tiny", tmp_path / "my own" / "tiny")
    write_card(entry, registry.metadata(str(entry)), where=registry.address(entry))
    card = (entry / "README.md").read_text()
    texts = ["zoo train tiny.yaml", "the recipe below, saved as `tiny.yaml`;"]
    for text in (*texts, f"zoo evaluate '{entry}'", f'zoo.load("{entry}")'):
        assert text in card
    assert card.count(f'load("{entry / "1"}")') == 2
    assert registry.load(str(entry)).event_shape == registry.load(str(entry / "1")).event_shape


def test_a_place_that_cannot_be_read_is_refused_before_training(tmp_path):
    with pytest.raises(ValueError, match=r"cannot read from .*models\[2\]"):
        zoo.train.train(tiny(), tmp_path / "models[2]")


def test_a_restart_goes_on_where_the_shorter_training_ended(tmp_path):
    longer = tiny(epochs=3, restarts=[2], learning_rate=[1e-3, 2e-4])
    undisturbed, _ = fit(longer, tmp_path / "undisturbed", default_strategy())
    _, first = fit(tiny(epochs=2), tmp_path / "two", default_strategy())
    resumed, record = fit(longer, tmp_path / "two", default_strategy())
    assert (first.epoch, record.epoch) == (2, 3)
    rates = np.array(record.log)[:, COLUMNS.index("learning_rate")]
    assert rates.max() > 2e-4 >= rates[2]
    assert_same(undisturbed.get_weights(), resumed.get_weights())


def test_a_shipped_entry_is_gone_on_from(entries, tmp_path, monkeypatch):
    longer = tiny(epochs=3, restarts=[2])
    monkeypatch.setattr(zoo.train, "hardware", lambda strategy: "another machine")
    shipped = zoo.train.saved_model.load(entries / "tiny" / "1").get_weights()
    model, record = fit(longer, tmp_path, default_strategy(), start=entries / "tiny")
    with (entries / "tiny" / "training.csv").open() as file:
        log = [[float(value) for value in row] for row in list(csv.reader(file))[1:]]
    assert_same(record.log[:2], log)
    assert int(model.optimizer.iterations) == record.log[2][1] == 3 * log[0][1]
    assert record.best_nll <= log[1][3] + 1e-5
    assert any(np.any(a != b) for a, b in zip(shipped, model.get_weights()))
    _, again = fit(longer, tmp_path, default_strategy(), start=entries / "tiny")
    assert_same(record.log, again.log)
    first = zoo.train.saved_model.read(entries / "tiny" / "1")["metadata"]["hardware"]
    assert again.trained_on == [first, "another machine"]


def test_an_entry_of_another_recipe_is_not_gone_on_from(entries, tmp_path):
    with pytest.raises(ValueError, match="does not go on from"):
        fit(tiny(epochs=3), tmp_path, default_strategy(), start=entries / "tiny")
    other_rates = {"epochs": 3, "restarts": [2], "learning_rate": [2e-3, 1e-3]}
    with pytest.raises(ValueError, match="does not go on from"):
        fit(tiny(**other_rates), tmp_path, default_strategy(), start=entries / "tiny")


def test_a_training_begins_with_the_weights_of_another_entry(tiny_zoo, tmp_path):
    recipe = tiny(begins_with="tiny", epochs=1, learning_rate=1e-30)
    model, record = fit(recipe, tmp_path, default_strategy())
    before = saved_model.read(tiny_zoo / "tiny" / "1")["metadata"]
    assert_same(model.get_weights(), saved_model.load(tiny_zoo / "tiny" / "1").get_weights())
    assert record.best_nll == pytest.approx(before["metrics"]["val_nll"])
    assert (record.epoch, int(model.optimizer.iterations)) == (1, record.log[0][1])
    assert record.seconds > 3600 * before["hours"] > 0
    assert record.seconds_before == 3600 * before["hours"]
    assert record.trained_on[0] == before["hardware"]


def test_what_is_beyond_those_weights_is_initialized_behind_them(tiny_zoo, tmp_path):
    deeper = copy.deepcopy(TINY["model"])
    deeper["arguments"]["num_layers"] = 3
    options = {"epochs": 1, "learning_rate": 1e-30}
    afresh, _ = fit(tiny(deeper, **options), tmp_path / "afresh", default_strategy())
    begun, _ = fit(
        tiny(deeper, begins_with="tiny", **options), tmp_path / "begun", default_strategy()
    )
    tiny_weights = weight_paths(saved_model.load(tiny_zoo / "tiny" / "1"))
    own, unlike = weight_paths(begun), []
    for path, weight in weight_paths(afresh).items():
        if path in tiny_weights:
            np.testing.assert_allclose(own[path], tiny_weights[path], atol=1e-20)
        elif not np.allclose(own[path], weight, atol=1e-20):
            unlike.append(path)
    # Of the third layer, what is initialized by data: it sees what trained layers give.
    assert unlike == ["flow/normalization_2/loc", "flow/normalization_2/log_scale"]


def of_kernel(size, **training):
    arguments = {"units": 4, "num_blocks": 1, "num_levels": 1, "kernel_size": 1}
    arguments |= {"num_components": 2, "first_kernel_size": size}
    return parse(
        {
            "name": f"kernel_{size}",
            "model": {"class": "PixelCNNPlusPlus", "arguments": arguments},
            "data": {"name": "digit_images"},
            "training": {"epochs": 1, "batch_size": 100, "adapt_rows": 100} | training,
        }
    )


def test_a_convolution_that_sees_more_begins_as_one_that_sees_less(
    image_data, tmp_path, monkeypatch
):
    monkeypatch.setattr(registry, "PLACES", (tmp_path,))
    metadata = zoo.train.train(of_kernel(3), tmp_path / "kernel_3")
    begun = of_kernel(7, begins_with="kernel_3", learning_rate=1e-30)
    _, record = fit(begun, tmp_path / "begun", default_strategy())
    assert record.best_nll == pytest.approx(metadata["metrics"]["val_nll"], rel=1e-5)


def test_a_convolution_that_sees_less_is_refused(image_data, tmp_path, monkeypatch):
    monkeypatch.setattr(registry, "PLACES", (tmp_path,))
    more, less = (of_kernel(size).make_model() for size in (7, 3))
    for model in (more, less):
        model.build((None, 8, 8, 1))
    more.export(tmp_path / "kernel_7" / "1")
    with pytest.raises(ValueError, match=r"kernel_3 cannot begin with kernel_7, .* \(1, 3, 2, 4\)"):
        Resume(tmp_path / "state.npz", of_kernel(3)).begin_with(less, "kernel_7")


def test_a_model_without_all_of_those_weights_is_refused(tiny_zoo, tmp_path):
    wider = copy.deepcopy(TINY["model"])
    wider["arguments"]["units"] = [9]
    with pytest.raises(ValueError, match="cannot begin with tiny, of which it should have all"):
        fit(tiny(wider, begins_with="tiny"), tmp_path, default_strategy())


def test_an_unknown_entry_to_begin_with_is_refused_before_data_are_loaded(
    tiny_zoo, tmp_path, monkeypatch
):
    monkeypatch.setattr(DataRecipe, "load", lambda self: pytest.fail("loaded"))
    with pytest.raises(ValueError, match="tynee"):
        fit(tiny(begins_with="tynee"), tmp_path, default_strategy())


def test_two_replicas(tmp_path):
    cpus = tf.config.list_logical_devices("CPU")
    if len(cpus) < 2:
        pytest.skip("needs two logical devices")
    strategy = tf.distribute.MirroredStrategy([cpu.name for cpu in cpus[:2]])
    model, record = fit(tiny(epochs=1), tmp_path / "two", strategy)
    one, single = fit(tiny(epochs=1), tmp_path / "one", default_strategy())
    assert record.best_nll == pytest.approx(single.best_nll, rel=1e-3)


def test_entry(entries):
    metadata = saved_model.read(entries / "tiny" / "1")["metadata"]
    assert parse(metadata["recipe"]) == tiny()
    assert metadata["metrics"]["rows"] == 956
    assert metadata["hours"] > 0 and metadata["versions"]["keras"] == keras.__version__
    with (entries / "tiny" / "training.csv").open() as file:
        assert [row["epoch"] for row in csv.DictReader(file)] == ["1", "2"]
    card = (entries / "tiny" / "README.md").read_text()
    for text in ("## Figures", "## Limits", "python -m zoo train tiny", "CC BY 4.0", "zoo.load"):
        assert text in card
    assert any((entries / "tiny" / "training" / "tensorboard").rglob("events*"))


def test_replace_leaves_what_was_there(tmp_path, monkeypatch):
    file = tmp_path / "file"
    replace(file, b"old")

    def full(descriptor):
        raise OSError("No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        replace(file, b"new")
    assert file.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [file]


def test_mean_and_error():
    assert mean_and_error([1.0, 3.0]) == (2.0, 2.0)


def test_what_is_refused_afresh_leaves_the_state(entries, tmp_path):
    fit(tiny(), tmp_path, default_strategy())
    before = (tmp_path / "state.npz").read_bytes()
    with pytest.raises(ValueError, match="Unknown entry"):
        fit(tiny(), tmp_path, default_strategy(), fresh=True, start="nothing")
    assert (tmp_path / "state.npz").read_bytes() == before


def test_an_entry_is_gone_on_from_by_its_name(tiny_zoo, tmp_path):
    _, record = fit(tiny(epochs=3, restarts=[2]), tmp_path, default_strategy(), start="tiny")
    assert record.epoch == 3


def test_a_resumed_run_does_not_replace_an_entry_of_another_recipe(entries, tmp_path):
    entry, work = tmp_path / "tiny", tmp_path / "work"
    shutil.copytree(entries / "tiny", entry)
    other = tiny(learning_rate=2e-3, epochs=1)
    fit(other, work, default_strategy())
    with pytest.raises(ValueError, match="trained by another recipe.*--fresh"):
        zoo.train.train(other, entry, work=work)
    fit(other, work, default_strategy(), fresh=True)  # stopped before it was shipped
    zoo.train.train(other, entry, work=work)


def test_no_training_begins_with_a_model_that_has_no_recipe(tmp_path):
    model = tiny().make_model()
    model.build((None, 5))
    model.export(tmp_path / "own" / "1")
    begun = tiny(begins_with=str(tmp_path / "own"), epochs=1)
    with pytest.raises(ValueError, match="holds no recipe"):
        fit(begun, tmp_path / "work", default_strategy())
