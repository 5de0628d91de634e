"""A small system with every file it names, to be broken in one way at a time."""

from __future__ import annotations

from pathlib import Path

SYSTEM_YAML = """\
schema: touchstone.system/v1
system:
  name: pump-watch
  version: "1.0"
  supplier: {name: Example Ltd., country: CN}
  intended_use: demonstration
  sector: manufacturing
  synthetic: true
facts:
  data.personal: false
model:
  format: onnx
  access: artefact
  file: model.onnx
  input:
    kind: tabular
    columns: [a, b]
    low: 0
    high: 1.5
  output:
    kind: logits
    labels: ["no", "yes"]
    positive: "yes"
data:
  test:
    path: test.csv
    format: csv
    target: y
    origin: made up
documents:
  - path: notes/plan.md
    controls: [GA-01]
    title: plan
"""


def write_system(folder: Path, *changes: tuple[str, str]) -> Path:
    """Write the system into `folder`, with each `(old, new)` replaced in its description."""
    text = SYSTEM_YAML
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    (folder / "notes").mkdir(exist_ok=True)
    (folder / "notes" / "plan.md").write_text("# plan\n")
    (folder / "model.onnx").write_bytes(b"\x08\x08 not really a model")
    (folder / "test.csv").write_text("a,b,y\n0.5,1,yes\n0.1,0,no\n")
    path = folder / "system.yaml"
    path.write_text(text, encoding="utf-8")
    return path
