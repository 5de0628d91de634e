"""Does every sampled quantity carry its uncertainty, and was the sample large enough to decide? (EM-03)

Decisions compare a bound of an interval with a limit (ILAC-G8: guarded acceptance). A wide interval that lies clear of
its limit settles the matter, and sampling stops there on purpose; narrowing it would cost time and change nothing. What
counts against a sample is a width that leaves a limit *open*.

Source: ISO/IEC 17025:2017, 7.6 and 7.8.6; ILAC-G8:09/2019.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal

from touchstone.canonical import canonical_json
from touchstone.checks.declaration import Measurement, MetricDeclaration, Parameters, Run, audit
from touchstone.checks.evaluation.audits.made_up import FIRST, HONEST, altered
from touchstone.checks.evaluation.audits.scale import on_unit_scale
from touchstone.checks.run_record import RunRecord
from touchstone.errors import UnavailableError
from touchstone.records import ControlRun, Metric, PlanItem, StoppingLimit, plain
from touchstone.standard.comparing import compare
from touchstone.text import Text

UNSAMPLED = frozenset({"exact", "census"})
"""Methods of metrics that nothing was sampled for."""
HALF_WIDTH = "/half-width"
"""How the method of a metric ends that is itself the width of an interval."""
P_VALUE = "probability"
"""Unit of a metric that says itself how surprising a sample is."""


@audit(
    id="method.statistics",
    version="1",
    title=Text("Uncertainty and sample size", "不确定度与样本量"),
    measures=Text(
        "The share of sampled quantities that carry an interval, with the bound that their limit is compared with; and "
        "the widest distance from an estimate to that bound among shares whose interval leaves their limit open.",
        "附有区间（且含与限值比较的那一侧边界）的抽样量占比；以及区间未能就限值作出定论的各比率中，估计值至该边界的最大距离。",
    ),
    cannot_tell=Text(
        "Whether the samples are independent and come from where the system will work. A metric that its check calls "
        "exact is taken to be so. Several limits are decided at 95 % each, not all together.",
        "不能说明样本是否独立、是否取自系统的实际使用环境。检查项称为精确的指标按精确处理。"
        "多项限值各按 95 % 判定，而非整体。",
    ),
    remedy=Text(
        "Hand in more independent test samples of the kind that is scarce, or assess with a larger budget.",
        "提交更多独立且此前不足的测试样本，或以更大预算测评。",
    ),
    source="ISO/IEC 17025:2017, 7.6, 7.8.6; ILAC-G8:09/2019",
    metrics=(
        MetricDeclaration(
            "interval_half_width",
            "share",
            "lower",
            Text("Widest interval that leaves a limit open", "未能定论的限值中区间的最大宽度"),
        ),
        MetricDeclaration(
            "metrics_with_interval",
            "share",
            "higher",
            Text("Sampled quantities with an interval", "附区间的抽样量占比"),
        ),
        MetricDeclaration(
            "widest_half_width",
            "share",
            "lower",
            Text("Widest interval of all, settled or not", "全部区间的最大宽度（无论是否定论）"),
        ),
    ),
)
def statistics(record: RunRecord, parameters: Parameters, run: Run) -> Measurement:
    lines = _lines(record)
    if not lines:
        raise UnavailableError(
            Text("nothing was measured on a sample", "没有任何量是以样本测得的"),
            remedy=Text("hand in test data for the checks that need them", "请为需要的检查提供测试数据"),
        )
    annex = run.exhibit("statistics-annex.json", "application/json", canonical_json([line.to_json() for line in lines]))
    return Measurement(_metrics(lines), controls=(_null(), _planted()), exhibits=(annex,))


@dataclass(frozen=True, slots=True)
class _Line:
    """One sampled quantity of one check, against each limit on it."""

    check: str
    metric: Metric
    limits: tuple[StoppingLimit, ...]

    @property
    def has_interval(self) -> bool:
        """Whether it has a bound, and every bound that a limit is compared with."""
        needed = [_bound(self.metric, limit) for limit in self.limits if limit.bound in ("lower", "upper")]
        return None not in needed and (self.metric.low is not None or self.metric.high is not None)

    def widths(self, *, only_open: bool) -> Iterator[Decimal]:
        """From the estimate to the bound that its limit is compared with, for a quantity on the unit scale."""
        for limit in self.limits if on_unit_scale(self.metric.unit) else ():
            bound = _bound(self.metric, limit)
            if bound is not None and (not only_open or self._is_open(limit)):
                yield abs(bound - self.metric.value)

    def _is_open(self, limit: StoppingLimit) -> bool:
        """Whether the interval holds the limit, also where only the estimate is compared with it."""
        return compare(limit.op, limit.value, "upper" if limit.op == "<=" else "lower", self.metric) == "inconclusive"

    def to_json(self) -> dict[str, object]:
        metric = self.metric
        return {
            "check": self.check,
            "metric": metric.id,
            "slice": metric.slice,
            "unit": metric.unit,
            "value": plain(metric.value),
            "low": None if metric.low is None else plain(metric.low),
            "high": None if metric.high is None else plain(metric.high),
            "method": metric.method,
            "n": metric.n,
            "interval": self.has_interval,
            "limits": [
                {"op": limit.op, "limit": plain(limit.value), "bound": limit.bound, "open": self._is_open(limit)}
                for limit in self.limits
            ],
        }


def _bound(metric: Metric, limit: StoppingLimit) -> Decimal | None:
    """The pessimistic side of the interval."""
    return metric.high if limit.op == "<=" else metric.low


def _lines(record: RunRecord) -> list[_Line]:
    """Every sampled quantity, in an order that does not depend on that of the observations."""
    found = [
        _Line(item.check.id, metric, limits)
        for item, observation in record.measured()
        for metric in observation.metrics
        if _is_sampled(metric, limits := _limits(item, metric))
    ]
    return sorted(found, key=lambda line: (line.check, line.metric.id, line.metric.slice or ""))


def _limits(item: PlanItem, metric: Metric) -> tuple[StoppingLimit, ...]:
    return tuple(limit for limit in item.limits if limit.metric == metric.id and metric.slice is None)


def _is_sampled(metric: Metric, limits: tuple[StoppingLimit, ...]) -> bool:
    """Whether it was estimated from a sample: its check says how, or its limit asks for a bound."""
    uncertainty = metric.method.endswith(HALF_WIDTH) or metric.unit == P_VALUE
    estimated = metric.method not in UNSAMPLED and not uncertainty
    return estimated or any(limit.bound in ("lower", "upper") for limit in limits)


def _metrics(lines: list[_Line]) -> tuple[Metric, ...]:
    carrying = sum(line.has_interval for line in lines)
    deciding = [line for line in lines if line.limits and on_unit_scale(line.metric.unit)]

    def widest(name: str, *, only_open: bool) -> Metric:
        widths = (width for line in deciding for width in line.widths(only_open=only_open))
        return Metric(id=name, unit="share", value=max(widths, default=Decimal(0)), n=len(deciding), better="lower")

    return (
        widest("interval_half_width", only_open=True),
        Metric(id="metrics_with_interval", unit="share", value=carrying / len(lines), n=len(lines), better="higher"),
        widest("widest_half_width", only_open=False),
    )


def _null() -> ControlRun:
    width, carrying, _ = _metrics(_lines(HONEST))
    return ControlRun(
        kind="null",
        expected=Text("intervals that settle their limits are found sufficient", "已就限值作出定论的区间应判为充分"),
        seen=Text(
            f"open by {width.value}, {carrying.value} with interval", f"未决 {width.value}，附区间 {carrying.value}"
        ),
        passed=width.value == 0 and carrying.value == 1,
    )


def _planted() -> ControlRun:
    """One rate whose interval holds its limit, another without any."""
    first, second = HONEST.observations.values()
    planted = {FIRST: altered(first, low="0.80"), second.check.id: altered(second, low=None, high=None)}
    width, carrying, _ = _metrics(_lines(replace(HONEST, observations=planted)))
    return ControlRun(
        kind="planted",
        expected=Text(
            "an interval that leaves its limit open, and a rate without an interval, are found",
            "应发现未能定论的区间与未附区间的比率",
        ),
        seen=Text(
            f"open by {width.value}, {carrying.value} with interval", f"未决 {width.value}，附区间 {carrying.value}"
        ),
        passed=width.value == Decimal("0.1") and carrying.value == Decimal("0.5"),
    )
