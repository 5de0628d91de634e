from __future__ import annotations

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from touchstone.methods.content.lot import drawn


def test_the_lot_can_be_drawn_by_hand() -> None:
    places = {row: hashlib.sha256(b"sha256:ab/%d" % row).hexdigest() for row in range(100)}
    assert drawn("sha256:ab", 100, 10) == sorted(places, key=lambda row: places[row])[:10]


@given(digest=st.text(), rows=st.integers(0, 60), size=st.integers(0, 80))
def test_rows_are_drawn_once_and_a_larger_lot_holds_a_smaller(digest: str, rows: int, size: int) -> None:
    lot = drawn(digest, rows, size)
    assert len(set(lot)) == len(lot) == min(rows, size)
    assert set(lot) <= set(range(rows))
    assert drawn(digest, rows, size + 1)[: len(lot)] == lot


def test_another_corpus_has_another_lot() -> None:
    assert drawn("sha256:ab", 1000, 20) != drawn("sha256:ac", 1000, 20)
