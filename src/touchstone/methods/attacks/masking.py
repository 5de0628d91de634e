"""Masking panel: can the robustness that gradient attacks report be believed?

A model can withstand them because no small change turns its answers, or because its gradient does not say which one
does. The panel runs the checks that the literature asks for, on a few samples and for about the price of one attack,
and warns where one of them fails. A warning means: take the number of the gradient attacks as no evidence of
robustness, and attack without the gradient. No warning is no proof that the gradient is honest.

Carlini et al. 2019, "On evaluating adversarial robustness" (arXiv 1902.06705); Athalye, Carlini and Wagner 2018,
"Obfuscated gradients give a false sense of security" (ICML); Pintor et al. 2022, "Indicators of attack failure"
(NeurIPS). `benchmarks/masking_panel.py` measures the thresholds that are not theirs: models with one half of the seeds
and constants set them, the other half tests them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from touchstone.methods.attacks import masking_probes as probes
from touchstone.methods.attacks.gradient.balls import Ball
from touchstone.methods.attacks.gradient.differentiable import Differentiable, Passes
from touchstone.methods.attacks.masking_probes import Counted, Probed
from touchstone.text import Text

FLUKE: Final = 0.01
"""Chance that counts of samples pass their threshold by bad luck, if the tolerated share is true."""
FEWEST_SAMPLES: Final = 5
"""Correctly answered samples below which nothing is said about the gradient."""

_CARLINI: Final = "Carlini et al. 2019, arXiv 1902.06705"
_ATHALYE: Final = "Athalye, Carlini and Wagner 2018, ICML"
_MEASURED: Final = "benchmarks/masking_panel.py"


@dataclass(frozen=True, slots=True)
class Indicator:
    """One check: the larger the value, the worse; above the threshold it warns."""

    code: str
    value: float
    """A share, a count of samples or a ratio; nan when it could not be measured."""
    threshold: float
    source: str
    """Where the check or its threshold comes from."""
    meaning: Text
    """What it warns of."""

    @property
    def warns(self) -> bool:
        """Whether the value is above the threshold; what could not be measured does not warn."""
        return self.value > self.threshold


@dataclass(frozen=True, slots=True)
class MaskingPanel:
    """All indicators, measured on the first samples that the model answers correctly."""

    indicators: tuple[Indicator, ...]
    samples: int
    passes: Passes
    """What the panel cost."""

    @property
    def complete(self) -> bool:
        """Whether there were enough samples to say anything about the gradient."""
        return self.samples >= FEWEST_SAMPLES

    @property
    def warnings(self) -> tuple[Indicator, ...]:
        """The indicators that warn."""
        return tuple(indicator for indicator in self.indicators if indicator.warns)

    def __getitem__(self, code: str) -> Indicator:
        return next(indicator for indicator in self.indicators if indicator.code == code)


def masking_panel(
    model: Differentiable,
    x: NDArray[np.float32],
    y: NDArray[np.int64],
    ball: Ball,
    *,
    seed: int,
    ids: NDArray[np.int64],
    samples: int = 30,
) -> MaskingPanel:
    """Measure the indicators on the first `samples` of `x` that the model answers with `y`.

    `ids` name the samples for the dice. The state of the global random number generator is left as it was, and set by
    `seed` in between: what the panel finds in a model that rolls dice can be repeated.
    """
    if not ball.radius > 0:
        raise ValueError("a radius above zero expected")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        seen = Counted(model)
        indicators, attacked = _measure(seen, x, y, ball, seed, ids, samples)
    return MaskingPanel(indicators, attacked, seen.spent)


def _measure(
    model: Counted,
    x: NDArray[np.float32],
    y: NDArray[np.int64],
    ball: Ball,
    seed: int,
    ids: NDArray[np.int64],
    samples: int,
) -> tuple[tuple[Indicator, ...], int]:
    if not len(x):
        return (), 0
    looked_at = model.tensor(x[: 2 * samples])
    scores = model.scores(looked_at)
    classes = model.tensor(y[: 2 * samples])
    correct = (scores.argmax(dim=1) == classes).nonzero()[:, 0][:samples]
    behaviour = _behaviour(model, looked_at[:samples])
    if len(correct) < FEWEST_SAMPLES:
        return behaviour, len(correct)
    chosen = ids[: 2 * samples][correct.cpu().numpy()]
    probed = Probed(model, looked_at[correct], classes[correct], ball, scores[correct], seed, chosen)
    _, _, lead = model.climb(probed.x, probes.lead_over(probed.y, probes.runner_up(probed)))
    return (*behaviour, *_gradient(probed, lead), *_attacks(probed, lead)), len(correct)


def _behaviour(model: Counted, x: torch.Tensor) -> tuple[Indicator, ...]:
    return (
        Indicator(
            "not-deterministic",
            probes.unsteadiness(model, x),
            1e-3,
            f"{_ATHALYE}: stochastic gradients; the threshold is far above the rounding of float32",
            Text(
                "The same input gets different scores each time: the model rolls dice, or was left in training mode. "
                "Attacks must average over the dice.",
                "同一输入每次得分不同：模型含随机性，或仍处于训练模式。攻击须对随机性取平均。",
            ),
        ),
        Indicator(
            "depends-on-batch",
            probes.dependence_on_batch(model, x),
            1e-3,
            "batch normalisation in training mode; the threshold is far above the rounding of float32",
            Text(
                "A sample gets other scores alone than among others: batch normalisation was left in training mode, or "
                "the model mixes samples.",
                "样本单独输入与成批输入时得分不同：批归一化仍处于训练模式，或模型混用了各样本。",
            ),
        ),
        Indicator(
            "probabilities-as-scores",
            float(probes.look_like_probabilities(model.scores(x))),
            0.0,
            _CARLINI,
            Text(
                "The scores are probabilities, not logits: a second softmax inside the loss flattens the gradient.",
                "分数是概率而非 logit：损失中的再次 softmax 会压平梯度。",
            ),
        ),
    )


def _gradient(probed: Probed, lead: torch.Tensor) -> tuple[Indicator, ...]:
    of_cross_entropy, of_lead = probes.zero_gradients(probed, lead)
    return (
        Indicator(
            "zero-gradient-cross-entropy",
            of_cross_entropy,
            0.05,
            f"{_CARLINI}; {_MEASURED}",
            Text(
                "For some samples the gradient of the cross-entropy is exactly zero: attacks along it do not move.",
                "部分样本的交叉熵梯度恰为零：沿该梯度的攻击寸步难行。",
            ),
        ),
        Indicator(
            "zero-gradient-lead",
            of_lead,
            0.05,
            f"{_CARLINI}; {_MEASURED}",
            Text(
                "For some samples the gradient of the scores themselves is zero: the model rounds, saturates or cuts "
                "the gradient.",
                "部分样本的得分梯度为零：模型进行了取整、饱和或切断了梯度。",
            ),
        ),
        Indicator(
            "saturated-scores",
            probes.flat_cross_entropy(probed, -math.log(torch.finfo(torch.float32).tiny)),
            0.05,
            "exp(-87.3) is the smallest normal float32",
            Text(
                "The own class leads by so much that float32 cannot hold the cross-entropy: only losses that no "
                "scaling flattens can attack this model.",
                "本类领先过多，float32 无法表示交叉熵：只有不受缩放影响的损失才能攻击该模型。",
            ),
        ),
        Indicator(
            "unpredicted-change",
            probes.unpredicted_change(probed, lead),
            0.1,
            _MEASURED,
            Text(
                "The gradient does not predict what small random steps do to the scores: the model is not smooth at "
                "the scale of the attack, or its gradient is not its own.",
                "梯度无法预测微小随机扰动对得分的影响：模型在攻击尺度上不平滑，或其梯度并非真实梯度。",
            ),
        ),
        Indicator(
            "changing-gradient",
            probes.changing_gradient(probed),
            0.3,
            f"{_ATHALYE}: shattered gradients; {_MEASURED}",
            Text(
                "Gradients at points of the same small ball have little in common: a step along one does not lead on.",
                "同一小邻域内各点的梯度几乎没有共同方向：沿其中之一走一步，无法继续前进。",
            ),
        ),
    )


def _attacks(probed: Probed, lead: torch.Tensor) -> tuple[Indicator, ...]:
    n, classes = len(probed.x), probed.scores.shape[1]
    blocks = probed.margins(probed.points("blocks", probes.DIRECTIONS, "blocks", 1.0))
    noise = probed.margins(probed.points("noise", probes.DIRECTIONS, "signs", 1.0))
    found = probes.attack_at_radius(probed)
    by_gradient = found.by_gradient | found.by_more_steps
    by_noise = ((blocks < 0) | (noise < 0)).any(dim=0).cpu().numpy()
    radii = probes.sweep(probed, by_gradient)
    lost = np.maximum.accumulate(radii)[:-1] & ~radii[1:]
    swept_whole = len(radii) > len(probes.SWEEP)
    return (
        Indicator(
            "random-beats-gradient",
            probes.random_beats_gradient(probed, lead, blocks),
            0.5,
            _MEASURED,
            Text(
                "Random steps come nearer to another answer than steps along the gradient.",
                "随机扰动比沿梯度的扰动更接近改变判定。",
            ),
        ),
        Indicator(
            "search-beats-gradient",
            int(found.by_search.sum()),
            _tolerated(n, 0.01),
            f"{_CARLINI}: black-box attacks must not do better",
            Text(
                "Random search broke samples that the gradient did not.",
                "随机搜索攻破了梯度攻击未能攻破的样本。",
            ),
        ),
        Indicator(
            "noise-beats-gradient",
            int((by_noise & ~by_gradient).sum()),
            _tolerated(n, 0.01),
            f"{_CARLINI}: random points must not do better",
            Text(
                "Random noise broke samples that the gradient did not.",
                "随机噪声攻破了梯度攻击未能攻破的样本。",
            ),
        ),
        Indicator(
            "more-steps-break-more",
            int(found.by_more_steps.sum()),
            _tolerated(n, 0.01),
            f"{_CARLINI}: twice the steps must not change the result",
            Text(
                "Twice the steps broke more samples: the attack had not converged.",
                "步数加倍后攻破了更多样本：攻击尚未收敛。",
            ),
        ),
        Indicator(
            "larger-radius-breaks-less",
            int(lost.any(axis=0).sum()),
            _tolerated(n, 0.01),
            f"{_CARLINI}: robust accuracy must fall with the radius",
            Text(
                "Samples that a smaller radius broke withstood a larger one.",
                "较小半径攻破的样本在较大半径下却未被攻破。",
            ),
        ),
        Indicator(
            "whole-range-withstood",
            int((~radii[-1]).sum()) if swept_whole else math.nan,
            _tolerated(n, 1 / classes),
            f"{_CARLINI}: an unbounded attack must reach chance",
            Text(
                "Samples withstood an attack that may change every element to anything.",
                "部分样本经受住了可任意改变全部元素的攻击。",
            ),
        ),
    )


def _tolerated(n: int, share: float) -> int:
    """Most of `n` samples that a true `share` gives, but for a chance of :data:`FLUKE`."""
    from scipy.stats import binom

    return int(binom.ppf(1 - FLUKE, n, share))
