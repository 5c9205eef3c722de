"""The data sets by name."""

import functools
import inspect
from collections.abc import Callable

from zoo.data.data_set import DataSet
from zoo.data.digits import digits
from zoo.data.images import SHAPES, images
from zoo.data.known import check_known
from zoo.data.maf_paper.bsds300 import bsds300
from zoo.data.maf_paper.gas import gas
from zoo.data.maf_paper.hepmass import hepmass
from zoo.data.maf_paper.miniboone import miniboone
from zoo.data.maf_paper.power import power
from zoo.data.tables import DESCRIPTIONS, table
from zoo.data.toys import TOYS, toy

CATALOGUE: dict[str, Callable[..., DataSet]] = {
    **{name: functools.partial(table, name) for name in DESCRIPTIONS},
    **{name: functools.partial(toy, name) for name in TOYS},
    "digits": digits,
    **{name: functools.partial(images, name) for name in SHAPES},
    "power": power,
    "gas": gas,
    "hepmass": hepmass,
    "miniboone": miniboone,
    "bsds300": bsds300,
}


def names() -> list[str]:
    """The names that `load` knows, sorted."""
    return sorted(CATALOGUE)


def load(name: str, **options) -> DataSet:
    """A data set by its name; no examples are read before they are asked for.

    Args:
        name: one of `names()`.
        **options: image sets take `data_dir` and `download`; the five sets of the MAF paper
            (power, gas, hepmass, miniboone, bsds300) take `directory`, gas also `allow_pickle`.

    Raises:
        ValueError: for a name or an option that is not known.
    """
    check_known("data set", name, names())
    known = _options(CATALOGUE[name])
    for option in options:
        check_known(f"option of {name}", option, known)
    return CATALOGUE[name](**options)


def _options(make: Callable[..., DataSet]) -> list[str]:
    parameters = inspect.signature(make).parameters.values()
    return [parameter.name for parameter in parameters if parameter.kind is parameter.KEYWORD_ONLY]
