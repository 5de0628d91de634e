import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchstone.system.classes import ClassNames


@pytest.mark.parametrize(
    ("labels", "value", "index"),
    [
        (["benign", "malignant"], "malignant", 1),
        (["benign", "malignant"], " benign ", 0),
        (["benign", "malignant"], 1, 1),
        (["benign", "malignant"], "1", 1),
        (["benign", "malignant"], "1.0", 1),
        (["benign", "malignant"], True, 1),
        (["benign", "malignant"], 2, None),
        (["benign", "malignant"], -1, None),
        (["benign", "malignant"], "Benign", None),
        (["benign", "malignant"], "0.5", None),
        (["benign", "malignant"], float("nan"), None),
        (["benign", "malignant"], None, None),
        (["benign", "malignant"], "１", None),
        (["1", "2", "3"], 1, 0),
        (["1", "2", "3"], 0, None),
        (["1", "0"], "1", 0),
        (["False", "True"], True, 1),
    ],
)
def test_a_label_is_found_by_name_before_index(labels: list[str], value: object, index: int | None) -> None:
    assert ClassNames(labels).index_of(value) == index


@given(st.one_of(st.text(), st.floats(), st.integers(), st.booleans(), st.none()))
def test_any_value_is_a_class_or_unknown(value: object) -> None:
    assert ClassNames(["no", "yes"]).index_of(value) in (None, 0, 1)
