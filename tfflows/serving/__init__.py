from tfflows.serving.servable import Servable
from tfflows.serving.warm_up import write_warm_up

__all__ = ["Servable", "write_warm_up"]
