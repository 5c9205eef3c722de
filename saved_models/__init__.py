"""The pretrained entries: NAME/1/ is a SavedModel, NAME/README.md its card.

Installed as the package ``zoo.saved_models``.
"""
