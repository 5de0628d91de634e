"""The how-to page on collaborative training: its declaration and its registers are read, and come to what it says."""

from __future__ import annotations

import re
from pathlib import Path

import yaml

from touchstone.checks.data_security.collaboration_cohorts import Opened, audited
from touchstone.methods.federated.cohorts import exposed_parties
from touchstone.system.description import Collaboration
from touchstone.system.registers.collaboration_rounds import CollaborationRound
from touchstone.system.registers.kinds import REGISTERS
from touchstone.system.registers.reading import parse_register

PAGE = (Path(__file__).parents[3] / "docs/how-to/test-collaborative-training.md").read_text(encoding="utf-8")
BLOCKS = dict(re.findall(r"```yaml\n# ([^\n]+)\n(.*?)```", PAGE, re.DOTALL))
WHOLE = yaml.safe_load(BLOCKS["system.yaml"])
DECLARED = Collaboration.model_validate(WHOLE["training"]["collaboration"])


def rounds(name: str) -> tuple[CollaborationRound, ...]:
    return parse_register(BLOCKS[name].encode(), "rounds.yaml", CollaborationRound)


def test_the_register_is_known_and_whole() -> None:
    assert set(WHOLE["registers"]) <= REGISTERS.keys()
    found = audited(Opened(DECLARED, rounds("collaboration-rounds")))
    assert {each.id: each.value for each in found.metrics} == {"min_cohort": 8}
    assert not found.notes


def test_a_second_sum_exposes_the_party_that_the_page_names() -> None:
    both = (*rounds("collaboration-rounds"), *rounds("collaboration-rounds, opened again"))
    sums = DECLARED.model_copy(update={"server_sees": "sums"})
    found = audited(Opened(sums, both))
    assert {each.id: each.value for each in found.metrics}["min_cohort"] == 1
    assert "p8 (2)" in next(note.text.en for note in found.notes if note.code == "exposed-party")
    assert exposed_parties(frozenset(each.summed) for each in both if each.round == 2) == {"p8"}
    assert {each.id: each.value for each in audited(Opened(DECLARED, both)).metrics} == {"min_cohort": 7}
