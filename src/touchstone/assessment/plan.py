"""Which checks a system gets under a profile, which it cannot get and why, and what that will cost.

Planning reads the description only: no model is opened and no data is read.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from importlib.util import find_spec

from pydantic import JsonValue, ValidationError

from touchstone.assessment.environment import tool
from touchstone.assessment.seeds import drawn, seed_of
from touchstone.checks.declaration import Check, Parameters
from touchstone.errors import StandardError, UserError
from touchstone.records import Access, Budget, CheckIdentity, Note, Plan, PlanItem, Profile, Requirement
from touchstone.standard.applicability import Facts, applies
from touchstone.standard.comparing import stopping_limits
from touchstone.system.models.handle import Capability
from touchstone.system.subject import Subject
from touchstone.text import Text

ACCESS_NAMES = {
    Access.PREDICTIONS: Text("precomputed predictions", "预计算的预测结果"),
    Access.LABELS: Text("labels", "标签输出"),
    Access.PROBABILITIES: Text("probabilities", "概率输出"),
    Access.ARTEFACT: Text("the artefact", "模型文件"),
}
_TASKS_ZH = {"classification": "分类", "regression": "回归", "generation": "生成式"}
_INPUTS_ZH = {"tabular": "表格", "image": "图像", "timeseries": "时间序列", "text": "文本"}
CONDITIONS = "conditions"
"""Parameter of the checks that simulate the conditions of the operating domain."""
WHITE_BOX_FORMATS = frozenset({"safetensors", "torch-export", "onnx"})
"""Formats that give gradients where PyTorch is installed. An ONNX graph with operators that cannot be followed gives
none after all; only opening it shows, and the check then says so."""


def make_plan(
    subject: Subject,
    profile: Profile,
    checks: Mapping[str, Check],
    budget: Budget,
    *,
    only: Collection[str] = (),
    skip: Collection[str] = (),
    nonce_from: str | None = None,
) -> Plan:
    """Plan every check that an applicable control of `profile` asks for.

    `only` and `skip` name checks or controls; `nonce_from` who will give the nonce that :func:`with_seeds` needs. A
    control that does not apply is not tested; one that cannot be
    tested stays in the plan with its reason. Raises `UserError` for a name in `only` or `skip` that means nothing.
    """
    wanted = applicable(profile, subject.facts)
    ids = checks_of(wanted)
    _refuse_unknown_names({*only, *skip}, profile, checks)
    items = [
        _item(subject, profile, check_id, checks.get(check_id), demanding(check_id, wanted), budget, only, skip)
        for check_id in ids
    ]
    if nonce_from is not None:
        items = [item.model_copy(update={"seed": ""}) for item in items]
    return Plan(
        system=subject.digest,
        profile=profile.own_digest(),
        profile_id=profile.id,
        edition=profile.edition,
        budget=budget,
        items=tuple(items),
        tool=tool(),
        nonce_from=nonce_from,
    )


def with_seeds(plan: Plan, nonce: str | None) -> Plan:
    """The plan as it is run: with the seeds that follow from the nonce, if it waits for one.

    Raises `ValueError` when a nonce is missing, or given to a plan that waits for none.
    """
    if (nonce is None) != (plan.nonce_from is None):
        raise ValueError("a nonce goes with a plan that names who gives it")
    if nonce is None:
        return plan
    origin = drawn(plan.own_digest(), nonce)
    items = tuple(
        item.model_copy(update={"seed": seed_of(origin, item.check.id, item.check.version)}) if item.runs else item
        for item in plan.items
    )
    return plan.model_copy(update={"items": items})


def applicable(profile: Profile, facts: Facts) -> list[Requirement]:
    """The requirements of a profile that surely apply where these facts are known."""
    return [
        requirement
        for requirement in profile.requirements
        if applies(requirement.applies_when, profile.assumed_facts, facts) == "true"
    ]


def checks_of(requirements: Iterable[Requirement]) -> list[str]:
    """Every check that some of the requirements ask for, once, in their order."""
    return list(dict.fromkeys(check for requirement in requirements for check in requirement.checks))


def demanding(check_id: str, requirements: Iterable[Requirement]) -> list[Requirement]:
    """The requirements that ask for a check."""
    return [requirement for requirement in requirements if check_id in requirement.checks]


def _item(
    subject: Subject,
    profile: Profile,
    check_id: str,
    check: Check | None,
    demanding: list[Requirement],
    budget: Budget,
    only: Collection[str],
    skip: Collection[str],
) -> PlanItem:
    controls = tuple(requirement.control for requirement in demanding)
    if check is None:
        return PlanItem(
            check=CheckIdentity(id=check_id, version="0"), controls=controls, runs=False, reason=NO_TEST_YET, seed=""
        )
    reason = _deselected(check_id, controls, only, skip) or _unmet_need(check, subject)
    parameters = _parameters(check, profile, demanding)
    return PlanItem(
        check=CheckIdentity(id=check.id, version=check.version),
        controls=controls,
        runs=reason is None,
        reason=reason,
        parameters=_recorded(parameters),
        seed=seed_of(subject.digest, check.id, check.version),
        limits=stopping_limits(demanding, [metric.id for metric in check.metrics]),
        estimated_seconds=0 if check.cost is None else check.cost(subject, parameters, budget),
        audit=check.needs.run,
    )


NO_TEST_YET = Note(
    code="no-test-yet",
    text=Text("No installed check measures this yet.", "目前尚无已安装的检查项可对此测量。"),
)


def _deselected(check_id: str, controls: tuple[str, ...], only: Collection[str], skip: Collection[str]) -> Note | None:
    names = {check_id, *controls}
    if (only and not names & set(only)) or names & set(skip):
        return Note(code="deselected", text=Text("Left out by the person who ran this.", "由执行者排除。"))
    return None


def _unmet_need(check: Check, subject: Subject) -> Note | None:
    """The first thing this check needs and this system does not give."""
    needs, model = check.needs, subject.description.model
    if needs.access is not None and not subject.access.allows(needs.access):
        needed, given = ACCESS_NAMES[needs.access], ACCESS_NAMES[subject.access]
        return Note(
            code="access-too-low",
            text=Text(
                f"Needs access to {needed.en}; only {given.en} were given.",
                f"需要{needed.zh}访问权限，仅提供了{given.zh}。",
            ),
        )
    if needs.access is not None and model.task not in needs.tasks:
        return Note(
            code="task-not-covered",
            text=Text(f"Does not cover {model.task} models.", f"不适用于{_TASKS_ZH[model.task]}模型。"),
        )
    if needs.access is not None and model.input.kind not in needs.inputs:
        return Note(
            code="input-not-covered",
            text=Text(f"Does not cover {model.input.kind} inputs.", f"不适用于{_INPUTS_ZH[model.input.kind]}输入。"),
        )
    if needs.attacked_service and (refusal := _no_service_to_attack(subject)):
        return refusal
    if missing := needs.capabilities - _expected_capabilities(subject):
        names = ", ".join(sorted(missing))
        return Note(
            code="capability-missing",
            text=Text(f"The model as handed in cannot give: {names}.", f"所提交的模型无法提供：{names}。"),
        )
    return _unmet_data(check, subject)


def _no_service_to_attack(subject: Subject) -> Note | None:
    """Hostile requests go to a running service only, and only where its owner agreed in writing."""
    if subject.description.model.format != "http":
        return Note(
            code="service-missing",
            text=Text(
                "Needs a running service: a model of format http.", "需要正在运行的服务，即以 http 形式提交的模型。"
            ),
        )
    if subject.description.deployment.endpoint_tests is None:
        return Note(
            code="consent-missing",
            text=Text(
                "Needs consent to hostile requests and load: `deployment.endpoint_tests.consent` of the description.",
                "需要同意对服务发送恶意请求与负载：请填写描述中的 `deployment.endpoint_tests.consent`。",
            ),
        )
    return None


def _unmet_data(check: Check, subject: Subject) -> Note | None:
    data = subject.description.data
    for role in check.needs.data:
        declared = getattr(data, role)
        if declared is None:
            return Note(
                code="data-missing",
                text=Text(f"Needs {role} data, which were not handed in.", f"需要 {role} 数据集，但未提供。"),
            )
        labelled = declared.target is not None or declared.format == "image-folder"
        if check.needs.target and not labelled:
            return Note(
                code="target-missing",
                text=Text(f"Needs the true labels of the {role} data.", f"需要 {role} 数据集的真实标签。"),
            )
    if check.needs.sensitive and (data.test is None or not data.test.sensitive):
        return Note(
            code="sensitive-missing",
            text=Text(
                "Needs sensitive attributes in the test data; none are declared.",
                "需要测试数据中的敏感属性，但未声明。",
            ),
        )
    return None


def _expected_capabilities(subject: Subject) -> frozenset[Capability]:
    """What the handle will be able to do, as far as the description tells."""
    model, test = subject.description.model, subject.description.data.test
    if model.task == "generation":
        return frozenset()
    expected = {Capability.LABELS}
    if model.format == "predictions":
        if test is not None and len(test.predictions) > 1:
            expected.add(Capability.PROBABILITIES)
        return frozenset(expected)
    expected.add(Capability.ANY_INPUT)
    if subject.access.allows(Access.PROBABILITIES) and model.output.kind != "labels":
        expected.add(Capability.PROBABILITIES)
    if subject.access is Access.ARTEFACT and model.output.kind == "logits":
        expected.add(Capability.LOGITS)
    if subject.access is Access.ARTEFACT and model.output.kind != "labels" and _opens_as_a_white_box(model.format):
        expected.add(Capability.GRADIENTS)
    if model.smoothing is not None:  # votes have neither
        expected -= {Capability.LOGITS, Capability.GRADIENTS}
    return frozenset(expected)


def _opens_as_a_white_box(model_format: str) -> bool:
    return model_format in WHITE_BOX_FORMATS and find_spec("torch") is not None


def prescribed(profile: Profile, demanding: Iterable[Requirement]) -> dict[str, JsonValue]:
    """What a profile prescribes for parameters of a check: its operating conditions, and those of the limits on it."""
    values: dict[str, JsonValue] = {CONDITIONS: {name: each.to_json() for name, each in profile.conditions.items()}}
    for requirement in demanding:
        for limit in requirement.limits:
            values |= limit.params
    return values


def _parameters(check: Check, profile: Profile, demanding: Iterable[Requirement]) -> Parameters:
    """The check's own defaults, with what the profile prescribes for parameters of the same name."""
    known = check.parameters.model_fields
    values = {name: value for name, value in prescribed(profile, demanding).items() if name in known}
    try:
        return check.parameters.model_validate(values)
    except ValidationError as error:
        problem = error.errors(include_url=False)[0]
        raise StandardError(
            Text(
                f"prescribes {problem['loc'][0]}={problem['input']!r} for check {check.id}: {problem['msg']}",
                f"为检查项 {check.id} 规定的参数 {problem['loc'][0]}={problem['input']!r} 无效：{problem['msg']}",
            ),
            ", ".join(requirement.control for requirement in demanding),
        ) from None


def _recorded(parameters: Parameters) -> dict[str, JsonValue]:
    """Parameters as they are signed: floats become decimal strings."""
    return {name: _without_floats(value) for name, value in parameters.model_dump(mode="json").items()}


def _without_floats(value: JsonValue) -> JsonValue:
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, list):
        return [_without_floats(item) for item in value]
    if isinstance(value, dict):
        return {name: _without_floats(item) for name, item in value.items()}
    return value


def _refuse_unknown_names(names: set[str], profile: Profile, checks: Mapping[str, Check]) -> None:
    known = {*checks, *(requirement.control for requirement in profile.requirements)}
    known |= {check for requirement in profile.requirements for check in requirement.checks}
    for name in sorted(names - known):
        raise UserError(
            Text(
                f"{name!r} is neither a check nor a control of {profile.id}",
                f"{name!r} 不是检查项，也不是 {profile.id} 的控制项",
            ),
            remedy=Text(
                "`touchstone checks list` and `touchstone standard show` list both",
                "可用 `touchstone checks list` 与 `touchstone standard show` 查看",
            ),
        )
