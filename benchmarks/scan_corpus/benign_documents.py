"""Texts that lie beside models: notebooks, requirements, configurations, cards, scripts, tables, pictures."""

from __future__ import annotations

import json
from typing import Final

from benign_room import SEED, Room

FILES: Final = {
    "requirements/plain/requirements.txt": "numpy>=1.26\ntorch==2.13.0\n# a comment\ntransformers[torch]>=5,<6\n",
    "requirements/hashes/requirements.txt": "six==1.17.0 \\\n    --hash=sha256:" + "0" * 64 + "\nrequests; python_version > '3.9'\n",
    "requirements/nested/requirements-dev.txt": "-r requirements.txt\n-c constraints.txt\npytest\n",
    "docker/cuda/Dockerfile": (
        "# syntax=docker/dockerfile:1\nFROM nvidia/cuda:12.4.1-runtime-ubuntu22.04 AS base\nWORKDIR /app\n"
        "COPY requirements.txt .\nRUN pip install --no-cache-dir -r requirements.txt\nCOPY . .\nUSER 1000\n"
        'EXPOSE 8000\nCMD ["python", "serve.py"]\n'
    ),
    "docker/slim/Dockerfile": "FROM python:3.12-slim\nRUN apt-get update && apt-get install -y --no-install-recommends libgomp1\n",
    "yaml/environment/environment.yml": (
        "name: model\nchannels:\n  - conda-forge\ndependencies:\n  - python=3.11\n  - numpy\n  - pip:\n      - torch==2.13.0\n"
    ),
    "yaml/conda.yaml": "channels: [conda-forge]\ndependencies:\n- python=3.11.7\n- pip: [mlflow, scikit-learn==1.9.1]\nname: mlflow-env\n",
    "yaml/MLmodel": (
        "artifact_path: model\nflavors:\n  python_function:\n    env: conda.yaml\n    loader_module: mlflow.sklearn\n"
        "    model_path: model.pkl\n    python_version: 3.11.7\n  sklearn:\n    pickled_model: model.pkl\n"
        "    serialization_format: cloudpickle\nrun_id: 0123456789abcdef\nutc_time_created: '2026-01-02 03:04:05.678901'\n"
    ),
    "yaml/hydra.yaml": (
        "defaults:\n  - _self_\n  - model: small\nmodel:\n  _target_: torch.nn.Linear\n  in_features: 3\n  out_features: ${width}\n"
        "width: 2\noptimizer:\n  _target_: torch.optim.AdamW\n  _partial_: true\n  lr: 1.0e-3\n"
    ),
    "yaml/yolo-data.yaml": "path: ../datasets/coco8\ntrain: images/train\nval: images/val\nnames:\n  0: person\n  1: bicycle\n",
    "yaml/paddle-inference.yml": (
        "Global:\n  model_name: PP-OCRv4_mobile_det\nPreProcess:\n  transform_ops:\n  - DecodeImage:\n      channel_first: false\n"
        "      img_mode: BGR\nPostProcess:\n  name: DBPostProcess\n  thresh: 0.3\n"
    ),
    "yaml/anchors.yaml": "base: &base\n  lr: 0.1\n  steps: [1, 2]\nsmall:\n  <<: *base\n  width: 2\ndate: 2026-01-02\nnothing: ~\n",
    "yaml/docker-compose.yml": "services:\n  model:\n    image: example/model:1\n    ports: ['8000:8000']\n",
    "json/labels.json": json.dumps({str(n): f"class {n}" for n in range(50)}, indent=1),
    "json/metrics.json": json.dumps({"accuracy": 0.91, "loss": [0.5, 0.25], "none": None, "text": "中文"}, ensure_ascii=False),
    "json/results.jsonl": "".join(json.dumps({"prompt": f"p{n}", "answer": n}) + "\n" for n in range(20)),
    "json/modelscope/configuration.json": json.dumps(
        {"framework": "pytorch", "task": "text-generation", "model": {"type": "qwen"}, "pipeline": {"type": "text-generation"}}
    ),
    "json/trainer_state.json": json.dumps({"epoch": 1.0, "global_step": 3, "log_history": [{"loss": 0.5, "step": 1}]}),
    "toml/pyproject.toml": '[project]\nname = "model"\nversion = "1.0"\ndependencies = ["torch>=2"]\n[build-system]\nrequires = ["hatchling"]\nbuild-backend = "hatchling.build"\n',
    "cards/plain/README.md": "# A model\n\nIt sorts flowers. Trained on iris.\n",
    "cards/chinese/README.md": "---\nlicense: mit\nlanguage:\n- zh\n---\n# 一个小模型\n\n用于测试。\n",
    "cards/MODEL_CARD.md": "# Model card\n\n| metric | value |\n|---|---|\n| F1 | 0.9 |\n",
    "text/LICENSE": "Apache License\nVersion 2.0, January 2004\n",
    "text/vocab.txt": "[PAD]\n[UNK]\n[CLS]\n[SEP]\nmodel\n模型\n##s\n",
    "text/merges.txt": "#version: 0.2\nt h\nth e\n",
    "text/labels.txt": "cat\ndog\n",
    "csv/table.csv": "name,value\na,1\nb,2.5\n",
    "csv/quoted.csv": 'text,label\n"one, two",0\n"a ""b""",1\n',
    "csv/table.tsv": "a\tb\n1\t2\n",
    "python/modeling_tiny.py": (
        '"""A tiny network."""\n\nimport torch\nfrom torch import nn\nfrom transformers import PreTrainedModel\n\n\n'
        "class Tiny(PreTrainedModel):\n    def __init__(self, config):\n        super().__init__(config)\n"
        "        self.layer = nn.Linear(config.width, 2)\n\n    def forward(self, data: torch.Tensor) -> torch.Tensor:\n"
        "        return self.layer(data)\n"
    ),
    "python/configuration_tiny.py": (
        "from transformers import PretrainedConfig\n\n\nclass TinyConfig(PretrainedConfig):\n    model_type = 'tiny'\n\n"
        "    def __init__(self, width: int = 3, **kwargs):\n        self.width = width\n        super().__init__(**kwargs)\n"
    ),
    "python/mmdet_config.py": (
        "_base_ = ['../_base_/default_runtime.py']\nmodel = dict(type='FasterRCNN', backbone=dict(type='ResNet', depth=50))\n"
        "optim_wrapper = dict(type='OptimWrapper', optimizer=dict(type='SGD', lr=0.02))\n"
    ),
}


def make(room: Room) -> None:
    """Write the texts above, a notebook, pictures and an audio file."""
    for path, text in FILES.items():
        kind = path.split("/", 1)[0]
        room.file(f"documents/{path}", kind, "python").write_text(text, encoding="utf-8")
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
