"""What the physical check leaves behind about stickers: patches that can be placed again, a report, a sheet, remarks.

Whoever wants to verify a sticker takes `patches.npz`: the patch, its pose and the draws of its views give, with the
picture of that row of the test data, every picture the model was asked about (`methods.attacks.patch.views.exposed`),
and the answers to them.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from touchstone.canonical import canonical_json
from touchstone.checks.declaration import Run
from touchstone.checks.system_resilience.inputs import Samples, range_not_declared
from touchstone.checks.system_resilience.patch_attacker import PatchAttacker, Record
from touchstone.checks.system_resilience.physical_findings import most
from touchstone.checks.system_resilience.pictures import arrays_file, picture_sheet
from touchstone.methods.attacks.patch import placement, views
from touchstone.methods.attacks.patch.judging import NONE
from touchstone.methods.attacks.patch.views import Stickers, exposed
from touchstone.records import Exhibit, Note, number, plain
from touchstone.text import Text

SHOWN: Final = 5
"""Pictures on the sheet, for each kind."""
MOST_STORED: Final = 2**20
"""Elements of patches that go into the evidence, for each kind: 4 MiB."""

NO_ABSTENTION: Final = Note(
    code="no-abstention",
    text=Text(
        "how often the system abstains on attacked inputs is left out: none of the declared classes means that it "
        "abstains, so it cannot say that an input is false; name such a class 'abstain' or 'unknown' if there is one",
        "未给出受攻击输入的拒识比例：声明的类别中没有表示拒识的类别，系统无从指出输入为伪造；"
        "若有此类别，请命名为“拒识”或“未知”",
    ),
)
SIMULATED: Final = Note(
    code="simulated",
    text=Text(
        "patches were simulated, not printed; level AL3 asks for the record of a bench test",
        "贴片为模拟而非实际打印；AL3 要求台架实测记录",
    ),
)


def nothing_to_attack() -> Note:
    """Where the model answered nothing correctly."""
    return Note(
        code="nothing-to-attack",
        text=Text("the model answered no sample correctly", "模型没有判定正确的样本，无可攻击对象"),
    )


def remarks(attacker: PatchAttacker) -> tuple[Note, ...]:
    """What a reader of the numbers has to know."""
    notes = [SIMULATED]
    if not attacker.system.range.declared:
        notes.append(range_not_declared(attacker.system.range))
    if attacker.system.abstention == NONE:
        notes.append(NO_ABSTENTION)
    if not attacker.system.scored:
        notes.append(
            Note(
                code="labels-only",
                text=Text(
                    "the system answers with labels only, so textures alone were tried; an attacker who sees scores "
                    "or gradients finds stronger patches",
                    "系统仅返回标签，故只尝试纹理贴片；能获得分数或梯度的攻击者可找到更强的贴片",
                ),
            )
        )
    return tuple(notes)


def exhibits(attacker: PatchAttacker, run: Run) -> tuple[Exhibit, ...]:
    """Report and universal patch always; what was made for single pictures only where these may be shown."""
    kept = [
        run.exhibit("physical_report.json", "application/json", canonical_json(_report(attacker))),
        run.exhibit("patches.npz", "application/x-npz", arrays_file(_arrays(attacker))),
    ]
    if attacker.system.shown:
        kept.append(run.exhibit("patches.png", "image/png", picture_sheet(_sheet(attacker))))
    return tuple(kept)


def _arrays(attacker: PatchAttacker) -> dict[str, NDArray[Any]]:
    universal = attacker.maker.universal.patches
    if not attacker.system.shown:
        return {"universal_patches": universal}
    rows = attacker.attacked
    arrays: dict[str, NDArray[Any]] = {
        "row": attacker.system.order[rows],
        "target": attacker.system.y[rows],
        "draws": attacker.held_out(rows),
    }
    for kind, record in attacker.records.items():
        stickers = _all(record)
        arrays[f"{kind}_patches"] = stickers.patches[: max(1, MOST_STORED // stickers.patches[0].size)]
        if stickers.poses is not None:
            arrays[f"{kind}_poses"] = stickers.poses
        arrays[f"{kind}_answers"] = record.all_answers
    return arrays | {"universal_patches": universal}


def _report(attacker: PatchAttacker) -> dict[str, object]:
    rows = attacker.attacked
    return {
        "schema": "touchstone.physical-report/v1",
        "views": attacker.views,
        "print_and_view": {
            "ink": [_plain(value) for value in placement.INK],
            "noise": _plain(placement.NOISE),
            "shift": _plain(views.SHIFT),
            "smallest": _plain(views.SMALLEST),
            "turn": _plain(views.TURN),
            "tilt": _plain(views.TILT),
            "contrast": _plain(views.CONTRAST),
            "brightness": _plain(views.BRIGHTNESS),
        },
        "low": _plain(attacker.system.range.low),
        "high": _plain(attacker.system.range.high),
        "kinds": {
            kind: {
                "area_share": _plain(record.surface.share),
                "aspect": _plain(record.surface.aspect),
                "broken": [
                    int(row) for row in attacker.system.order[rows[most(attacker.changed(record.all_answers, rows))]]
                ],
            }
            for kind, record in (attacker.records | attacker.occluded).items()
        },
        "samples": [
            {"row": int(attacker.system.order[index]), "correct": bool(attacker.correct[index])}
            for index in range(attacker.reached)
        ],
        "questions": attacker.system.model.queries - attacker.system.asked_before,
    }


def _sheet(attacker: PatchAttacker) -> dict[str, list[Samples]]:
    """A column of clean pictures, then one for each kind: the first of its patches, then pictures with theirs."""
    rows = attacker.attacked[:SHOWN]
    clean = _unit(attacker, attacker.system.samples_at(rows))
    sheet = {"clean": [np.full_like(clean[0], 1.0), *clean]}
    pictures, draws = attacker.system.pictures_at(rows), attacker.held_out(rows)[:, :1]
    for kind, record in (attacker.records | attacker.occluded).items():
        stickers = record.stickers[0].take(np.arange(len(rows)) % len(record.stickers[0]))
        placed = exposed(pictures, record.surface, stickers, draws, np.arange(len(rows))[:, None], slice(None)).x
        patch = _enlarged(stickers.patches[0], clean.shape[2:])
        sheet[kind] = [patch, *_unit(attacker, placed)]
    return sheet


def _all(record: Record) -> Stickers:
    poses = [each.poses for each in record.stickers if each.poses is not None]
    return Stickers(
        np.concatenate([each.patches for each in record.stickers]), np.concatenate(poses) if poses else None
    )


def _unit(attacker: PatchAttacker, x: Samples) -> Samples:
    low, width = (
        np.float32(attacker.system.range.low),
        np.float32(attacker.system.range.high - attacker.system.range.low),
    )
    return np.asarray((x - low) / width)


def _enlarged(patch: Samples, size: tuple[int, ...]) -> Samples:
    """The cells of a patch, repeated until it is as large as a picture."""
    cells = patch.shape[-1]
    down, across = (np.arange(side) * cells // side for side in size)
    return np.asarray(patch[:, down[:, None], across[None, :]])


def _plain(value: float) -> str:
    return plain(number(value))
