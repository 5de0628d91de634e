import io

import numpy as np
import pytest
from PIL import Image

from touchstone.checks.system_resilience.pictures import MOST_ACROSS, arrays_file, picture_sheet


@pytest.mark.parametrize(("columns", "across", "bands"), [(1, 1, 1), (MOST_ACROSS, MOST_ACROSS, 1), (25, 12, 3)])
def test_many_columns_go_on_in_a_band_below(columns: int, across: int, bands: int) -> None:
    """Each column is of one grey, so that every one of them can be found in the sheet."""
    greys = [(10 + 9 * index) / 255 for index in range(columns)]
    sheet = picture_sheet({f"grey_{index}": [np.full((1, 8, 8), grey, np.float32)] for index, grey in enumerate(greys)})
    seen = Image.open(io.BytesIO(sheet))
    assert seen.width == across * 68 - 4
    assert seen.height == bands * (28 + 68) - 4
    assert {round(255 * grey) for grey in greys} <= set(np.asarray(seen.convert("L")).ravel().tolist())


def test_equal_arrays_are_equal_bytes() -> None:
    content = {"a": np.arange(3), "b": np.zeros((2, 2), np.float32)}
    assert arrays_file(content) == arrays_file(content)
    assert np.load(io.BytesIO(arrays_file(content)), allow_pickle=False)["a"].tolist() == [0, 1, 2]
