"""What is promised about the packs of law has to be in them."""

from __future__ import annotations

import pytest

from tests.standard.test_packs import CHINESE, texts
from touchstone.standard.law import decision_tables, regimes

PACKS = [*(table.pack for table in decision_tables().values()), *(regime.pack for regime in regimes().values())]


@pytest.mark.parametrize("pack", PACKS, ids=lambda pack: pack.id)
def test_every_text_is_in_english_and_in_chinese(pack) -> None:
    found = list(texts(pack, pack.id))
    assert len(found) > 20
    assert [where for where, text in found if not text.en.strip() or CHINESE.search(text.en)] == []
    assert [where for where, text in found if not CHINESE.search(text.zh)] == []


@pytest.mark.parametrize("pack", PACKS, ids=lambda pack: pack.id)
def test_a_pack_says_when_it_has_to_be_read_again(pack) -> None:
    assert pack.as_of < pack.recheck_by


def test_a_number_that_is_in_no_instrument_stands_in_demonstrations_only() -> None:
    for regime in regimes().values():
        for entry in regime.pack.obligations:
            assert not entry.placeholder or regime.pack.demonstration
            assert not entry.placeholder or entry.confidence == "C"
