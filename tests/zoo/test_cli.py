import json
import shutil
import sys

import numpy as np
import pytest
import yaml
from typer.testing import CliRunner

import tfflows
from tests.zoo.conftest import TINY
from zoo import cli, readme_table, registry

COMMANDS = [
    "list",
    "show",
    "train",
    "launch",
    "cost",
    "evaluate",
    "sample",
    "export",
    "export-again",
]
COMMANDS += ["serve", "plot"]


def run(*arguments):
    result = CliRunner().invoke(cli.app, list(map(str, arguments)), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_help(command):
    assert "Usage" in run(command, "--help")


def main(monkeypatch, *arguments):
    """The exit code of the command line as a process runs it."""
    monkeypatch.setattr(sys, "argv", ["zoo", *arguments])
    with pytest.raises(SystemExit) as exit:
        cli.main()
    return exit.value.code


def test_a_stopped_training_says_how_it_goes_on(monkeypatch, capsys):
    def interrupted(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr("zoo.train.train", interrupted)
    assert main(monkeypatch, "train", "realnvp_power_plant") == 130
    assert capsys.readouterr().err.endswith("goes on from the last validation\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["show"], "missing argument 'name'"),
        (["list", "--nothing"], "no such option: --nothing"),
        (["sample", "tiny", "-n", "0"], "invalid value for '-n'"),
        (["sample", "tiny", "-n", "many"], "invalid value for '-n'"),
        (["nothing"], "no such command 'nothing'"),
        (["show", "tiny", "other"], "unexpected extra argument"),
    ],
)
def test_errors_of_usage_are_one_line_and_a_code_of_their_own(
    arguments, message, monkeypatch, capsys
):
    assert main(monkeypatch, *arguments) == 2
    error = capsys.readouterr().err.lower()
    assert error.startswith("error: ") and message in error and error.count("\n") == 1


def test_without_a_command_there_is_help(monkeypatch, capsys):
    assert not main(monkeypatch)
    assert "Usage" in capsys.readouterr().out


def test_an_exit_code_is_that_of_the_process(monkeypatch):
    monkeypatch.setattr("zoo.launch.run", lambda command, workers: 3)
    assert main(monkeypatch, "launch", "list") == 3


def test_workers_that_are_started_again_go_on(monkeypatch):
    commands = []
    monkeypatch.setattr("zoo.launch.run", lambda command, workers: commands.append(command) or 1)
    assert main(monkeypatch, "launch", "--restarts", "1", "train", "tiny", "--fresh") == 1
    first, second = (command[3:] for command in commands)
    assert first == ["train", "tiny", "--fresh"] and second == ["train", "tiny"]


def test_list(tiny_zoo):
    (row,) = json.loads(run("list", "--json"))
    assert row["name"] == "tiny" and row["model"] == "MAF" and row["data"] == "power_plant"
    assert "tiny" in run("list")


def test_show(tiny_zoo):
    assert run("show", "tiny").startswith("# tiny")
    assert json.loads(run("show", "tiny", "--json"))["recipe"]["name"] == "tiny"


def test_evaluate_gives_the_figures_of_the_card(tiny_zoo):
    metrics = json.loads(run("show", "tiny", "--json"))["metrics"]
    figures = json.loads(run("evaluate", "tiny", "--json"))
    assert figures == pytest.approx({key: metrics[key] for key in figures}, rel=1e-4)
    assert "test split of power_plant" in run("evaluate", "tiny")


def test_sample(tiny_zoo, tmp_path):
    rows = np.array(json.loads(run("sample", "tiny", "-n", 3, "--json")))
    assert rows.shape == (3, 5)
    lines = run("sample", "tiny", "-n", 3).splitlines()
    np.testing.assert_allclose([[*map(float, x.split(","))] for x in lines], rows, rtol=1e-4)
    run("sample", "tiny", "-n", 3, "--output", tmp_path / "x.npy")
    np.testing.assert_allclose(np.load(tmp_path / "x.npy"), rows, rtol=1e-5)


def test_many_samples_are_drawn_in_batches(tiny_zoo, tmp_path, monkeypatch):
    monkeypatch.setattr(cli, "BATCH", 4)
    run("sample", "tiny", "-n", 10, "--output", tmp_path / "x.npy")
    x = np.load(tmp_path / "x.npy")
    assert x.shape == (10, 5) and len(np.unique(x[:, 0])) == 10
    assert (
        run("sample", "tiny", "-n", 10).splitlines()[:4]
        == run("sample", "tiny", "-n", 4).splitlines()
    )


def test_export(tiny_zoo, tmp_path):
    run("export", "tiny", tmp_path / "copy")
    assert (tmp_path / "copy" / "saved_model.pb").exists()


def test_export_of_what_is_there_already(tiny_zoo, tmp_path, monkeypatch):
    with pytest.raises(FileExistsError, match="next version"):
        run("export", "tiny", tmp_path)
    copy = tmp_path / "saved_models"
    shutil.copytree(tiny_zoo, copy)
    monkeypatch.setattr(registry, "PLACES", (copy,))
    x = np.zeros([4, 5], np.float32)
    before, card = registry.load("tiny").log_prob(x), registry.card("tiny")
    metadata = registry.metadata("tiny")
    extra = copy / "tiny" / "1" / "assets.extra"  # as if written before there were such
    (extra / "tf_serving_warmup_requests").unlink()
    lines = (extra / "SHA256SUMS").read_text().splitlines(keepends=True)
    (extra / "SHA256SUMS").write_text("".join(x for x in lines if "tf_serving" not in x))
    assert run("export-again", "tiny") == f"{copy / 'tiny' / '1'}\n"
    assert (copy / "tiny" / "1" / "assets.extra" / "tf_serving_warmup_requests").stat().st_size
    np.testing.assert_array_equal(registry.load("tiny").log_prob(x), before)
    assert registry.metadata("tiny") == metadata
    assert registry.card("tiny") == card


@pytest.mark.parametrize("command", ["evaluate", "plot", "export-again"])
def test_a_model_that_was_not_trained_here_is_an_error_of_one_line(
    command, tmp_path, monkeypatch, capsys
):
    model = tfflows.RealNVP(1, (4,))
    model.build((None, 2))
    model.export(tmp_path / "1")
    before = (tmp_path / "1" / "assets.extra" / "SHA256SUMS").stat().st_mtime_ns
    assert main(monkeypatch, command, str(tmp_path / "1")) == 1
    assert "holds no recipe" in (error := capsys.readouterr().err) and error.count("\n") == 1
    assert (tmp_path / "1" / "assets.extra" / "SHA256SUMS").stat().st_mtime_ns == before


def test_models_exported_by_hand_are_not_among_the_entries(tiny_zoo, tmp_path, monkeypatch):
    model = tfflows.RealNVP(2, (4,))
    model.build((None, 2))
    model.export(tmp_path / "own" / "1")
    shutil.copytree(tiny_zoo / "tiny", tmp_path / "tiny")
    monkeypatch.setattr(registry, "PLACES", (tmp_path,))
    assert [row["name"] for row in json.loads(run("list", "--json"))] == ["tiny"]
    assert "| [tiny](" in readme_table.table() and "own" not in readme_table.table()
    assert registry.names() == ["own", "tiny"]


def test_an_exported_copy_has_no_plot_of_its_training(tiny_zoo, tmp_path, monkeypatch, capsys):
    run("export", "tiny", tmp_path / "copy" / "1")
    (tmp_path / "v1.2").mkdir()
    assert run("plot", tmp_path / "copy" / "1", tmp_path / "v1.2") == ""
    where = str(tmp_path / "copy" / "1")
    assert main(monkeypatch, "plot", where, "--kind", "training") == 1
    assert main(monkeypatch, "export", "tiny", str(tmp_path / "a[2]" / "1")) == 1
    assert "Use another path" in capsys.readouterr().err


def test_plot_of_the_training(tiny_zoo, tmp_path):
    run("plot", "tiny", tmp_path / "curve.png", "--kind", "training")
    assert (tmp_path / "curve.png").read_bytes().startswith(b"\x89PNG")


def test_plots_of_all_kinds(tiny_zoo, tmp_path):
    assert run("plot", "tiny", tmp_path / "all").split() == [str(tmp_path / "all" / "training.png")]


def test_images(image_zoo, tmp_path):
    assert run("list").endswith(" bits/dim\n")
    (row,) = json.loads(run("list", "--json"))
    assert f"{row['bits_per_dim']:.3f}" in run("list")
    assert len(run("sample", "tiny_images", "-n", 2, "--label", 3).splitlines()[1].split(",")) == 64
    run("plot", "tiny_images", tmp_path / "grid.png", "--kind", "samples")
    assert (tmp_path / "grid.png").read_bytes().startswith(b"\x89PNG")
    (line,) = readme_table.table().splitlines()[-1:]
    assert line.startswith("| [tiny_images](") and line.endswith("| Other: 2.5 |")


def test_a_label_that_is_none_is_an_error_of_one_line(image_zoo, monkeypatch, capsys):
    assert main(monkeypatch, "sample", "tiny_images", "--label", "10") == 1
    error = capsys.readouterr().err
    assert error.startswith("error: ") and "labels from 0 to 9. Received: 10" in error


def test_train(tmp_path):
    recipe = tmp_path / "tiny.yaml"
    content = {**TINY, "data": {"name": "moons"}, "training": {"epochs": 1, "batch_size": 5000}}
    recipe.write_text(yaml.safe_dump(content))
    paths = "--output", tmp_path / "saved_models", "--runs", tmp_path / "runs"
    first = json.loads(run("train", recipe, *paths, "--json", "--batch-parts", "2"))
    again = json.loads(run("train", recipe, *paths, "--json"))
    assert first == again
    entry = tmp_path / "saved_models" / "tiny"
    assert (entry / "1" / "saved_model.pb").exists()
    assert (entry / "density.png").read_bytes().startswith(b"\x89PNG")
    assert "(density.png)" in (entry / "README.md").read_text()


@pytest.mark.parametrize(
    "arguments",
    [
        ["show", "nothing"],
        ["train", "nothing"],
        ["train", "nothing.yaml"],
        ["plot", "tiny", "x.png"],
        ["plot", "tiny", "x.png", "--kind", "graph"],
        ["plot", "tiny", "x.png", "--kind", "samples"],
        ["sample", "tiny", "--label", "1"],
        ["sample", "tiny", "--output", "samples.csv"],
    ],
)
def test_errors_are_one_line(tiny_zoo, monkeypatch, capsys, arguments):
    assert main(monkeypatch, *arguments) == 1
    output = capsys.readouterr()
    assert output.err.startswith("error: ") and output.err.count("\n") == 1
