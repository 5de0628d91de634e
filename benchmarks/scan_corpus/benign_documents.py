"""Texts that lie beside models: notebooks, requirements, configurations, cards, scripts, tables, pictures."""

from __future__ import annotations

import json
from typing import Any, Final

from benign_room import SEED, Room

FILES: Final = {
    "requirements/plain/requirements.txt": """\
numpy>=1.26
torch==2.13.0
# a comment
transformers[torch]>=5,<6
""",
    "requirements/hashes/requirements.txt": """\
six==1.17.0 \\
    --hash=sha256:0000000000000000000000000000000000000000000000000000000000000000
requests; python_version > '3.9'
""",
    "requirements/nested/requirements-dev.txt": """\
-r requirements.txt
-c constraints.txt
pytest
""",
    "docker/cuda/Dockerfile": """\
# syntax=docker/dockerfile:1
FROM nvidia/cuda:12.4.1-runtime-ubuntu22.04 AS base
WORKDIR /app
COPY requirements.txt .
RUN pip install --no-cache-dir -r requirements.txt
COPY . .
USER 1000
EXPOSE 8000
CMD ["python", "serve.py"]
""",
    "docker/slim/Dockerfile": """\
FROM python:3.12-slim
RUN apt-get update && apt-get install -y --no-install-recommends libgomp1
""",
    "yaml/environment/environment.yml": """\
name: model
channels:
  - conda-forge
dependencies:
  - python=3.11
  - numpy
  - pip:
      - torch==2.13.0
""",
    "yaml/conda.yaml": """\
channels: [conda-forge]
dependencies:
- python=3.11.7
- pip: [mlflow, scikit-learn==1.9.1]
name: mlflow-env
""",
    "yaml/MLmodel": """\
artifact_path: model
flavors:
  python_function:
    env: conda.yaml
    loader_module: mlflow.sklearn
    model_path: model.pkl
    python_version: 3.11.7
  sklearn:
    pickled_model: model.pkl
    serialization_format: cloudpickle
run_id: 0123456789abcdef
utc_time_created: '2026-01-02 03:04:05.678901'
""",
    "yaml/hydra.yaml": """\
defaults:
  - _self_
  - model: small
model:
  _target_: torch.nn.Linear
  in_features: 3
  out_features: ${width}
width: 2
optimizer:
  _target_: torch.optim.AdamW
  _partial_: true
  lr: 1.0e-3
""",
    "yaml/yolo-data.yaml": """\
path: ../datasets/coco8
train: images/train
val: images/val
names:
  0: person
  1: bicycle
""",
    "yaml/paddle-inference.yml": """\
Global:
  model_name: PP-OCRv4_mobile_det
PreProcess:
  transform_ops:
  - DecodeImage:
      channel_first: false
      img_mode: BGR
PostProcess:
  name: DBPostProcess
  thresh: 0.3
""",
    "yaml/anchors.yaml": """\
base: &base
  lr: 0.1
  steps: [1, 2]
small:
  <<: *base
  width: 2
date: 2026-01-02
nothing: ~
""",
    "yaml/docker-compose.yml": """\
services:
  model:
    image: example/model:1
    ports: ['8000:8000']
""",
    "toml/pyproject.toml": """\
[project]
name = "model"
version = "1.0"
dependencies = ["torch>=2"]
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"
""",
    "cards/plain/README.md": """\
# A model

It sorts flowers. Trained on iris.
""",
    "cards/chinese/README.md": """\
---
license: mit
language:
- zh
---
# 一个小模型

用于测试。
""",
    "cards/MODEL_CARD.md": """\
# Model card

| metric | value |
|---|---|
| F1 | 0.9 |
""",
    "text/LICENSE": """\
Apache License
Version 2.0, January 2004
""",
    "text/vocab.txt": """\
[PAD]
[UNK]
[CLS]
[SEP]
model
模型
##s
""",
    "text/merges.txt": """\
#version: 0.2
t h
th e
""",
    "text/labels.txt": """\
cat
dog
""",
    "csv/table.csv": """\
name,value
a,1
b,2.5
""",
    "csv/quoted.csv": """\
text,label
"one, two",0
"a ""b\""",1
""",
    "csv/table.tsv": """\
a	b
1	2
""",
    "python/modeling_tiny.py": """\
\"""A tiny network.\"""

import torch
from torch import nn
from transformers import PreTrainedModel


class Tiny(PreTrainedModel):
    def __init__(self, config):
        super().__init__(config)
        self.layer = nn.Linear(config.width, 2)

    def forward(self, data: torch.Tensor) -> torch.Tensor:
        return self.layer(data)
""",
    "python/configuration_tiny.py": """\
from transformers import PretrainedConfig


class TinyConfig(PretrainedConfig):
    model_type = 'tiny'

    def __init__(self, width: int = 3, **kwargs):
        self.width = width
        super().__init__(**kwargs)
""",
    "python/mmdet_config.py": """\
_base_ = ['../_base_/default_runtime.py']
model = dict(type='FasterRCNN', backbone=dict(type='ResNet', depth=50))
optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='SGD', lr=0.02))
""",
}
"""Texts by their path. Hand-made, after files of the same kind on hubs."""
DATA: Final[dict[str, Any]] = {
    "json/labels.json": {str(number): f"class {number}" for number in range(50)},
    "json/metrics.json": {"accuracy": 0.91, "loss": [0.5, 0.25], "none": None, "text": "中文"},
    "json/trainer_state.json": {"epoch": 1.0, "global_step": 3, "log_history": [{"loss": 0.5, "step": 1}]},
    "json/modelscope/configuration.json": {
        "framework": "pytorch",
        "task": "text-generation",
        "model": {"type": "qwen"},
    },
}


def make(room: Room) -> None:
    """Write the texts above, a notebook, pictures and an audio file."""
    for path, text in FILES.items():
        kind = path.split("/", 1)[0]
        room.file(f"documents/{path}", kind, "hand-made").write_text(text, encoding="utf-8")
    for path, thing in DATA.items():
        place = room.file(f"documents/{path}", "json", "python")
        place.write_text(json.dumps(thing, ensure_ascii=False, indent=1), encoding="utf-8")
    lines = [json.dumps({"prompt": f"p{number}", "answer": number}) for number in range(20)]
    room.file("documents/json/results.jsonl", "json", "python").write_text("\n".join(lines) + "\n")
    _notebooks(room)
    _pictures(room)
    _sound(room)


def _notebooks(room: Room) -> None:
    import nbformat

    book = nbformat.v4.new_notebook()
    cell = nbformat.v4.new_code_cell("import numpy as np\nnp.mean([1, 2])", execution_count=1)
    cell.outputs = [
        nbformat.v4.new_output("execute_result", {"text/plain": "1.5", "text/html": "<b>1.5</b>"}, execution_count=1)
    ]
    book.cells = [nbformat.v4.new_markdown_cell("# Analysis\n\nA *mean*."), cell, nbformat.v4.new_code_cell("print(2)")]
    book.metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(book, room.file("documents/notebooks/analysis.ipynb", "notebook", "nbformat"))


def _pictures(room: Room) -> None:
    import numpy as np
    from PIL import Image

    pixels = np.random.default_rng(SEED).integers(0, 255, (24, 32, 3), dtype=np.uint8)
    picture = Image.fromarray(pixels)
    for ending in ("png", "jpg", "gif", "bmp", "tiff", "webp"):
        picture.save(room.file(f"documents/pictures/sample.{ending}", ending, "pillow"))


def _sound(room: Room) -> None:
    import wave

    with wave.open(str(room.file("documents/sounds/silence.wav", "wav", "python")), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(bytes(1600))
