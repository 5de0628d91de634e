"""The assistant of the city counter, on loopback, until it is interrupted.

    python examples/city-counter/service.py TOKENS-FILE [PORT]

`counter` is the guarded assistant, `counter-bare` the same without guards: it does what anybody tells it. Neither has a
language model; see `touchstone.service.clerk`.
"""

from __future__ import annotations

import sys
from pathlib import Path

import yaml

import touchstone
from touchstone.checks.system_resilience.permissions_policy import policy_of
from touchstone.service.chat import Chat
from touchstone.service.clerk import Clerk, UnguardedClerk
from touchstone.service.handbook import Handbook
from touchstone.service.permits import Permits
from touchstone.service.server import InferenceService, Limits

FOLDER = Path(__file__).parent


def main(tokens: Path, port: int) -> None:
    """Serve both."""
    handbook = Handbook.of(yaml.safe_load((FOLDER / "handbook.yaml").read_text("utf-8")))
    permits = Permits(policy_of(touchstone.open_system(FOLDER)))
    chat = Chat({"counter": Clerk(handbook, lambda _: False, permits), "counter-bare": UnguardedClerk(handbook)})
    limits = Limits(rate=500, burst=500, at_once=8)
    service = InferenceService(("127.0.0.1", port), chat, tokens.read_text("utf-8").split(), limits)
    print(f"{service.url}{chat.asked_at}", flush=True)
    service.serve_forever()


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 8090)
