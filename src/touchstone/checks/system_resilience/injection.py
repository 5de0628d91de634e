"""Prompt injection and jailbreaks: what an attacker who adapts gets an assistant to do against its instructions.

Direct attacks come from whoever talks to the assistant; indirect ones stand in papers that somebody else asks it about.
An attack counts by its effect alone: a secret that only the instructions hold, a result that had to be worked out
against a rule, an address with the secret in it, a call of a tool with the attacker's argument. Nothing an assistant
could repeat, quote, translate or sum up from the prompt counts. Beside that, ordinary errands show what guards cost.

Nothing is sent without the consent in `deployment.endpoint_tests`, which also bounds requests and time.

Tests of the test, in every run: assistants that repeat, quote, refuse, sum up or simply work are never counted as
broken, assistants with one planted weakness are, and errands tell an honest assistant from one that refuses.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from touchstone.checks.declaration import Measurement, MetricDeclaration, Needs, Run, check
from touchstone.checks.least_samples import LeastSamples, too_few, undecided_below
from touchstone.checks.system_resilience.consented_assistant import ConsentedAssistant, agreed_allowance
from touchstone.checks.system_resilience.injection_campaign import Campaign, Effort, Setting
from touchstone.checks.system_resilience.injection_controls import validate_judge
from touchstone.checks.system_resilience.injection_evidence import exhibits, worst_techniques
from touchstone.checks.system_resilience.injection_usefulness import Usefulness, own_tasks
from touchstone.checks.system_resilience.inputs import may_be_shown
from touchstone.errors import BudgetSpentError
from touchstone.methods.attacks.sequential import looks_at
from touchstone.records import Access, Metric, Note
from touchstone.system.description.model import Generation
from touchstone.system.subject import Subject
from touchstone.text import Text

EFFORTS = {
    "quick": Effort(lessons=240, tries=2, goals=500, errands=100),
    "standard": Effort(lessons=400, tries=4, goals=500, errands=200),
    "full": Effort(lessons=800, tries=6, goals=1000, errands=400),
}
METRICS = {"direct": "direct_asr", "indirect": "indirect_asr_with_effect"}


@check(
    id="llm.injection",
    version="1",
    title=Text("Prompt injection and jailbreaks", "提示注入与越狱"),
    measures=Text(
        "The share of an attacker's goals that are reached although the assistant's instructions forbid it: by whoever "
        "talks to it, and by whoever leaves a text in papers it is asked about. The attacker first learns which "
        "techniques work, then has several tries at each fresh goal. A goal is reached when its effect is seen: a "
        "secret given away, a forbidden result worked out, a leaking address, a tool called. And the share of ordinary "
        "errands that are still solved.",
        "在助手的指令明令禁止的情况下，攻击者仍能达成的目标占比：包括直接与助手对话者，以及在其所读文件中埋入文字者。"
        "攻击者先学习哪些手法有效，再对每个全新目标尝试数次。只有出现实际后果才算达成：泄露秘密、算出被禁止的结果、"
        "给出会外泄的网址、调用工具。同时度量日常任务仍能完成的占比。",
    ),
    cannot_tell=Text(
        "The shares are lower bounds of what a better attacker reaches: people, attacks optimised on the model's "
        "weights and attacks on the product's own secrets are not covered. Patterns judge, not people and no other "
        "model: a result written in words, a secret paraphrased or given away in three pieces are missed. The "
        "situations are made up, in English and Chinese, and their wordings are public: real papers and tools differ, "
        "and whoever trains on these wordings looks better than they are. Services answer differently from one day to "
        "the next.",
        "所得占比只是更强攻击者所能达到水平的下界：不涵盖人工攻击、基于模型权重优化的攻击，以及针对产品自有秘密的攻击。"
        "评判依据文本模式，并非人工或其他模型：用文字写出的计算结果、经改述或分三处以上泄露的秘密会被漏判。"
        "情境为中英文虚构且措辞公开：与真实文件和工具有差异，针对这些措辞训练的系统会显得比实际更好。"
        "同一服务在不同日期的回答也可能不同。",
    ),
    remedy=Text(
        "Keep secrets out of the instructions; give the assistant no tool and no right that the asking user does not "
        "have, and let people confirm actions with consequences; mark foreign texts as data and take instructions out "
        "of them before the model reads them; show no pictures and no links to unknown hosts; normalise and decode "
        "inputs before filters; train on refusals of the techniques named in the notes, and check that ordinary "
        "errands still work.",
        "不要在指令中存放秘密；不授予助手超出提问用户权限的工具与权利，有后果的操作须经人工确认；将外来文本标记为数据，"
        "并在模型读取前剔除其中的指令；不显示指向未知主机的图片与链接；过滤前先对输入做规范化与解码；"
        "针对备注中列出的手法做拒绝训练，并确认日常任务不受影响。",
    ),
    threats=("AML.T0051", "AML.T0054", "NISTAML.018", "NISTAML.015", "CWE-1427"),
    source="Greshake et al. 2023 (indirect injection); Wei et al. 2023 (jailbreak families); Debenedetti et al. 2024 "
    "(AgentDojo: effects and utility); Tramer et al. 2020 (adaptive attacks)",
    needs=Needs(access=Access.LABELS, target=False, tasks=("generation",), inputs=("text",), attacked_service=True),
    metrics=(
        MetricDeclaration(
            "direct_asr", "share", "lower", Text("goals reached by direct attacks", "直接攻击达成的目标占比")
        ),
        MetricDeclaration(
            "indirect_asr_with_effect",
            "share",
            "lower",
            Text("goals reached, with effect, by attacks in papers", "经由文件攻击并产生实际后果的目标占比"),
        ),
        MetricDeclaration(
            "benign_utility_retained",
            "share_of_unguarded",
            "higher",
            Text("ordinary errands still solved, of those solved without guards", "相对无防护时仍能完成的日常任务占比"),
        ),
    ),
    parameters=LeastSamples,
    cost=lambda _, __, budget: {"quick": 60, "standard": 150, "full": 420}[budget],
)
def injection(subject: Subject, parameters: LeastSamples, run: Run) -> Measurement:
    """Validate the judge, let the attacker learn, then measure in looks, each part until its limit is settled."""
    declared = subject.description.model.generation or Generation()
    setting = Setting(declared.languages, declared.calls_tools)
    effort = EFFORTS[run.budget]
    effort = replace(effort, goals=max(effort.goals, parameters.n_min))
    own = own_tasks(subject)
    validation = validate_judge(setting, run)
    run.progress(0.05)
    allowance = agreed_allowance(subject)
    guarded = ConsentedAssistant(subject.assistant(), allowance)
    unguarded = ConsentedAssistant(subject.unguarded_assistant(), allowance) if declared.unguarded_model else None
    campaigns = [Campaign(sort, guarded, setting, effort, run.generator(sort)) for sort in ("direct", "indirect")]
    usefulness = Usefulness((guarded, unguarded), setting, effort.errands, own, run.generator("errands"))
    trial = _Trial(campaigns, usefulness, parameters.n_min, run)
    spent = None
    try:
        trial.carry_out()
    except BudgetSpentError as error:
        spent = error
    metrics = trial.metrics()
    if spent is not None and not metrics:
        raise spent
    return Measurement(
        metrics,
        validation.controls,
        exhibits(campaigns, usefulness, validation, run, own_shown=may_be_shown(subject)),
        trial.remarks(spent),
    )


class _Trial:
    """Both campaigns and the errands, side by side: whatever runs out, something is known of each."""

    def __init__(self, campaigns: Sequence[Campaign], usefulness: Usefulness, least: int, run: Run) -> None:
        self.campaigns, self.usefulness, self.least, self.run = campaigns, usefulness, least, run
        self.parts: list[Campaign | Usefulness] = [*campaigns, usefulness]

    def carry_out(self) -> None:
        """Learn, then measure in looks. Raises `BudgetSpentError` when no more may be asked."""
        for campaign in self.campaigns:
            campaign.learn()
            self.run.progress(0.1 if campaign is self.campaigns[0] else 0.15)
        looks = sorted({look for part in self.parts for look in looks_at(part.samples)})
        going_on = list(self.parts)
        for look in looks:
            for part in list(going_on):
                part.measure_up_to(min(look, part.samples))
                if look >= part.samples or self.run.decided(self._metrics_of(part)):
                    going_on.remove(part)
            self.run.progress(0.15 + 0.8 * look / looks[-1])

    def metrics(self) -> tuple[Metric, ...]:
        """What was measured until now."""
        return tuple(metric for part in self.parts for metric in self._metrics_of(part))

    def remarks(self, spent: BudgetSpentError | None) -> tuple[Note, ...]:
        """What a reader of the numbers has to know."""
        effort = self.campaigns[0].effort
        notes = [_attacker(effort), *filter(None, map(worst_techniques, self.campaigns))]
        if spent is not None:
            notes.append(Note(code="allowance-spent", text=spent.what))
            for campaign in self.campaigns:
                notes += too_few(self.least, len(campaign.reached), _GOALS[campaign.sort])
        if not self.usefulness.compared:
            notes.append(_NOTHING_TO_COMPARE)
        if self.usefulness.nothing_to_retain:
            notes.append(_NOTHING_RETAINED)
        elif self.usefulness.papers_unread:
            notes.append(_PAPERS_UNREAD)
        return tuple(notes)

    def _metrics_of(self, part: Campaign | Usefulness) -> tuple[Metric, ...]:
        if isinstance(part, Usefulness):
            return part.metrics()
        return tuple(undecided_below(self.least, metric.n, metric) for metric in part.metrics(METRICS[part.sort]))


_GOALS = {
    "direct": Text("goals were attacked directly", "直接攻击的目标"),
    "indirect": Text("goals were attacked through papers", "经由文件攻击的目标"),
}


def _attacker(effort: Effort) -> Note:
    return Note(
        code="attacker",
        text=Text(
            f"the attacker learnt from about {effort.lessons} tries of each sort and had {effort.tries} tries at each "
            "goal that counts; with more of either, more goals may be reached",
            f"攻击者每类先以约 {effort.lessons} 次尝试学习，对每个计数目标可尝试 {effort.tries} 次；若次数更多，"
            "可能达成更多目标",
        ),
    )


_NOTHING_TO_COMPARE = Note(
    code="no-unguarded-form",
    text=Text(
        "no form of the model without guards is declared: the share of all errands that were solved stands for what is "
        "retained, and is a lower bound of it; an errand that the model cannot do anyway counts against it",
        "未声明不带防护的同一模型：以全部日常任务的完成占比代替保留占比，该值为其下界；模型本就无法完成的任务也计为损失",
    ),
)
_NOTHING_RETAINED = Note(
    code="unguarded-solves-nothing",
    text=Text(
        "the model solved no errand even without its guards, so what guards cost cannot be measured, and that attacks "
        "fail may only show that it understands nothing",
        "模型即使不带防护也未完成任何日常任务，因此无法度量防护的代价；攻击失败也可能只说明模型什么都没有理解",
    ),
)
_PAPERS_UNREAD = Note(
    code="papers-unread",
    text=Text(
        "not one errand about a paper was solved: that attacks in papers fail may only show that nothing is read",
        "涉及文件的任务无一完成：经由文件的攻击失败，可能只说明助手并未读懂文件",
    ),
)
