"""The reference service over a small model, running on loopback in this process."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from touchstone.service.open_inference import Inference, Interface
from touchstone.service.served import Served
from touchstone.service.server import InferenceService, Limits

TOKEN, OTHER = "a-token-for-tests-only", "another-token-for-tests"
COLUMNS = 3


def scores(x: NDArray[np.float32]) -> NDArray[np.float64]:
    """The share of class 1 grows with the sum of the columns."""
    positive = 1.0 / (1.0 + np.exp(-x.sum(axis=1, dtype=np.float64)))
    return np.stack([1.0 - positive, positive], axis=1)


SMALL = Inference(Interface("small", (COLUMNS,), most_samples=64), 2, scores)


@contextmanager
def running(limits: Limits | None = None, served: Served = SMALL) -> Iterator[InferenceService]:
    service = InferenceService(("127.0.0.1", 0), served, [TOKEN, OTHER], limits)
    thread = threading.Thread(target=service.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield service
    finally:
        service.shutdown()
        thread.join()
        service.server_close()
