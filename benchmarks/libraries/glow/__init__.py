"""Glow in the libraries that have its parts, each module with ``build`` as in the folder above."""
