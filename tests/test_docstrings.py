"""The examples in the docstrings of `tfflows` and `zoo` run as they stand."""

import doctest
import importlib
import inspect
import math
import pkgutil
import tempfile

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow_probability import bijectors as tfb
from tensorflow_probability import distributions as tfd

import tfflows
import zoo

FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


def modules():
    found = []
    for package in (tfflows, zoo):
        names = (m.name for m in pkgutil.walk_packages(package.__path__, f"{package.__name__}."))
        inside = (name for name in names if not name.endswith("__main__"))
        found += [package, *map(importlib.import_module, inside)]
    return found


def scope():
    """What a reader of the examples is taken to have imported."""
    names = {
        "np": np,
        "tf": tf,
        "keras": keras,
        "tfb": tfb,
        "tfd": tfd,
        "math": math,
        "tfflows": tfflows,
        "zoo": zoo,
        "tempfile": tempfile,
    }
    packages = [value for value in vars(tfflows).values() if inspect.ismodule(value)]
    for package in [tfflows, *packages]:
        names |= {name: getattr(package, name) for name in getattr(package, "__all__", [])}
    return names


def examples():
    """The docstrings with examples; those of a module see, besides, what the module defines."""
    finder, public = doctest.DocTestFinder(), scope()
    found = {
        test.name: test
        for module in modules()
        for test in finder.find(module, globs=vars(module) | public)
        if test.examples
    }
    return list(found.values())


EXAMPLES = examples()


def test_there_are_examples():
    assert EXAMPLES


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_docstring(example):
    report = []
    doctest.DocTestRunner(optionflags=FLAGS).run(example, out=report.append)
    assert not report, "".join(report)
