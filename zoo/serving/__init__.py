from zoo.serving.app import make_app
from zoo.serving.run import run
from zoo.serving.served_model import ServedModel

__all__ = ["ServedModel", "make_app", "run"]
