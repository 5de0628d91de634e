"""Every kind of register that is known, by the name it has under `registers:` in `system.yaml`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from touchstone.system.registers.entry import Entry

_KINDS: tuple[type[Entry], ...] = ()

REGISTERS: Mapping[str, type[Entry]] = MappingProxyType({kind.register: kind for kind in _KINDS})
