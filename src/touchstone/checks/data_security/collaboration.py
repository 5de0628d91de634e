"""Joint training of parties that keep their data (DS-11): who hides in what was opened, and what malicious ones can do.

Threats: an update gives away the rows it was made of (NIST AI 100-2 NISTAML.032); sums of overlapping cohorts give away
an update; a few parties that break the protocol spoil the model for all (NISTAML.026). The operator declares the
protocol and keeps a register of what was opened. The register is held against itself and the declaration; gradient
inversion and malicious parties are run here, on the model and the data that were handed in.
"""

from __future__ import annotations

from pydantic import Field

from touchstone.canonical import canonical_json
from touchstone.checks.data_security.collaboration_cohorts import (
    Opened,
    alone,
    audited,
    cohort_controls,
    smallest_cohort,
)
from touchstone.checks.data_security.collaboration_federation import attack_federation
from touchstone.checks.data_security.collaboration_inversion import invert_updates
from touchstone.checks.data_security.collaboration_part import Part, not_measured
from touchstone.checks.declaration import ANY_KIND, Measurement, MetricDeclaration, Needs, Parameters, Run, check
from touchstone.errors import UnavailableError
from touchstone.system.description import Collaboration
from touchstone.system.registers.collaboration_rounds import CollaborationRound
from touchstone.system.subject import Subject
from touchstone.text import Text


class SessionParameters(Parameters):
    """How many parties are malicious."""

    malicious_share: float = Field(0.2, gt=0, lt=0.5)


@check(
    id="collab.session",
    version="1",
    title=Text("Privacy of joint training", "协同训练的隐私与抗恶意能力"),
    measures=Text(
        "The fewest parties among whom an update hides in any sum that was opened, or in what sums of a round come to "
        "together; how many training rows gradient inversion identifies in what the server sees; how much accuracy "
        "the strongest of five attacks by malicious parties costs under the declared rule.",
        "任一公开求和（及同轮多次求和的组合）中更新得以隐藏的最少参与方数；对服务器所见内容实施梯度反演可识别的训练数据行比例；"
        "在声明的聚合规则下，恶意参与方五种攻击中最强者造成的准确率损失。",
    ),
    cannot_tell=Text(
        "The register shows what was recorded, not what was opened. Parties that collude know their own part of a sum. "
        "A stronger inversion may identify more. Malicious parties are simulated on rows dealt by lot: it measures the "
        "rule on this task, not the federation that was. Poisoning with a hidden trigger is not looked for here.",
        "登记记录只说明所记内容，不证明实际公开了什么。合谋的参与方知晓求和中自身的部分。更强的反演可能识别更多。"
        "恶意参与方在随机分配的数据上模拟：测得的是该规则在本任务上的表现，而非真实联邦。此处不检测带触发器的投毒。",
    ),
    remedy=Text(
        "Open sums of five authenticated parties at least, under secure aggregation, once for each round and group; "
        "more rows in each update, or noise on it; a rule that bounds what one party can do: enforced clipping, a "
        "median or trimmed mean over updates or groups.",
        "采用安全聚合，仅公开至少五个已认证参与方的求和，每轮每组只公开一次；增加每次更新的数据行数或加噪；"
        "采用限制单方影响的规则：强制裁剪，或对更新（组均值）取中位数、截尾均值。",
    ),
    threats=("NISTAML.026", "NISTAML.032", "AML.T0020"),
    source="So et al. 2023; Phong et al. 2017; Boenisch et al. 2023; Baruch et al. 2019; "
    "Shejwalkar and Houmansadr 2021; Yin et al. 2018",
    needs=Needs(inputs=ANY_KIND),
    metrics=(
        MetricDeclaration(
            "min_cohort", "parties", "higher", Text("fewest parties in an opened sum", "公开求和的最少参与方数")
        ),
        MetricDeclaration(
            "min_cohort_across_rounds",
            "parties",
            "higher",
            Text("fewest parties over all rounds, if updates hardly changed", "若各轮更新几乎不变，跨轮的最少参与方数"),
        ),
        MetricDeclaration(
            "inversion_success",
            "share",
            "lower",
            Text("rows identified by gradient inversion", "梯度反演识别出的数据行比例"),
        ),
        MetricDeclaration(
            "byzantine_accuracy_drop",
            "points",
            "lower",
            Text("accuracy lost to malicious parties", "恶意参与方造成的准确率损失"),
        ),
    ),
    parameters=SessionParameters,
    cost=lambda _, __, budget: {"quick": 20, "standard": 120, "full": 900}[budget],
)
def collaboration(subject: Subject, parameters: SessionParameters, run: Run) -> Measurement:
    """Read the register, invert what the server sees, let some parties be malicious; each where it can be done."""
    declared = _declared(subject)
    cohorts, cohort = _cohorts(subject, declared, run)
    inversion = _inversion(subject, declared, cohort, run)
    run.progress(0.5)
    federation = _federation(subject, declared, parameters.malicious_share, run)
    parts = (cohorts, inversion, federation)
    metrics = tuple(metric for part in parts for metric in part.metrics)
    if not metrics:
        raise UnavailableError(
            Text(
                "neither a register of rounds nor a model and data to attack", "既无轮次登记，也无可供攻击的模型与数据"
            ),
            "registers",
            Text(
                f"keep the register `{CollaborationRound.register}`; see docs/how-to/test-collaborative-training.md",
                f"请保存 `{CollaborationRound.register}` 登记；见 docs/how-to/test-collaborative-training.md",
            ),
        )
    report = canonical_json(
        {
            "schema": "touchstone.collaboration-report/v1",
            "inversion": inversion.listed,
            "federation": federation.listed,
        }
    )
    return Measurement(
        metrics,
        tuple(control for part in parts for control in part.controls),
        (run.exhibit("collaboration_report.json", "application/json", report),),
        tuple(note for part in parts for note in part.notes),
    )


