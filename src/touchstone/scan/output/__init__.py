"""A result in the formats people and other programs read. Each is drawn from the result alone, and is the same bytes
for the same result; none is imported before it is asked for."""

from __future__ import annotations
