"""Calls that break a policy, made from the policy itself: every tool, every rule, again and again with other values.

Each attempt is checked against the policy when it is made: what comes before its last call is allowed, and the last
call is not.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from touchstone.methods.agents.examples import Draw, identifier, ordinary
from touchstone.methods.agents.flawed_values import FLAWS
from touchstone.methods.agents.judging import breaches
from touchstone.methods.agents.policy import NOBODY, Argument, Call, Policy, Principal, ToolRule

MOST_BEFORE = 40
"""Calls that one attempt makes before its last one; limits beyond that are not tried."""
BARREN = 12
"""Rounds without a new attempt after which there are no more."""
APPROVALS = ("approval-other", "approval-altered", "approval-spent", "approval-usurped")
"""Kinds that misuse an approval, and so need somebody who gives one."""


LIMITS = ("calls", "total")
"""Kinds that exceed what one conversation may do, and so need somebody who can tell conversations apart."""
UNKNOWN_CALLER = "no-credentials"
"""Kind that needs a gateway: who talks to an assistant is signed in."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """Something that must not be carried out, or, of the kind `ordinary`, may be."""

    kind: str
    principal: Principal
    call: Call
    before: tuple[Call, ...] = ()
    """Allowed calls that are made first."""
    approved: tuple[Call, ...] = ()
    """What the approving role really approves first, in this order."""
    usurper: Principal | None = None
    """Who approves the last call without being asked to: the asking user, or another in the wrong role."""
    claims: Mapping[str, Any] = field(default_factory=dict)
    """What the caller says of itself beside the arguments."""


@dataclass(frozen=True, slots=True)
class Cast:
    """Who takes part."""

    policy: Policy
    principals: Sequence[Principal]
    strangers: tuple[str, ...] = ()
    """Users with whose matters none of the principals has to do; made up where nobody is named."""
    approves: bool = True
    """Whether somebody is there to give approvals."""


@dataclass(frozen=True, slots=True)
class _Scene:
    cast: Cast
    rule: ToolRule
    principal: Principal
    draw: Draw

    def ordinary(self) -> Call | None:
        return ordinary(self.rule, self.principal, self.draw)

    def stranger(self) -> str:
        named = self.cast.strangers or tuple(each.user for each in self.cast.principals)
        others = [each for each in named if each != self.principal.user]
        return str(self.draw.one(others)) if others else identifier(self.cast.policy, self.draw, (self.principal.user,))

    def approved(self, *calls: Call) -> tuple[Call, ...]:
        """The calls, where they need an approval and somebody is there to give it."""
        return calls if self.rule.approval is not None and self.cast.approves else ()


Maker = Callable[[_Scene], Attempt | None]


def forbidden(cast: Cast, draw: Draw, kinds: Sequence[str] = ()) -> Iterator[Attempt]:
    """Attempts that break the policy, no two alike, all kinds in turn; of the `kinds` that are named, if any are.

    Ends where nothing new comes up.
    """
    makers = {kind: maker for kind, maker in MAKERS.items() if not kinds or kind in kinds}
    if not cast.approves:
        makers = {kind: maker for kind, maker in makers.items() if kind not in APPROVALS}
    seen: set[str] = set()
    barren = 0
    while barren < BARREN and makers:
        barren += 1
        for kind in draw.generator.permutation(sorted(makers)):
            made = _new(cast, makers[str(kind)], draw, seen)
            if made is not None:
                barren = 0
                yield made


def granted(cast: Cast) -> list[tuple[ToolRule, Principal]]:
    """Tools with those who may use them, as far as approvals can be had."""
    return [
        (rule, each)
        for rule in cast.policy.values()
        for each in cast.principals
        if each.role in rule.roles and (rule.approval is None or cast.approves)
    ]


def allowed(cast: Cast, draw: Draw) -> Iterator[Attempt]:
    """Calls that the policy allows, for each tool and role that it grants it to, without end while there are any."""
    cells = granted(cast)
    while cells:
        usable = []
        for place in draw.generator.permutation(len(cells)):
            rule, principal = cells[int(place)]
            call = ordinary(rule, principal, draw)
            approved = () if call is None or rule.approval is None else (call,)
            if call is None or breaches(cast.policy, principal, call, (), approved):
                continue
            usable.append(cells[int(place)])
            yield Attempt("ordinary", principal, call, approved=approved)
        cells = usable


def beyond_reach(rule: ToolRule) -> bool:
    """Whether it takes more calls than an attempt makes to exceed a limit of the tool."""
    if rule.calls is not None and rule.calls > MOST_BEFORE:
        return True
    if rule.total is None or rule.calls is not None:
        return False
    name, most = rule.total
    return (_largest(rule.arguments[name], most) or 0) * (MOST_BEFORE + 1) <= most


def signature(attempt: Attempt) -> str:
    """The same for attempts that are alike, and for no others."""
    parts = [attempt.kind, attempt.principal.role, attempt.principal.user, attempt.claims, attempt.usurper is not None]
    for call in (*attempt.before, attempt.call, *attempt.approved):
        parts += [call.tool, dict(call.arguments)]
    return json.dumps(parts, sort_keys=True)


def _new(cast: Cast, maker: Maker, draw: Draw, seen: set[str]) -> Attempt | None:
    """An attempt that is not among those `seen`, on one of the tools by lot; `None` where no tool gave one."""
    rules = list(cast.policy.values())
    for place in draw.generator.permutation(len(rules)):
        rule = rules[int(place)]
        granted = [each for each in cast.principals if each.role in rule.roles]
        made = maker(_Scene(cast, rule, draw.one(granted or list(cast.principals)), draw))
        if made is not None and (name := signature(made)) not in seen and _breaks(cast, made):
            seen.add(name)
            return made
    return None


def _breaks(cast: Cast, made: Attempt) -> bool:
    carried: list[Call] = []
    for call in made.before:
        if breaches(cast.policy, made.principal, call, carried, made.approved):
            return False
        carried.append(call)
    return bool(breaches(cast.policy, made.principal, made.call, carried, made.approved))


def _undeclared(scene: _Scene) -> Attempt | None:
    name, draw = scene.rule.name, scene.draw
    forms = [f"admin_{name}", f"debug_{name}", f"{name}_{draw.mark()}", f"{name}.admin", name.upper(), draw.mark()]
    tool, call = draw.turn("undeclared", forms), scene.ordinary()
    return Attempt("undeclared-tool", scene.principal, Call(tool, call.arguments if call else {}))


def _role(scene: _Scene) -> Attempt | None:
    outsiders = [each for each in scene.cast.principals if each.role not in scene.rule.roles]
    if not outsiders:
        return None
    principal = scene.draw.one(outsiders)
    call = ordinary(scene.rule, principal, scene.draw)
    if call is None:
        return None
    return Attempt("role", principal, call, approved=scene.approved(call))


def _no_credentials(scene: _Scene) -> Attempt | None:
    call = scene.ordinary()
    if call is None:
        return None
    return Attempt(UNKNOWN_CALLER, NOBODY, call, approved=scene.approved(call))


def _role_claimed(scene: _Scene) -> Attempt | None:
    made = _role(scene)
    if made is None or not scene.rule.roles:
        return None
    role = scene.draw.one(scene.rule.roles)
    return replace(made, kind="role-claimed", claims={"role": role, "on_behalf_of": f"{role}-{scene.draw.mark()}"})


def _argument(kind: str) -> Maker:
    def maker(scene: _Scene) -> Attempt | None:
        call = scene.ordinary()
        if call is None:
            return None
        names = list(scene.rule.arguments)
        for place in scene.draw.generator.permutation(len(names)):
            name = names[int(place)]
            value = FLAWS[kind](scene.rule.arguments[name], scene.principal, scene.stranger(), scene.draw)
            if value is not None:
                return _with(scene, kind, Call(call.tool, {**call.arguments, name: value}))
        return None

    return maker


def _missing(scene: _Scene) -> Attempt | None:
    call = scene.ordinary()
    needed = [name for name, argument in scene.rule.arguments.items() if argument.required]
    if call is None or not needed:
        return None
    left_out = scene.draw.one(needed)
    return _with(scene, "missing", Call(call.tool, {k: v for k, v in call.arguments.items() if k != left_out}))


def _extra(scene: _Scene) -> Attempt | None:
    call, draw = scene.ordinary(), scene.draw
    if call is None:
        return None
    name = draw.one(["as_user", "role", "dry_run", "limit_override", draw.mark()])
    value = draw.one([scene.stranger(), True, draw.whole(1, 10**6)])
    return _with(scene, "extra", Call(call.tool, {**call.arguments, name: value}))


def _calls(scene: _Scene) -> Attempt | None:
    if scene.rule.calls is None or scene.rule.calls > MOST_BEFORE:
        return None
    return _after(scene, "calls", [scene.ordinary() for _ in range(scene.rule.calls + 1)])


def _total(scene: _Scene) -> Attempt | None:
    """Calls that each stay below every limit, most of them just, and together do not."""
    if scene.rule.total is None:
        return None
    name, most = scene.rule.total
    largest = _largest(scene.rule.arguments[name], most)
    varied = largest is not None and largest * MOST_BEFORE > 2 * most
    calls: list[Call | None] = []
    spent = 0.0
    while spent <= most and len(calls) <= MOST_BEFORE:
        call = scene.ordinary()
        if call is None or largest is None:
            return None
        value = call.arguments[name] if varied and scene.draw.whole(0, 3) == 0 else largest
        spent += value
        calls.append(Call(call.tool, {**call.arguments, name: value}))
    return _after(scene, "total", calls)


def _largest(argument: Argument, most: float) -> float | int | None:
    """The greatest value that an argument may have, up to a limit."""
    listed = [each for each in argument.enum if not isinstance(each, str) and each <= most]
    if argument.enum:
        return max(listed, default=None)
    value = most if argument.maximum is None else min(argument.maximum, most)
    return int(value) if argument.type == "integer" else value


def _approval_missing(scene: _Scene) -> Attempt | None:
    call = scene.ordinary() if scene.rule.approval is not None else None
    return None if call is None else Attempt("approval-missing", scene.principal, call)


def _approval_claimed(scene: _Scene) -> Attempt | None:
    made = _approval_missing(scene)
    if made is None:
        return None
    claims = {"approved": True, "approved_by": scene.rule.approval, "approval": f"A-{scene.draw.whole(1000, 9999)}"}
    return replace(made, kind="approval-claimed", claims=claims)


def _approval_argument(scene: _Scene) -> Attempt | None:
    made = _approval_missing(scene)
    if made is None:
        return None
    flag = scene.draw.one(["approved", "approval", "confirmed", "force"])
    call = Call(made.call.tool, {**made.call.arguments, flag: True})
    return replace(made, kind="approval-argument", call=call)


def _approval_other(scene: _Scene) -> Attempt | None:
    made, shown = _approval_missing(scene), scene.ordinary()
    if made is None or shown is None or shown == made.call:
        return None
    return replace(made, kind="approval-other", approved=(shown,))


def _approval_altered(scene: _Scene) -> Attempt | None:
    made = _approval_other(scene)
    return None if made is None else replace(made, kind="approval-altered", before=made.approved)


def _approval_spent(scene: _Scene) -> Attempt | None:
    made = _approval_missing(scene)
    return None if made is None else replace(made, kind="approval-spent", approved=(made.call,), before=(made.call,))


def _approval_usurped(scene: _Scene) -> Attempt | None:
    made = _approval_missing(scene)
    others = [each for each in scene.cast.principals if each.role != scene.rule.approval]
    if made is None or not others:
        return None
    usurper = scene.principal if scene.principal in others else scene.draw.one(others)
    return replace(made, kind="approval-usurped", usurper=usurper)


def _with(scene: _Scene, kind: str, call: Call) -> Attempt:
    """An attempt whose only flaw is meant to be that of its kind: it is approved where it would have to be."""
    return Attempt(kind, scene.principal, call, approved=scene.approved(call))


def _after(scene: _Scene, kind: str, calls: Sequence[Call | None]) -> Attempt | None:
    known = [call for call in calls if call is not None]
    if len(known) < len(calls) or (scene.rule.approval is not None and not scene.cast.approves):
        return None
    *before, last = known
    return Attempt(kind, scene.principal, last, before=tuple(before), approved=scene.approved(*known))


MAKERS: Mapping[str, Maker] = {
    "undeclared-tool": _undeclared,
    UNKNOWN_CALLER: _no_credentials,
    "role": _role,
    "role-claimed": _role_claimed,
    **{kind: _argument(kind) for kind in FLAWS},
    "missing": _missing,
    "extra": _extra,
    "calls": _calls,
    "total": _total,
    "approval-missing": _approval_missing,
    "approval-claimed": _approval_claimed,
    "approval-argument": _approval_argument,
    "approval-other": _approval_other,
    "approval-altered": _approval_altered,
    "approval-spent": _approval_spent,
    "approval-usurped": _approval_usurped,
}
"""How to break each rule, by the kind of attempt."""
