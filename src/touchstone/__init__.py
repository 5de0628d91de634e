"""Touchstone (试金石) tests AI systems against a published standard and leaves evidence anyone can verify.

    >>> import touchstone
    >>> touchstone.__version__
    '0.1.0'

The calls of the main job, each importing what it needs only when used:

- :func:`open_system` opens a `system.yaml` without executing anything of it;
- :func:`announce` signs a plan whose seeds nobody can know yet;
- :func:`assess` tests it against a profile and writes an evidence bundle;
- :func:`verify` checks such evidence offline, with only a public key.
"""

from typing import TYPE_CHECKING, Any

from touchstone.version import __version__

if TYPE_CHECKING:
    from touchstone.api import announce, assess, open_system, verify

__all__ = ["__version__", "announce", "assess", "open_system", "verify"]


def __getattr__(name: str) -> Any:
    # The face is imported on first use, so that `import touchstone` costs no more than this file.
    if name in {"announce", "assess", "open_system", "verify"}:
        from touchstone import api

        return getattr(api, name)
    raise AttributeError(f"module 'touchstone' has no attribute {name!r}")
