"""Results as text: a row a library, and how we compare with the fastest peer."""

from typing import Any

from benchmarks.libraries import WORKS

Row = dict[str, Any]


def table(rows: list[Row]) -> str:
    """Median milliseconds, the fastest block in brackets."""
    lines = [f"{'library':20}{'parameters':>12}" + "".join(f"{work:>22}" for work in WORKS)]
    for row in rows:
        if row["error"]:
            lines.append(f"{row['name']:20}  {row['error']}")
            continue
        cells = [_cell(row, work) for work in WORKS]
        lines.append(f"{row['name']:20}{row['parameters']:>12,}" + "".join(cells))
    return "\n".join([*lines, "milliseconds: median of the blocks (fastest block)"])


def _cell(row: Row, work: str) -> str:
    if work not in row["median_ms"]:
        return f"{'-':>22}"
    return f"{row['median_ms'][work]:>12.2f} ({row['min_ms'][work]:7.2f})"


def ratios(rows: list[Row]) -> str:
    """Our time over the fastest peer's, by medians, for each of our rows."""
    done = [row for row in rows if not row["error"]]
    lines = []
    for work in WORKS:
        peers = [row for row in done if not row["ours"] and work in row["median_ms"]]
        if not peers:
            continue
        fastest = min(peers, key=lambda row: row["median_ms"][work])
        best = fastest["median_ms"][work]
        ours = [row for row in done if row["ours"] and work in row["median_ms"]]
        text = ", ".join(f"{row['name']} {row['median_ms'][work] / best:.3f}" for row in ours)
        lines.append(
            f"{work}: fastest peer {fastest['name']} {best:.2f} ms"
            + "; ours / peer: " * bool(ours)
            + text
        )
    return "\n".join(lines)
