"""What Neural Cleanse and MM-BD say of the same sealed models, with the settings and the verdicts of their papers.

    python benchmarks/backdoor_peers.py zoo [--models 40] [--jobs 2]

Half honest, half attacked, every so many-th of the sealed split. Neural Cleanse searches each class in turn, to the end
(nothing is extrapolated here), and flags a model whose anomaly index exceeds 2; MM-BD searches 30 beginnings of 300
steps for each class and flags at p < 0.05. The screen's verdicts on the same models are those of its own benchmark: the
same responses, references and thresholds. Processor seconds of all three are of the same run and machine.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from backdoor_screen import (
    ALPHA,
    _area,
    _compared,
    _neural_cleanse,
    _opened,
    _timed,
    network_of,
    seen,
    share,
    vetted_of,
)
from record import keep
from touchstone.methods.backdoor.screen.combination import anomaly_index
from touchstone.methods.backdoor.screen.margins import largest_margins, margin_p_value
from touchstone.methods.backdoor.screen.scores import responses_of
from touchstone.training.processes import in_processes
from touchstone.zoo.collection import Record, Zoo, open_zoo

INDEX, P_VALUE, SEED = 2.0, 0.05, 1
Verdicts = dict[str, Any]


def main() -> None:
    """Ask the peers about each model once; what they said is kept beside the zoo."""
    parser = argparse.ArgumentParser()
    parser.add_argument("zoo", type=Path)
    parser.add_argument("--models", type=int, default=40)
    parser.add_argument("--jobs", type=int, default=1)
    arguments = parser.parse_args()
    zoo = open_zoo(arguments.zoo)
    chosen = _chosen(zoo, arguments.models)
    (zoo.folder / "peers").mkdir(exist_ok=True)
    waiting = [record for record in chosen if not _file(zoo.folder, record).exists()]
    for _ in in_processes(partial(_asked, zoo.folder), waiting, arguments.jobs):
        pass
    said = [json.loads(_file(zoo.folder, record).read_text(encoding="utf-8")) for record in chosen]
    pool, names = seen(zoo, "calibration"), {record.name for record in chosen}
    ours = {one.name: _compared(zoo, one, pool) for one in seen(zoo, "sealed") if one.name in names}
    for record, verdict in zip(chosen, said, strict=True):
        verdict["screen"] = {
            "score": ours[record.name].score,
            "flagged": ours[record.name].p_value <= ALPHA,
            "seconds": verdict["screen_seconds"],
        }
    tools = ("screen", "neural_cleanse", "mm_bd")
    keep(
        "backdoor_peers",
        "what the screen, Neural Cleanse and MM-BD say of the same sealed models, each by its own verdict",
        {
            "honest": sum(each["attack"] is None for each in said),
            "attacked": sum(each["attack"] is not None for each in said),
            **{tool: _figures(said, tool) for tool in tools},
        },
    )


def _chosen(zoo: Zoo, count: int) -> list[Record]:
    usable = zoo.usable("sealed")
    honest = [record for record in usable if record.specification.attack is None]
    attacked = [record for record in usable if record.specification.attack is not None]
    return [
        record for kind in (honest, attacked) for record in kind[:: max(1, len(kind) // (count // 2))][: count // 2]
    ]


def _file(folder: Path, record: Record) -> Path:
    return folder / "peers" / f"{record.name}.json"


def _asked(folder: Path, record: Record) -> None:
    torch.set_num_threads(1)
    zoo = _opened(folder)
    network, vetted = network_of(zoo.model(record)), vetted_of(zoo, record)
    ours, _ = _timed(partial(responses_of, network, vetted))
    cleansing, sizes = _timed(lambda: [_neural_cleanse(network, vetted, target) for target in range(vetted.classes)])
    shape = vetted.x.shape[1:]
    searching, margins = _timed(partial(largest_margins, network, shape, vetted.classes, low=0.0, high=1.0, seed=SEED))
    index, p_value = anomaly_index(-np.array(sizes)), margin_p_value(margins)
    said: Verdicts = {
        "attack": record.specification.attack,
        "screen_seconds": ours,
        "neural_cleanse": {"score": index, "flagged": index > INDEX, "seconds": cleansing},
        "mm_bd": {"score": -p_value, "flagged": p_value < P_VALUE, "seconds": searching},
    }
    _file(folder, record).write_text(json.dumps(said), encoding="utf-8")


def _figures(said: Sequence[Verdicts], tool: str) -> dict[str, Any]:
    honest = [each[tool] for each in said if each["attack"] is None]
    attacked = [each[tool] for each in said if each["attack"] is not None]
    scores = (np.array([float(each["score"]) for each in kind]) for kind in (attacked, honest))
    seconds = np.array([each[tool]["seconds"] for each in said])
    ours = np.array([each["screen"]["seconds"] for each in said])
    return {
        "auroc": _area(*scores),
        "false_alarms": share(sum(each["flagged"] for each in honest), len(honest)),
        "found": share(sum(each["flagged"] for each in attacked), len(attacked)),
        "median_cpu_seconds": round(float(np.median(seconds)), 2),
        "times_the_screen": round(float(np.median(seconds / ours)), 1),
    }


if __name__ == "__main__":
    main()
