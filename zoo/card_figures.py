"""The part of a card that says how good the entry is, for vectors and for images."""

from __future__ import annotations

from typing import Any

import zoo.data

VECTOR = """\
| model | {split} log-density (nats) |
| --- | --- |
| **{name}** | **{log_prob:.3f} ± {log_prob_2se:.3f}** |
| Gaussian of full covariance{per_class} | {gaussian_log_prob:.3f} ± {gaussian_log_prob_2se:.3f} |

Protocol: {protocol}. Two standard errors of the difference, row by row: {difference_2se:.3f}.{bits}
Both rows are computed by
"""

IMAGE = """\
**{bits_per_dim:.3f} ± {bits_per_dim_2se:.3f} bits per dimension** on the {split} split.

| model | bits per dimension | this entry is | source | protocol |
| --- | ---: | ---: | --- | --- |
| **{name}** | **{bits_per_dim:.3f}** | | this card | as below |
{tightened}{yardsticks}| Gaussian of full covariance{per_class} | {gaussian_bits_per_dim:.3f} | \
{gaussian_gap} | this card | same rows, uniform noise |

Protocol: {protocol}. In nats per image: {log_prob:.2f} ± {log_prob_2se:.2f}.
The rows of this card are computed by
"""

TIGHTENED = """\
| the same | {importance_bits_per_dim:.3f} ± {importance_bits_per_dim_2se:.3f} | \
| this card | as below, {num_importance_samples} importance samples |
"""


def figures(metadata: dict[str, Any], data: zoo.data.DataSet) -> str:
    """The figures of the artifact with this metadata, in Markdown."""
    recipe, metrics = metadata["recipe"], metadata["metrics"]
    common = {
        **metrics,
        "name": recipe["name"],
        "split": recipe["evaluation"]["split"],
        "protocol": metadata["protocol"],
        "per_class": ", one mean a class" if recipe["data"]["labels"] else "",
    }
    if not data.is_image:
        return VECTOR.format(**common, bits=_bits(metrics))
    ours, samples = metrics["bits_per_dim"], recipe["evaluation"]["num_importance_samples"]
    by_samples, tightened = {1: ours}, ""
    if "importance_bits_per_dim" in metrics:
        by_samples[samples] = metrics["importance_bits_per_dim"]
        tightened = TIGHTENED.format(**metrics, num_importance_samples=samples)
    return IMAGE.format(
        **common,
        tightened=tightened,
        yardsticks="".join(_yardstick(by_samples, row) for row in recipe["yardsticks"]),
        gaussian_gap=gap(ours, metrics["gaussian_bits_per_dim"]),
    )


def gap(ours: float, figure: float) -> str:
    """How far our bits per dimension are from a figure, in words; less is better."""
    difference = round(ours - figure, 3)
    return f"{abs(difference):.3f} {'worse' if difference > 0 else 'better'}"


def _yardstick(ours: dict[int, float], yardstick: dict[str, Any]) -> str:
    """Its row, compared with our figure of as many importance samples, or of fewer if need be."""
    figure = yardstick["figure"]
    samples = yardstick.get("num_importance_samples", 1)
    own = ours[max(count for count in ours if count <= samples)]
    cells = [yardstick["name"], f"{figure:g}", gap(own, figure)]
    cells += [yardstick["source"], yardstick["protocol"]]
    return f"| {' | '.join(cells)} |\n"


def _bits(metrics: dict[str, float]) -> str:
    if "bits_per_dim" not in metrics:
        return ""
    return f" The model's bound is {metrics['bits_per_dim']:.3f} bits per dimension."
