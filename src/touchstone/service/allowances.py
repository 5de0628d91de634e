"""What each client of a service may use: requests per second, and requests at a time."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager


class Allowance:
    """A token bucket and a number of places; safe to use from several threads."""

    def __init__(self, rate: float, burst: int, at_once: int) -> None:
        self._rate, self._burst = rate, float(burst)
        self._left, self._then = float(burst), time.monotonic()
        self._lock = threading.Lock()
        self._places = threading.BoundedSemaphore(at_once)

    @contextmanager
    def one_request(self) -> Iterator[bool]:
        """Whether this client may send one more request now; it holds a place while the context lasts."""
        granted = self._take() and self._places.acquire(blocking=False)
        try:
            yield granted
        finally:
            if granted:
                self._places.release()

    def _take(self) -> bool:
        with self._lock:
            now = time.monotonic()
            self._left = min(self._burst, self._left + (now - self._then) * self._rate)
            self._then = now
            if self._left < 1.0:
                return False
            self._left -= 1.0
            return True
