"""Paths that lead out of a folder, on any system."""

from __future__ import annotations

import pytest

from tests.scan.formats.graphs import OUTSIDE
from touchstone.scan.external_paths import leads_out


@pytest.mark.parametrize("path", [*OUTSIDE, "a/..", "w.bin\x00../x", "file:w", "gs://bucket/w", "c:w"])
def test_out(path: str) -> None:
    assert leads_out(path)


@pytest.mark.parametrize(
    "path", ["w.bin", "a/b/w.bin", "./w.bin", "a..b", "..w", "layer/kernel:0", "", "a~", "权重.bin"]
)
def test_within(path: str) -> None:
    assert not leads_out(path)
