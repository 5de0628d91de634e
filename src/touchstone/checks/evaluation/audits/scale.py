"""Which quantities lie on the scale from 0 to 1, so that their widths and differences can be compared."""

from __future__ import annotations

_UNITS = frozenset({"points", "auc", "ece"})


def on_unit_scale(unit: str) -> bool:
    """Whether a unit is a share of something, or a difference of such shares.

    >>> on_unit_scale("share_of_files"), on_unit_scale("seconds")
    (True, False)
    """
    return unit in _UNITS or unit == "share" or unit.startswith("share_of_")
