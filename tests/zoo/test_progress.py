"""The lines that a long epoch prints."""

import re

from tfflows.models import DensityModel
from zoo.progress import Progress


class Model:
    is_discrete = False
    nats_per_bit = DensityModel.nats_per_bit


def lines(model, means, capsys):
    progress = Progress(seconds=0.0)
    progress.set_model(model)
    progress.set_params({"epochs": 3, "steps": 4})
    progress.on_epoch_begin(1)
    for batch, mean in enumerate(means):
        progress.on_train_batch_end(batch, {"nll": mean})
    return capsys.readouterr().out.splitlines()


def test_the_loss_is_that_since_the_last_line(capsys):
    found = lines(Model(), [4.0, 3.0, 2.0], capsys)  # of 4, 2 and 0
    assert [re.search(r"step (.*) nats", line)[1] for line in found] == [
        "1/4: 4.0000",
        "2/4: 2.0000",
        "3/4: 0.0000",
    ]
    assert all("epoch 2/3" in line and "s/step" in line for line in found)


def test_images_are_in_bits_per_dim(capsys):
    model = Model()
    model.is_discrete, model.event_shape = True, (2, 2, 1)
    (line,) = lines(model, [4 * 0.6931472], capsys)
    assert ": 1.0000 bits/dim" in line


def test_silent_until_it_is_time(capsys):
    progress = Progress(seconds=1e9)
    progress.on_epoch_begin(0)
    progress.on_train_batch_end(0, {"nll": 1.0})
    assert capsys.readouterr().out == ""
