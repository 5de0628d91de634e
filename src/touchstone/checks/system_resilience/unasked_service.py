"""Which interfaces of a live service answer a client without valid credentials."""

from __future__ import annotations

import numpy as np

from touchstone.checks.declaration import Run
from touchstone.checks.system_resilience.endpoint_attack import Attack, Effort
from touchstone.checks.system_resilience.endpoint_client import Allowance, Endpoint
from touchstone.checks.system_resilience.endpoint_controls import planted_interface
from touchstone.checks.system_resilience.endpoint_interfaces import interfaces_of
from touchstone.checks.system_resilience.endpoint_weak_service import weak_service
from touchstone.errors import UnavailableError
from touchstone.system.subject import Subject
from touchstone.text import Text

PATIENCE = 10.0
"""Seconds an answer is waited for."""
FEW = Effort(ordinary=3)


def open_paths(subject: Subject, run: Run) -> tuple[str, ...]:
    """Paths of the service that answer without a token or with a wrong one, as far as its owner consents to be asked.

    Raises `UnavailableError` where nobody consents, or where the service does not answer ordinary requests either.
    """
    description = subject.description
    tests = description.deployment.endpoint_tests
    if tests is None or description.model.endpoint is None or description.model.format != "http":
        raise UnavailableError(
            Text("nobody consented to requests without credentials", "未获得对无凭据请求的同意"),
            "deployment.endpoint_tests",
        )
    target = Endpoint(description.model.endpoint, Allowance(tests.requests, tests.seconds), PATIENCE)
    effort = Effort(ordinary=FEW.ordinary, rate=tests.tenant_rate)
    attack = Attack(target, interfaces_of(subject, run), effort, run.generator("unasked"))
    attack.ask_ordinarily()
    if not all(answer.served for answer in attack.found.ordinary):
        raise UnavailableError(
            Text("the service does not answer ordinary requests", "服务未应答普通请求"),
            description.model.endpoint,
            Text("start it, and give its token in the environment", "请启动服务，并在环境变量中提供令牌"),
        )
    attack.ask_without_credentials()
    return tuple(attack.found.open_paths)


def weak_service_is_found(generator: np.random.Generator) -> bool:
    """Whether a service on loopback that asks nobody for credentials is seen to do so."""
    with weak_service() as service:
        endpoint = Endpoint(service.url, Allowance(100, 60), PATIENCE)
        attack = Attack(endpoint, [planted_interface(generator)], FEW, generator)
        attack.ask_without_credentials()
    return bool(attack.found.open_paths)
