"""Abuse of a live service: hostile, oversized, slow and costly requests, a flood, and what another client notices.

The service is sent what its protocol forbids (documents broken field by field, bodies that are no JSON, streams that
lie about their length), legal questions that are far too long, clients that never finish a request, and, found by
search, the legal question that takes it the longest. Then an ordinary client is timed alone and beside a flood.

Nothing is sent without the consent in `deployment.endpoint_tests`, which also bounds requests and time, and nothing to
any host but that of `model.endpoint`.

Two tests of the test: ordinary requests to the service are served, and a weak service that the check starts itself on
loopback, attacked by the same code, is caught in every class.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from touchstone.checks.declaration import Measurement, MetricDeclaration, Needs, Run, check
from touchstone.checks.system_resilience.endpoint_attack import Attack, Effort, Found
from touchstone.checks.system_resilience.endpoint_client import Allowance, Endpoint
from touchstone.checks.system_resilience.endpoint_controls import ordinary_are_served, weaknesses_are_found
from touchstone.checks.system_resilience.endpoint_findings import evidence, metrics_of
from touchstone.checks.system_resilience.endpoint_interfaces import interfaces_of
from touchstone.errors import BudgetSpentError, UnavailableError
from touchstone.records import Access, Note
from touchstone.system.subject import Subject
from touchstone.text import Text

TIMEOUT = 10.0
"""Seconds an answer is waited for. Whoever waits in vain counts as having waited so long."""
EFFORTS = {
    "quick": Effort(),
    "standard": Effort(candidates=60, confirmations=60, victim_requests=600),
    "full": Effort(candidates=300, confirmations=120, victim_requests=1500, slow_clients=64),
}


def _share(name: str, en: str, zh: str) -> MetricDeclaration:
    return MetricDeclaration(name, "share", "lower", Text(en, zh))


@check(
    id="runtime.exhaustion",
    version="1",
    title=Text("Abuse of the service and its resources", "服务滥用与资源耗尽"),
    measures=Text(
        "How a running service handles malformed, oversized, slow and costly requests; how much longer its costliest "
        "legal question takes than an ordinary one; how much longer an ordinary client waits while another floods the "
        "service; whether it asks for credentials, limits rate, size and time, and keeps its inside to itself.",
        "运行中的服务如何处理畸形、超大、缓慢及高成本请求；其最耗时的合法请求相对普通请求的耗时倍数；其他客户端洪泛时"
        "普通客户端等待时间的增长倍数；服务是否要求凭据，是否限制速率、大小与时间，以及是否泄露内部信息。",
    ),
    cannot_tell=Text(
        "One client machine sends at most a few hundred requests per second: a distributed flood is not shown. The "
        "costliest question found is a lower bound of the costliest there is. Latencies include the network, and "
        "bounds take them for independent. Recovery is seen once, and a killed service is not started again here.",
        "单台客户端每秒至多发送数百个请求，无法体现分布式洪泛。所找到的最耗时请求只是实际最大值的下界。时延包含网络，"
        "且置信界假定各次时延相互独立。恢复过程仅观察一次，本检查不会重启被终止的服务。",
    ),
    remedy=Text(
        "Validate documents against the protocol before the model sees them; limit size, rate, time and concurrency "
        "for each client, and the time of one inference; answer errors with a code and no details; put a hardened "
        "proxy in front.",
        "在模型处理之前按协议校验请求；对每个客户端限制请求大小、速率、时间与并发，并限制单次推理时间；"
        "错误应答只给出代码，不含细节；在服务前部署加固的反向代理。",
    ),
    threats=("AML.T0029", "AML.T0034", "NISTAML.014", "CWE-400", "CWE-770", "CWE-209", "CWE-306"),
    source="Shumailov et al. 2021 (sponge examples); Godefroid et al. 2008 (grammar-based fuzzing); RFC 9112",
    needs=Needs(
        access=Access.LABELS,
        target=False,
        tasks=("classification", "regression", "generation"),
        inputs=("tabular", "image", "timeseries", "text"),
        attacked_service=True,
    ),
    metrics=(
        MetricDeclaration(
            "cost_amplification",
            "ratio",
            "lower",
            Text(
                "median time of the costliest legal question over that of ordinary ones",
                "最耗时合法请求与普通请求的中位耗时之比",
            ),
        ),
        MetricDeclaration(
            "victim_tenant_p99_ratio",
            "ratio",
            "lower",
            Text(
                "99th percentile of the wait beside a flood over that alone", "洪泛时与无干扰时等待时间第 99 百分位之比"
            ),
        ),
        _share("ordinary_unserved_share", "ordinary requests that are not served", "未获应答的普通请求占比"),
        _share(
            "malformed_mishandled_share",
            "malformed requests that are answered, crash the service or hang",
            "被应答、引发故障或无响应的畸形请求占比",
        ),
        _share(
            "oversized_mishandled_share",
            "oversized requests that crash the service or hang, or are taken at the largest size",
            "引发故障、无响应或在最大尺寸下仍被接受的超大请求占比",
        ),
        _share("slow_clients_kept_share", "slow clients that are never cut off", "始终未被断开的慢速客户端占比"),
        _share(
            "unserved_beside_slow_clients_share",
            "ordinary requests that are not served beside slow clients",
            "慢速客户端存在时未获应答的普通请求占比",
        ),
        _share("leaking_answers_share", "refusals that show internals", "泄露内部信息的拒绝应答占比"),
        MetricDeclaration(
            "unauthenticated_ingest_paths",
            "count",
            "lower",
            Text("paths that answer without valid credentials", "无有效凭据即可调用的路径数"),
        ),
        MetricDeclaration(
            "limits_missing",
            "count",
            "lower",
            Text("missing limits: authentication, rate, size, time", "缺失的限制：认证、速率、大小、时间"),
        ),
        MetricDeclaration(
            "recovery_seconds",
            "seconds",
            "lower",
            Text("time until it serves again after a flood", "洪泛后恢复服务的时间"),
        ),
        MetricDeclaration(
            "recovery_time_over_declared",
            "ratio",
            "lower",
            Text("recovery time over the declared time", "恢复时间与声明时间之比"),
        ),
    ),
    cost=lambda subject, _, budget: {"quick": 110, "standard": 180, "full": 420}[budget],
)
def endpoint(subject: Subject, parameters: object, run: Run) -> Measurement:
    """Attack the planted service, then the one under test, within what was agreed upon."""
    tests = subject.description.deployment.endpoint_tests
    if tests is None or subject.description.model.endpoint is None:
        raise UnavailableError(
            Text("nobody consented to hostile requests against this service", "未获得对该服务发送恶意请求的同意"),
            "deployment.endpoint_tests",
            Text("state who consents, for which instance and time", "请写明由谁同意、针对哪个实例以及时间"),
        )
    effort = replace(EFFORTS[run.budget], rate=tests.tenant_rate)
    planted = weaknesses_are_found(effort, run.generator("planted"))
    target = Endpoint(subject.description.model.endpoint, Allowance(tests.requests, tests.seconds), TIMEOUT)
    attack = Attack(target, interfaces_of(subject, run), effort, run.generator("attack"))
    spent = None
    try:
        for fraction in attack.phases():
            run.progress(fraction)
    except BudgetSpentError as error:
        spent = error
    found = attack.found
    exhibit = run.exhibit("endpoint.json", "application/json", evidence(found))
    return Measurement(
        metrics_of(found, tests.recovery_seconds),
        (ordinary_are_served(found), planted),
        (exhibit,),
        _remarks(attack, found, spent),
    )


def _remarks(attack: Attack, found: Found, spent: BudgetSpentError | None) -> tuple[Note, ...]:
    """What a reader of the numbers has to know."""
    notes = []
    if spent is not None:
        notes.append(Note(code="allowance-spent", text=spent.what))
    if not attack.two_clients:
        text = Text(
            "the wait beside a flood was not measured: there is one token only, and a service limits each client; "
            "give a second one in TOUCHSTONE_ENDPOINT_OTHER_TOKEN",
            "未测量洪泛时的等待时间：仅有一个令牌，而服务按客户端限流；"
            "请通过 TOUCHSTONE_ENDPOINT_OTHER_TOKEN 提供第二个",
        )
        notes.append(Note(code="one-client", text=text))
    if found.alone and max(found.alone) >= attack.endpoint.timeout:
        text = Text(
            "an ordinary client went unserved even when alone; the rate agreed upon may be too high",
            "普通客户端在无干扰时也有请求未获应答；约定的速率可能过高",
        )
        notes.append(Note(code="unserved-alone", text=text))
    if found.costly is not None and np.median(found.costly) < 0.001:
        text = Text(
            "answers take less than a millisecond, most of it on the way: the ratio of costs is blunt",
            "应答耗时不足一毫秒，且大部分为传输时间：成本倍数不敏感",
        )
        notes.append(Note(code="too-fast", text=text))
    return tuple(notes)
