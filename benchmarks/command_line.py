"""The command line that benchmarks have in common."""

import argparse


def parser(name: str, description: str) -> argparse.ArgumentParser:
    """Of the benchmark `name`, whose description is shown as it is written."""
    return argparse.ArgumentParser(
        prog=f"python -m benchmarks.{name}",
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
