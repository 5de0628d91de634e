"""Tests of the patches: of no area they change nothing, of unlimited area they change nearly everything."""

from __future__ import annotations

from typing import Final

import numpy as np

from touchstone.checks.system_resilience.patch_attacker import PatchAttacker
from touchstone.checks.system_resilience.physical_findings import most
from touchstone.methods.attacks.patch.placement import Surface
from touchstone.records import ControlRun
from touchstone.text import Text

CONTROL_SAMPLES: Final = 10
POWER: Final = 0.9
"""Share that stickers of unlimited area must break."""


def patch_controls(attacker: PatchAttacker) -> tuple[ControlRun, ...]:
    """The null and the planted control, on the first pictures that were attacked."""
    return _null(attacker), _planted(attacker)


def _null(attacker: PatchAttacker) -> ControlRun:
    rows = attacker.attacked[:CONTROL_SAMPLES]
    wrong = views = 0
    for record in attacker.records.values():
        stickers = record.stickers[0].take(np.arange(min(len(rows), len(record.stickers[0]))))
        part = rows[: len(stickers)]
        answers = attacker.answers(part, Surface(0.0, record.surface.aspect), stickers)
        wrong += int((answers != attacker.system.y[part][:, None]).sum())
        views += answers.size
    return ControlRun(
        kind="null",
        expected=Text("the same stickers with an area of zero change no answer", "面积为零的相同贴片不改变任何判定"),
        seen=Text(f"{wrong} of {views} answers changed", f"{views} 个判定中改变 {wrong} 个"),
        passed=wrong == 0,
    )


def _planted(attacker: PatchAttacker) -> ControlRun:
    """Scores and gradients begin grey here, so that they have to find by themselves what textures would tell them."""
    rows = attacker.attacked[:CONTROL_SAMPLES]
    broken = {
        kind: most(attacker.changed(attacker.answers(rows, surface, stickers), rows))
        for kind, (surface, stickers) in attacker.maker.made(rows, share=1.0, led=False).items()
    }
    fallen = int(np.any(list(broken.values()), axis=0).sum())
    by_kind = ", ".join(f"{kind} {int(flags.sum())}" for kind, flags in broken.items())
    return ControlRun(
        kind="planted",
        expected=Text(
            f"stickers of unlimited area break at least {POWER:.0%}",
            f"面积不受限的贴片至少攻破 {POWER:.0%}",
        ),
        seen=Text(
            f"{fallen} of {len(rows)} broken ({by_kind})",
            f"{len(rows)} 个样本中攻破 {fallen} 个（{by_kind}）",
        ),
        passed=fallen >= POWER * len(rows),
    )
