"""Tests of the gradient attacks: power at an unlimited radius, silence at radius zero, and no sign of masking.

A gradient that hides the boundary makes a fragile model look robust. What warns of it fails a control, so that nothing
passes on the strength of such a gradient. A limit that is missed stays missed: broken samples are proofs.
"""

from __future__ import annotations

from dataclasses import replace

from touchstone.checks.declaration import Run
from touchstone.checks.system_resilience.attack_controls import CONTROL_SAMPLES
from touchstone.checks.system_resilience.attacker import Attacker
from touchstone.checks.system_resilience.white_box import WhiteBox, ball_of
from touchstone.methods.attacks.gradient.rungs import QUICK
from touchstone.records import ControlRun
from touchstone.text import Text

POWER = 0.9
"""Share that the quick gradient attacks must break when the radius is unlimited."""
CONTRADICTED = 0.01
"""Share of attacked samples to which the function of tensors may give another answer than the model (rounding)."""
PANEL_SAMPLES = 30


def gradient_controls(attacker: Attacker, run: Run) -> tuple[ControlRun, ...]:
    """The controls of the white box, on the first samples that were attacked; none without gradients."""
    if attacker.white_box is None:
        return ()
    return (
        _planted(attacker, attacker.white_box),
        _null(attacker, attacker.white_box),
        _masking(attacker, attacker.white_box, run),
    )


def _planted(attacker: Attacker, white_box: WhiteBox) -> ControlRun:
    rows = attacker.attacked[:CONTROL_SAMPLES]
    x, y = attacker.samples_at(rows), attacker.y[rows]
    ball = ball_of(attacker.unlimited, x)
    outcome = white_box.climb(x, y, attacker.order[rows], ball, QUICK, counted=False)
    broken = int((outcome.broken & (attacker.labels(outcome.points) != y)).sum())
    contradicted, attacked = int(attacker.contradicted.sum()), len(attacker.attacked)
    return ControlRun(
        kind="planted",
        expected=Text(
            f"with an unlimited radius the gradient attacks break at least {POWER:.0%}, and the function they follow "
            f"contradicts at most {CONTRADICTED:.0%} of the model's answers",
            f"半径不受限时梯度攻击至少攻破 {POWER:.0%}，且其所用函数与模型判定相矛盾者不超过 {CONTRADICTED:.0%}",
        ),
        seen=Text(
            f"{broken} of {len(rows)} broken; {contradicted} of {attacked} contradicted",
            f"{len(rows)} 个样本中攻破 {broken} 个；{attacked} 个判定中矛盾 {contradicted} 个",
        ),
        passed=broken >= POWER * len(rows) and contradicted <= CONTRADICTED * attacked,
    )


def _null(attacker: Attacker, white_box: WhiteBox) -> ControlRun:
    rows = attacker.attacked[:CONTROL_SAMPLES]
    x, y = attacker.samples_at(rows), attacker.y[rows]
    ball = replace(ball_of(attacker.threat, x), radius=0.0)
    outcome = white_box.climb(x, y, attacker.order[rows], ball, QUICK, counted=False)
    broken = int((outcome.broken & (attacker.labels(outcome.points) != y)).sum())
    return ControlRun(
        kind="null",
        expected=Text("with radius zero the gradient attacks break nothing", "半径为零时梯度攻击不应攻破任何样本"),
        seen=Text(f"{broken} of {len(rows)} broken", f"{len(rows)} 个样本中攻破 {broken} 个"),
        passed=broken == 0,
    )


def _masking(attacker: Attacker, white_box: WhiteBox, run: Run) -> ControlRun:
    from touchstone.methods.attacks.masking import masking_panel

    rows = attacker.attacked[: 2 * PANEL_SAMPLES]
    x = attacker.samples_at(rows)
    seed = int(run.generator("masking").integers(2**53))
    panel = masking_panel(
        white_box.model,
        x,
        attacker.y[rows],
        ball_of(attacker.threat, x),
        seed=seed,
        ids=attacker.order[rows],
        samples=PANEL_SAMPLES,
    )
    warnings = [indicator.meaning for indicator in panel.warnings]
    if attacker.masked:
        warnings.append(
            Text(
                f"search alone broke {attacker.only_search} of {len(attacker.attacked)} samples",
                f"{len(attacker.attacked)} 个样本中有 {attacker.only_search} 个仅被搜索攻击攻破",
            )
        )
    nothing = Text("no warning", "无警告")
    return ControlRun(
        kind="null",
        expected=Text("nothing warns of a gradient that misleads", "没有迹象表明梯度具有误导性"),
        seen=Text("; ".join(w.en for w in warnings), "；".join(w.zh for w in warnings)) if warnings else nothing,
        passed=not warnings,
    )
