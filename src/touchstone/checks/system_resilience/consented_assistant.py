"""The assistant under test, asked no more than its owner consents to."""

from __future__ import annotations

from collections.abc import Sequence

from touchstone.checks.system_resilience.endpoint_client import Allowance
from touchstone.conversation import Assistant, Conversation, Reply
from touchstone.errors import UnavailableError
from touchstone.system.subject import Subject
from touchstone.text import Text


class ConsentedAssistant:
    """An assistant with a bound on conversations and time. Several of one test may share an allowance."""

    def __init__(self, assistant: Assistant, allowance: Allowance) -> None:
        self._assistant, self._allowance = assistant, allowance

    def reply(self, conversations: Sequence[Conversation]) -> list[Reply]:
        """One reply to each. Raises `BudgetSpentError`, before anything is sent, where not all may be asked."""
        for _ in conversations:
            self._allowance.take()
        return self._assistant.reply(conversations)


def agreed_allowance(subject: Subject) -> Allowance:
    """What `deployment.endpoint_tests` permits, from now on. Raises `UnavailableError` without consent."""
    tests = subject.description.deployment.endpoint_tests
    if tests is None:
        raise UnavailableError(
            Text("nobody consented to hostile conversations with this service", "未获得对该服务进行恶意对话的同意"),
            "deployment.endpoint_tests",
            Text("state who consents, for which instance and time", "请写明由谁同意、针对哪个实例以及时间"),
        )
    return Allowance(tests.requests, tests.seconds)
