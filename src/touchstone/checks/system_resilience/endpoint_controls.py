"""Two tests of the test: ordinary requests are served, and a weak service is caught in every class."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import Any

import numpy as np

from touchstone.checks.system_resilience.endpoint_attack import Attack, Effort, Found, planted_effort
from touchstone.checks.system_resilience.endpoint_client import Allowance, Endpoint
from touchstone.checks.system_resilience.endpoint_findings import metrics_of, missing_limits
from touchstone.checks.system_resilience.endpoint_interfaces import Interface
from touchstone.checks.system_resilience.endpoint_weak_service import COLUMNS, weak_service
from touchstone.errors import BudgetSpentError
from touchstone.methods.abuse.protocols import inference_question
from touchstone.methods.abuse.sponge import number_starts, number_variation
from touchstone.records import ControlRun
from touchstone.text import Text

PATIENCE = 1.0
"""Seconds the planted service may take to answer; the slow clients of the attack make it take longer."""
MOST_REQUESTS = 5_000
MOST_SECONDS = 60
WORST = {"cost_amplification": 3.0, "victim_tenant_p99_ratio": 3.0}
"""What the planted service must reach at least: its weaknesses are far greater."""
SHARES = (
    "malformed_mishandled_share",
    "oversized_mishandled_share",
    "slow_clients_kept_share",
    "leaking_answers_share",
)


def ordinary_are_served(found: Found) -> ControlRun:
    """Nothing hostile has been sent yet, so nothing may fail."""
    served, asked = sum(answer.served for answer in found.ordinary), len(found.ordinary)
    return ControlRun(
        kind="null",
        expected=Text("every ordinary request is served", "所有普通请求均获应答"),
        seen=Text(f"{served} of {asked} served", f"{asked} 个请求中有 {served} 个获得应答"),
        passed=served == asked > 0,
    )


def weaknesses_are_found(effort: Effort, generator: np.random.Generator) -> ControlRun:
    """Attack the weak service by the same code, with less effort; each of its weaknesses has to show."""
    with weak_service() as service:
        endpoint = Endpoint(service.url, Allowance(MOST_REQUESTS, MOST_SECONDS), PATIENCE)
        attack = Attack(endpoint, [planted_interface(generator)], planted_effort(effort), generator)
        with suppress(BudgetSpentError):
            for _ in attack.phases():
                pass
    missed = overlooked(attack.found)
    return ControlRun(
        kind="planted",
        expected=Text("every weakness of the planted service is found", "植入服务的每个弱点均被发现"),
        seen=Text(f"overlooked: {', '.join(missed) or 'nothing'}", f"遗漏：{'、'.join(missed) or '无'}"),
        passed=not missed,
    )


def overlooked(found: Found) -> list[str]:
    """The weaknesses that an attack on the weak service did not show."""
    values = {metric.id: float(metric.value) for metric in metrics_of(found, None) if metric.slice is None}
    missed = [name for name in SHARES if values.get(name, 0.0) <= 0.0]
    missed += [name for name, least in WORST.items() if values.get(name, 0.0) < least]
    missing = missing_limits(found)
    return missed + [name for name in ("authentication", "rate", "size", "time") if not missing.get(name, False)]


def planted_interface(generator: np.random.Generator) -> Interface:
    """How the weak service is asked."""
    samples = generator.uniform(0.0, 1.0, (8, COLUMNS)).astype(np.float32)

    def document(sample: Any) -> dict[str, Any]:
        tensor = {"name": "x", "shape": [1, COLUMNS], "datatype": "FP32", "data": np.asarray(sample).tolist()}
        return {"inputs": [tensor]}

    def body(sample: Any) -> bytes:
        return json.dumps(document(sample)).encode()

    return Interface(
        "open-inference-v2",
        inference_question("/v2/models/weak/infer", document(samples[0])),
        body,
        body,
        list(samples),
        number_starts(samples, 0.0, 1.0, generator),
        number_variation(0.0, 1.0, generator),
    )
