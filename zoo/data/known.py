"""Names that a user may get wrong."""

import difflib
from collections.abc import Iterable


def check_known(kind: str, name: str, known: Iterable[str]) -> None:
    """Raises ValueError, with close matches and the known names, unless `name` is one of `known`.

    Args:
        kind: what is named, for the message: "data set", "split", ...
        name: what the user gave.
        known: the names there are.
    """
    known = list(known)
    if name in known:
        return
    close = difflib.get_close_matches(str(name), known)
    hint = f" Did you mean {' or '.join(map(repr, close))}?" if close else ""
    raise ValueError(f"Unknown {kind} {name!r}.{hint} Known: {', '.join(known) or 'none'}.")
