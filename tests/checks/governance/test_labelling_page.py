"""The registers and the outputs of the how-to page are read, and are labelled as the page says."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from tests.checks.governance.registered import MODEL
from tests.checks.running import InProcessRun, codes, metric
from tests.system.made import describe, make
from touchstone.checks.governance.labelling import labelling
from touchstone.checks.least_samples import LeastSamples
from touchstone.documents import parse_yaml
from touchstone.system.registers.content_labels import ContentLabels
from touchstone.system.registers.kinds import REGISTERS

PAGE = (Path(__file__).parents[3] / "docs/how-to/content-labels.md").read_text(encoding="utf-8")
BLOCKS = dict(re.findall(r"```yaml\n# (\S+)\n(.*?)```", PAGE, re.DOTALL))
[TEXT] = re.findall(r"```markdown\n(.*?)```", PAGE, re.DOTALL)


def test_the_example_is_labelled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("touchstone.checks.governance.labelling.labelling_controls", lambda *_: ())
    system: dict[str, Any] = parse_yaml(BLOCKS["system.yaml"].encode(), "system.yaml").value
    assert set(system["registers"]) == set(BLOCKS) - {"system.yaml"} <= REGISTERS.keys()
    files = {path: BLOCKS[kind].encode() for kind, path in system["registers"].items()}
    files |= {"exports/0001.md": TEXT.encode(), "exports/0002.txt": "答案是 42。\n由示例助手AI生成".encode()}
    description = describe(columns=["a"], format_="onnx", file="model.onnx", labels=["healthy", "ill"])
    subject = make(tmp_path, description | system, {"model.onnx": MODEL, **files})
    assert "exports/0001.md" in {record.path for record in subject.files}
    found = labelling.function(subject, LeastSamples(n_min=2), InProcessRun())
    assert codes(found) == ["label-stated"]
    for name in ("explicit_label_present", "implicit_label_present"):
        assert metric(found, name).value == 1
        assert metric(found, name).n == 2


def test_every_field_is_explained() -> None:
    assert [name for name in ContentLabels.model_fields if f"`{name}`" not in PAGE] == []
