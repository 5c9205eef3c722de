"""`python -m zoo`."""

import os

from zoo.cli import main

if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # less of what TensorFlow says at its start
    main()
