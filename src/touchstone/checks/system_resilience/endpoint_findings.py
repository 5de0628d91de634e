"""Metrics and evidence out of what an attack on a service found."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

from touchstone.checks.shares import share_metric
from touchstone.checks.system_resilience.endpoint_attack import Found, Tried
from touchstone.methods.abuse.latencies import ratio_of_quantiles
from touchstone.records import Metric

LIMITS = ("authentication", "rate", "size", "time")
"""The limits every interface should have."""


def metrics_of(found: Found, declared_recovery: float | None) -> tuple[Metric, ...]:
    """Every metric that what was found allows."""
    metrics: list[Metric] = []
    if found.ordinary:
        lost = sum(not answer.served for answer in found.ordinary)
        metrics.append(share_metric("ordinary_unserved_share", lost, len(found.ordinary), "lower"))
    metrics += _tried(found.tried)
    if found.slow_clients:
        metrics.append(share_metric("slow_clients_kept_share", found.slow_kept, found.slow_clients, "lower"))
    if found.asked_beside_slow:
        missed = found.asked_beside_slow - found.served_beside_slow
        metrics.append(share_metric("unserved_beside_slow_clients_share", missed, found.asked_beside_slow, "lower"))
    if found.costly is not None and found.cheap is not None:
        metrics.append(_ratio("cost_amplification", found.costly, found.cheap, 0.5))
    if found.alone and found.beside_flood:
        tried, ordinary = np.array(found.beside_flood), np.array(found.alone)
        metrics.append(_ratio("victim_tenant_p99_ratio", tried, ordinary, 0.99))
    if found.paths:
        metrics.append(_count("unauthenticated_ingest_paths", len(found.open_paths), found.paths))
    metrics += _missing(found)
    if found.recovery is not None:
        metrics.append(_exact("recovery_seconds", "seconds", found.recovery))
        if declared_recovery is not None:
            metrics.append(_exact("recovery_time_over_declared", "ratio", found.recovery / declared_recovery))
    return tuple(metrics)


def missing_limits(found: Found) -> dict[str, bool]:
    """For each limit that was looked for, whether it is missing."""
    missing: dict[str, bool] = {}
    if found.paths:
        missing["authentication"] = bool(found.open_paths)
    if found.flood_sent:
        missing["rate"] = found.flood_refused == 0
    largest = [each for each in found.tried if each.group == "oversized" and each.outcome != "busy"]
    if largest:
        missing["size"] = any(not each.handled for each in largest)
    if found.slow_clients:
        missing["time"] = found.slow_kept > 0
    return missing


def evidence(found: Found) -> bytes:
    """What became of every hostile request, counted, as a JSON document. Request bodies and tokens are not in it."""
    rows = Counter(
        (each.interface, each.group, each.kind, each.outcome, each.status, each.shown, each.handled)
        for each in found.tried
    )
    names = ("interface", "group", "kind", "outcome", "status", "shown", "handled")
    document = {
        "hostile_requests": [
            {**dict(zip(names, (*row[:5], list(row[5]), row[6]), strict=True)), "count": count}
            for row, count in sorted(rows.items(), key=lambda item: tuple(map(str, item[0])))
        ],
        "limits_missing": missing_limits(found),
        "slow_clients": {"opened": found.slow_clients, "kept": found.slow_kept},
        "flood": {"sent": found.flood_sent, "refused": found.flood_refused},
        "milliseconds": {
            "costly": _milliseconds(found.costly),
            "ordinary_by_turns": _milliseconds(found.cheap),
            "alone": _milliseconds(found.alone),
            "beside_flood": _milliseconds(found.beside_flood),
        },
        "costly_interface": found.costly_interface,
    }
    return json.dumps(document, indent=1, sort_keys=True).encode()


def _tried(tried: Sequence[Tried]) -> Iterable[Metric]:
    """Requests the service was too busy for say nothing about how it handles them."""
    heard = [each for each in tried if each.outcome != "busy"]
    groups = {"malformed": ("malformed", "stream"), "oversized": ("oversized",)}
    for name, members in groups.items():
        of_group = [each for each in heard if each.group in members]
        if of_group:
            bad = sum(not each.handled for each in of_group)
            yield share_metric(f"{name}_mishandled_share", bad, len(of_group), "lower")
    refusals = [each for each in heard if each.outcome in ("refused", "failed")]
    if refusals:
        yield share_metric("leaking_answers_share", sum(bool(each.shown) for each in refusals), len(refusals), "lower")


def _missing(found: Found) -> Iterable[Metric]:
    missing = missing_limits(found)
    if set(missing) == set(LIMITS):
        yield _count("limits_missing", sum(missing.values()), len(missing))
    for name, is_missing in missing.items():
        yield _count("limits_missing", int(is_missing), 1, name)


def _ratio(name: str, tried: np.ndarray, ordinary: np.ndarray, quantile: float) -> Metric:
    ratio = ratio_of_quantiles(tried, ordinary, quantile)
    return Metric(
        id=name,
        unit="ratio",
        value=ratio.value,
        low=ratio.low,
        high=ratio.high,
        method="order-statistics",
        n=len(tried),
        better="lower",
    )


def _count(name: str, value: int, n: int, part: str | None = None) -> Metric:
    return Metric(id=name, unit="count", value=value, n=n, better="lower", slice=part)


def _exact(name: str, unit: str, value: float) -> Metric:
    return Metric(id=name, unit=unit, value=value, n=1, better="lower")


def _milliseconds(seconds: Iterable[float] | None) -> list[str]:
    """Sorted, so that they show a distribution."""
    return [f"{1000 * each:.3f}" for each in sorted(seconds if seconds is not None else ())]
