"""All the pictures that there are of an entry."""

from __future__ import annotations

import pathlib
import tempfile

from tfflows.models import DensityModel, FlowModel
from zoo import plots
from zoo.data import DataSet
from zoo.replace import replace

TRAINING = "training"
"""The learning curve, which is drawn from the log and not from the model."""
FORMATS = ".png", ".pdf", ".svg"

OF_IMAGES = {
    "samples": plots.samples,
    "interpolations": plots.interpolations,
    "nearest_neighbours": plots.nearest_neighbours,
    "pixel_values": plots.pixel_values,
}
OF_POINTS = {"density": plots.density}


def kinds(data: DataSet, model: DensityModel) -> list[str]:
    """The names of the pictures that can be drawn of a model of this data."""
    is_flow = isinstance(model, FlowModel)
    can = {
        "interpolations": is_flow,
        "pixel_values": is_flow and model.dequantization is not None,
    }
    return [*(kind for kind in _of_models(data) if can.get(kind, True)), TRAINING]


def draw(
    kind: str,
    model: DensityModel,
    data: DataSet,
    log: pathlib.Path,
    output: pathlib.Path,
    seed: int = 0,
    flip: bool = False,
) -> None:
    """Draws one picture.

    Args:
        kind: one of `kinds(data, model)`.
        model: of the entry.
        data: that it is trained on.
        log: its `training.csv`.
        output: the file.
        seed: of samples and choices.
        flip: whether the model was trained on mirror images too.
    """
    if output.suffix not in FORMATS:
        raise ValueError(
            f"`output` should end in {', '.join(FORMATS)}. Received: output={str(output)!r}."
        )
    with tempfile.TemporaryDirectory() as directory:
        picture = pathlib.Path(directory) / output.name
        if kind == TRAINING:
            plots.learning_curve(log, picture, data)
        else:
            options = {"flip": flip} if kind == "nearest_neighbours" else {}
            _of_models(data)[kind](model, data, picture, seed, **options)
        replace(output, picture.read_bytes())


def _of_models(data: DataSet) -> dict:
    if data.is_image:
        return OF_IMAGES
    return OF_POINTS if data.plot_range is not None else {}
