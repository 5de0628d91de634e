"""A claim of differential privacy, recomputed and audited.

Threat: a budget that was computed for another way of drawing batches, for less training or by a slip protects nobody
(NIST AI 100-2 NISTAML.033). The declared parameters go through an accountant of our own, which bounds epsilon from both
sides; a second one that shares no line with it has to agree. Where the supplier put canaries into the training run,
right guesses about them are a lower bound of what the run really leaks, printed beside the most such an audit can show.

Batches drawn in shuffled passes are not sampled at random: the budget is then that of one unsampled step in every
pass. Batches drawn by weight have no budget that declared parameters could give.
"""

from __future__ import annotations

import math

from touchstone.canonical import canonical_json
from touchstone.checks.data_security.canary_scores import read_canary_scores
from touchstone.checks.declaration import ANY_KIND, Measurement, MetricDeclaration, Needs, Parameters, Run, check
from touchstone.errors import UnavailableError
from touchstone.methods.privacy.accounting import Bounds, Training, epsilon_bounds, gaussian_epsilon, renyi_epsilon
from touchstone.methods.privacy.audit import AuditResult, audit
from touchstone.methods.privacy.training_lint import Trap, Trapped, sampling_traps
from touchstone.records import ControlRun, Metric, Note, number
from touchstone.system.description import DifferentialPrivacy
from touchstone.system.subject import Subject
from touchstone.text import Text

LARGEST_SCRIPT = 1024 * 1024
WIDEST = 0.01
"""Relative width that the bounds of a known answer may have."""
TRAPS: dict[Trap, Text] = {
    "weighted-sampler": Text(
        "records are drawn by weight, so the declared sampling rate is not theirs",
        "按权重抽取记录，与所声明的采样率不符",
    ),
    "poisson-switched-off": Text("Poisson sampling is switched off", "关闭了泊松采样"),
    "loader-shuffles": Text("batches are drawn in shuffled passes", "批次以打乱后逐轮的方式抽取"),
}


@check(
    id="privacy.dp_accounting",
    version="1",
    title=Text("Differential privacy claim", "差分隐私声明核验"),
    measures=Text(
        "The privacy budget recomputed from the declared noise, sampling rate and steps, bounded on both sides; how "
        "far the claim falls short of it; where canaries were trained in, the budget that an audit with them refutes.",
        "由所声明的噪声、采样率与步数复算隐私预算（给出上下界），以及声明值低于复算值的程度；"
        "如训练中植入金丝雀，另报审计所能推翻的预算。",
    ),
    cannot_tell=Text(
        "The recomputed budget is that of the declared parameters: whether the training really used them is not shown. "
        "An audit finds a lower bound and no more; a claim above its ceiling cannot be contradicted by it.",
        "复算的是所声明参数对应的预算，不能说明训练确实采用了这些参数。审计只给出下界；声明值高于审计上限时审计无法推翻它。",
    ),
    remedy=Text(
        "Correct the claim to the recomputed budget, or train again with more noise, fewer steps or a lower sampling "
        "rate; sample by Poisson; test the optimiser step with `touchstone.api.private_step_conformance`.",
        "将声明改为复算所得预算，或加大噪声、减少步数、降低采样率后重新训练；采用泊松采样；"
        "用 `touchstone.api.private_step_conformance` 检验优化器步骤。",
    ),
    threats=("NISTAML.033", "AML.T0024.000"),
    source="Koskela et al. 2020; Doroshenko et al. 2022; Mironov et al. 2019; Steinke et al. 2023",
    needs=Needs(inputs=ANY_KIND),
    metrics=(
        MetricDeclaration("epsilon", "epsilon", "lower", Text("recomputed epsilon", "复算的 ε")),
        MetricDeclaration("delta_times_n", "ratio", "lower", Text("delta times records", "δ 与记录数之积")),
        MetricDeclaration(
            "claim_shortfall",
            "ratio",
            "lower",
            Text("how far the claim falls short of the recomputed epsilon", "声明值低于复算 ε 的比例"),
        ),
        MetricDeclaration(
            "audited_epsilon_lower_bound_minus_claim",
            "epsilon",
            "lower",
            Text("audited lower bound less the claim", "审计下界减去声明值"),
        ),
    ),
)
def dp_accounting(subject: Subject, parameters: Parameters, run: Run) -> Measurement:
    """Recompute, compare with the claim, audit, and test the accountant on a known answer."""
    claim = _claim(subject)
    training = _accounted(claim)
    bounds = epsilon_bounds(training, claim.delta)
    if math.isinf(bounds.high):
        raise UnavailableError(
            Text(f"a delta of {claim.delta} is too small to certify", f"δ = {claim.delta} 过小，无法在浮点精度内核验"),
            "training.differential_privacy.delta",
            Text("claim for a larger delta, such as 1e-8", "请以较大的 δ（如 1e-8）声明"),
        )
    renyi = renyi_epsilon(training, claim.delta)
    run.progress(0.5)
    metrics = [
        _metric("epsilon", "epsilon", bounds.high),
        _metric("delta_times_n", "ratio", claim.delta * claim.records),
        _metric("claim_shortfall", "ratio", max(0.0, bounds.low / claim.claimed_epsilon - 1.0)),
    ]
    notes = [_accounted_as(claim, bounds, renyi), *_trapped(subject)]
    audited = _audited(subject, claim)
    if audited is None:
        notes.append(_not_audited())
    else:
        short = audited.low - claim.claimed_epsilon
        metrics.append(_metric("audited_epsilon_lower_bound_minus_claim", "epsilon", short, audited.canaries))
        notes.append(_ceiling(audited, claim))
    report = run.exhibit(
        "accountant_output.json", "application/json", canonical_json(_report(claim, bounds, renyi, audited))
    )
    return Measurement(tuple(metrics), _controls(training, claim.delta, bounds), (report,), tuple(notes))


