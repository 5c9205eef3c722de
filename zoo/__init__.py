"""Pretrained normalizing flows, their recipes, and the data that they are trained on."""

from zoo.registry import card, load, names

__all__ = ["card", "load", "names"]