def _declared(subject: Subject) -> Collaboration:
    training = subject.description.training
    if training is None or training.collaboration is None:
        raise UnavailableError(
            Text("how parties trained together was not declared", "未声明协同训练的方式"),
            "training.collaboration",
            Text(
                "declare parties, rule, what the server sees, and how an update is made",
                "请在此声明参与方、聚合规则、服务器可见内容与更新的产生方式",
            ),
        )
    return training.collaboration


def _cohorts(subject: Subject, declared: Collaboration, run: Run) -> tuple[Part, int | None]:
    """How many hide in what was opened: as a part of the result, and as a number where it is known."""
    controls = cohort_controls(run.generator("made-up rounds"))
    if declared.server_sees == "updates":
        found = alone(declared.parties)
        return Part(found.metrics, controls, found.notes), 1
    try:
        rounds = subject.register(CollaborationRound)
    except UnavailableError as error:
        return not_measured("cohorts-not-measured", Text("parties in opened sums", "公开求和的参与方数"), error), None
    opened = Opened(declared, rounds)
    found = audited(opened)
    return Part(found.metrics, controls, found.notes), max(len(smallest_cohort(opened)), 1)


def _inversion(subject: Subject, declared: Collaboration, cohort: int | None, run: Run) -> Part:
    what = Text("gradient inversion", "梯度反演")
    if cohort is None:
        unknown = UnavailableError(
            Text("how many parties hide in a sum is not known", "不知求和中有多少参与方"),
            "registers",
            Text("keep the register of rounds", "请保存轮次登记"),
        )
        return not_measured("inversion-not-measured", what, unknown)
    try:
        return invert_updates(subject, declared, cohort, run)
    except UnavailableError as error:
        return not_measured("inversion-not-measured", what, error)


def _federation(subject: Subject, declared: Collaboration, malicious_share: float, run: Run) -> Part:
    try:
        return attack_federation(subject, declared, malicious_share, run)
    except UnavailableError as error:
        return not_measured("malicious-parties-not-measured", Text("malicious parties", "恶意参与方"), error)