def _claim(subject: Subject) -> DifferentialPrivacy:
    training = subject.description.training
    if training is None or training.differential_privacy is None:
        raise UnavailableError(
            Text("the parameters of the claim were not declared", "未声明差分隐私的训练参数"),
            "training.differential_privacy",
            Text("declare noise, sampling rate, steps and delta there", "请在此处声明噪声、采样率、步数与 δ"),
        )
    return training.differential_privacy


def _accounted(claim: DifferentialPrivacy) -> Training:
    """What the accountant is asked about, by the way batches were drawn."""
    if claim.sampling == "weighted":
        raise UnavailableError(
            Text("batches drawn by weight have no budget that can be recomputed", "按权重抽取的批次无法复算隐私预算"),
            "training.differential_privacy.sampling",
            Text("train again with Poisson sampling", "请改用泊松采样重新训练"),
        )
    if claim.sampling == "shuffled":
        passes = max(1, math.ceil(claim.steps * claim.sampling_rate))
        return Training(claim.noise_multiplier, 1.0, passes)
    return Training(claim.noise_multiplier, claim.sampling_rate, claim.steps)


def _metric(name: str, unit: str, value: float, n: int = 1) -> Metric:
    return Metric(id=name, unit=unit, value=number(value), n=n, better="lower")


def _audited(subject: Subject, claim: DifferentialPrivacy) -> AuditResult | None:
    if claim.canary_scores is None:
        return None
    scores, included = read_canary_scores(subject.read(claim.canary_scores), claim.canary_scores)
    return audit(scores, included, claim.delta)


def _trapped(subject: Subject) -> list[Note]:
    """What the scripts among the system's files say about how batches are drawn."""
    found: list[tuple[str, Trapped]] = []
    for record in subject.files:
        if record.path.endswith(".py") and record.size <= LARGEST_SCRIPT:
            source = subject.read(record.path).decode("utf-8", errors="replace")
            found += [(record.path, trapped) for trapped in sampling_traps(source)]
    return [
        Note(
            code=each.trap,
            text=Text(
                f"{path}, line {each.line}: {TRAPS[each.trap].en}; the declared budget may not be that of this script",
                f"{path} 第 {each.line} 行：{TRAPS[each.trap].zh}；所声明的预算可能与该脚本不符",
            ),
        )
        for path, each in found
    ]


