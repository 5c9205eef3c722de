"""The packages of the wheel; all else stands in setup.cfg, which cannot both find and map them.

The pretrained entries lie in saved_models/ at the top of the repository, and in the wheel
they are the package zoo.saved_models.
"""

from setuptools import find_namespace_packages, setup

# Namespace packages too: a folder without __init__.py is imported from a checkout, so it has to
# be in the wheel.
found = find_namespace_packages(
    include=["tfflows", "tfflows.*", "zoo", "zoo.*"], exclude=["*__pycache__*"]
)
setup(
    packages=[*found, "zoo.saved_models"],
    package_dir={"zoo.saved_models": "saved_models"},
)
