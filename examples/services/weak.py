"""The weak service that the checks of endpoints are tested with, on loopback, until it is interrupted.

    python examples/services/weak.py

It has no limits and shows its inside: never let anything but this machine reach it.
"""

from threading import Event

from touchstone.checks.system_resilience.endpoint_weak_service import weak_service

if __name__ == "__main__":
    with weak_service() as service:
        print(f"{service.url}/v2/models/weak/infer")
        Event().wait()