def _accounted_as(claim: DifferentialPrivacy, bounds: Bounds, renyi: float) -> Note:
    drawn = Text("Poisson sampling", "泊松采样")
    if claim.sampling == "shuffled":
        drawn = Text(
            "shuffled passes, without amplification by sampling, for neighbours of which one record is blanked",
            "打乱后逐轮抽取，不计采样放大；相邻数据集以置空一条记录定义",
        )
    return Note(
        code="epsilon-recomputed",
        text=Text(
            f"claimed epsilon {claim.claimed_epsilon:g}; recomputed between {bounds.low:.4g} and {bounds.high:.4g} "
            f"({drawn.en}); Renyi accountant: at most {renyi:.4g}",
            f"声明的 ε 为 {claim.claimed_epsilon:g}；复算值介于 {bounds.low:.4g} 与 {bounds.high:.4g} 之间"
            f"（{drawn.zh}）；Rényi 记账上界为 {renyi:.4g}",
        ),
    )


def _not_audited() -> Note:
    return Note(
        code="not-audited",
        text=Text(
            "no canary scores were handed in, so what the training run really leaks was not tested",
            "未提交金丝雀分数，未检验训练实际泄露的程度",
        ),
    )


def _ceiling(audited: AuditResult, claim: DifferentialPrivacy) -> Note:
    blind = audited.ceiling <= claim.claimed_epsilon
    return Note(
        code="audit-cannot-contradict" if blind else "audit-ceiling",
        text=Text(
            f"the audit shows an epsilon of at least {audited.low:.3g}; with {audited.guesses} guesses on "
            f"{audited.canaries} canaries it could show {audited.ceiling:.3g} at most"
            + ("; it cannot contradict this claim, whatever the training did" if blind else ""),
            f"审计表明 ε 不低于 {audited.low:.3g}；在 {audited.canaries} 个金丝雀上作 {audited.guesses} 次猜测，"
            f"至多能表明 {audited.ceiling:.3g}" + ("；无论训练如何都无法推翻该声明" if blind else ""),
        ),
    )


def _controls(training: Training, delta: float, bounds: Bounds) -> tuple[ControlRun, ControlRun]:
    """The same noise without sampling has a closed form; half the noise must be noticed."""
    steps = min(training.steps, 100)
    exact = gaussian_epsilon(training.noise_multiplier / math.sqrt(steps), delta)
    known = epsilon_bounds(Training(training.noise_multiplier, 1.0, steps), delta)
    half = epsilon_bounds(Training(training.noise_multiplier / 2, training.sampling_rate, training.steps), delta)
    return (
        ControlRun(
            kind="null",
            expected=Text(
                f"without sampling {steps} steps have the exact epsilon {exact:.4f}",
                f"不采样时 {steps} 步的精确 ε 为 {exact:.4f}",
            ),
            seen=Text(
                f"between {known.low:.4f} and {known.high:.4f}", f"介于 {known.low:.4f} 与 {known.high:.4f} 之间"
            ),
            passed=known.low <= exact <= known.high <= known.low + WIDEST * exact,
        ),
        ControlRun(
            kind="planted",
            expected=Text("half the noise has a budget above the recomputed one", "噪声减半时预算高于复算值"),
            seen=Text(f"at least {half.low:.4g}", f"至少 {half.low:.4g}"),
            passed=half.low > bounds.high,
        ),
    )


def _report(claim: DifferentialPrivacy, bounds: Bounds, renyi: float, audited: AuditResult | None) -> dict[str, object]:
    report: dict[str, object] = {
        "schema": "touchstone.dp-accounting/v1",
        "sampling": claim.sampling,
        "claimed_epsilon": str(number(claim.claimed_epsilon)),
        "epsilon_low": str(number(bounds.low)),
        "epsilon_high": str(number(bounds.high)),
        "epsilon_renyi": str(number(renyi)),
    }
    if audited is not None:
        report["audit"] = {
            "canaries": audited.canaries,
            "guesses": audited.guesses,
            "right": audited.right,
            "epsilon_low": str(number(audited.low)),
            "ceiling": str(number(audited.ceiling)),
        }
    return report
