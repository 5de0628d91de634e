import pytest

from touchstone.checks.registry import installed_checks
from touchstone.standard.catalog import load_standard
from touchstone.standard.units import unit, with_unit
from touchstone.text import Text


def test_every_unit_has_words_in_both_languages() -> None:
    units = {metric.unit for check in installed_checks().values() for metric in check.metrics}
    units |= {limit.unit for control in load_standard().controls.values() for limit in control.entry.limits}
    same = {name for name in units if unit(name).zh == unit(name).en}
    assert same <= {"epsilon", "z_score", "mad_score", "score"}, "symbols are the same everywhere"


@pytest.mark.parametrize(
    ("number", "name", "said"),
    [
        ("1", "persons", Text("1 person", "1 人")),
        ("1", "parties", Text("1 party", "1 个参与方")),
        ("2", "working_days", Text("2 working days", "2 个工作日")),
        ("0.4 [0.3, 0.5]", "seconds", Text("0.4 [0.3, 0.5] seconds", "0.4 [0.3, 0.5] 秒")),
        ("0", "level", Text("0", "0")),
        ("0.5", "share_of_files", Text("0.5", "0.5")),
    ],
)
def test_a_number_has_its_unit_only_where_its_name_does_not_say_it(number: str, name: str, said: Text) -> None:
    assert with_unit(number, name) == said
