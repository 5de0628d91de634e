"""The assistant of the city counter, on loopback, until it is interrupted.

    python examples/city-counter/service.py TOKENS-FILE [PORT]

`counter` is the guarded assistant, `counter-bare` the same without guards: it does what anybody tells it. Neither has a
language model; see `touchstone.service.clerk`.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import yaml

import touchstone
from touchstone.checks.data_security.corpus_lexicons import installed_content_scanner
from touchstone.checks.system_resilience.permissions_policy import policy_of
from touchstone.service.chat import Chat
from touchstone.service.clerk import Clerk, UnguardedClerk
from touchstone.service.handbook import Handbook
from touchstone.service.permits import Permits
from touchstone.service.server import InferenceService, Limits

FOLDER = Path(__file__).parent


def counter_service(tokens: Sequence[str], port: int) -> InferenceService:
    """Both assistants behind one service; port 0 is any that is free."""
    handbook = Handbook.of(yaml.safe_load((FOLDER / "handbook.yaml").read_text("utf-8")))
    permits = Permits(policy_of(touchstone.open_system(FOLDER)))
    words = installed_content_scanner()
    guarded = Clerk(handbook, lambda text: bool(words.scan([text])), permits)
    chat = Chat({"counter": guarded, "counter-bare": UnguardedClerk(handbook)})
    return InferenceService(("127.0.0.1", port), chat, tokens, Limits(rate=500, burst=500, at_once=8))


if __name__ == "__main__":
    with counter_service(
        Path(sys.argv[1]).read_text("utf-8").split(), int(sys.argv[2]) if len(sys.argv) > 2 else 8090
    ) as service:
        print(f"{service.url}{service.served.asked_at}", flush=True)
        service.serve_forever()
