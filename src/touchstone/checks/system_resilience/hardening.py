"""Who gets in, what gets installed, and how far one gets from the edge (SR-14).

Read off the map of the network: connections from edge devices and zones of low trust that ask nobody who they are, and
shortest ways over allowed connections from there to training data and parameters. Read off trials: bad updates that
were installed. Where the owner of a live service consents, it is asked without credentials as well.

Nodes of one zone reach one another unless the zone is said to be isolated. Whether a connection is authenticated does
not matter for how far one gets: who holds the device holds its credentials.

Cannot tell: whether the map is the network. Connections that work although they are not allowed are not on it.

Source: GB/T 22239-2019; IEC 62443-3-3; MITRE ATLAS AML.M0019.
"""

from __future__ import annotations

from collections.abc import Sequence

from touchstone.canonical import canonical_json
from touchstone.checks.declaration import ANY_KIND, Measurement, MetricDeclaration, Needs, Run, check
from touchstone.checks.least_samples import LeastSamples, too_few
from touchstone.checks.named_entries import entries_note
from touchstone.checks.system_resilience.hardening_controls import control_runs
from touchstone.checks.system_resilience.network_map import MapFindings, nameless_devices, read_off
from touchstone.checks.system_resilience.offered_updates import UNSIGNED, Offered, offered
from touchstone.checks.system_resilience.unasked_service import open_paths
from touchstone.errors import UnavailableError
from touchstone.records import Exhibit, Metric, Note
from touchstone.system.registers.network import Network
from touchstone.system.registers.update_trials import UpdateTrial
from touchstone.system.subject import Subject
from touchstone.text import Text


@check(
    id="platform.hardening",
    version="1",
    title=Text("Ways in, updates and ways to training assets", "接入、升级与训练资产可达性"),
    measures=Text(
        "How many ways in ask nobody who they are: edge devices without identity, unauthenticated connections on the "
        "map of the network, interfaces of the service that answer without credentials. How many bad updates were "
        "installed in trials. From how many nodes at the edge training data or parameters can be reached.",
        "无需鉴别即可接入的路径数：无身份的边缘设备、网络清单中未鉴别的连接、无凭据即应答的服务接口；"
        "试验中被安装的不合格升级包数；边缘节点可到达训练数据或参数的路径数。",
    ),
    cannot_tell=Text(
        "Whether the map is the network: connections that work although they are not allowed are not on it, and what "
        "is said to end connections is taken on trust. Sandboxing of workloads and plausibility of readings are for "
        "people to examine.",
        "无法判断清单是否与实际网络一致：未获允许却可用的连接不在其中，所声明的终止点按声明采信。"
        "负载沙箱与读数合理性校验由人工核查。",
    ),
    remedy=Text(
        "Give every device an identity that the receiving side checks; close the connections named in the remarks, or "
        "let them end in a diode or a reviewed hand-over; install only updates with a valid signature of your own key "
        "that are no older than what runs.",
        "为每台设备配置由接收方校验的身份；关闭备注所列连接，或以单向导入设备、人工审核交接终止；"
        "仅安装由本方密钥有效签名且不早于当前版本的升级包。",
    ),
    threats=("CWE-306", "CWE-347", "CWE-923", "AML.M0019"),
    source="GB/T 22239-2019; IEC 62443-3-3; MITRE ATLAS AML.M0019",
    needs=Needs(inputs=ANY_KIND),
    metrics=(
        MetricDeclaration(
            "unauthenticated_ingest_paths",
            "count",
            "lower",
            Text("ways in that ask for no identity", "无需鉴别的接入路径数"),
        ),
        MetricDeclaration(
            "unsigned_updates_accepted",
            "count",
            "lower",
            Text("bad updates that were installed", "被安装的不合格升级包数"),
        ),
        MetricDeclaration(
            "paths_from_edge_to_training_assets",
            "count",
            "lower",
            Text("ways from the edge to training data or parameters", "边缘到训练数据或参数的可达路径数"),
        ),
    ),
    parameters=LeastSamples,
    cost=lambda subject, _, __: 0 if subject.description.deployment.endpoint_tests is None else 5,
)
def hardening(subject: Subject, parameters: LeastSamples, run: Run) -> Measurement:
    """Read the map, sum up the trials, ask the service: each where it was handed in or permitted."""
    devices = subject.description.deployment.edge_devices
    seen, updates, service, missing = _parts(subject, run)
    nameless = nameless_devices(devices, seen.open_ways_in if seen else ())
    if seen is None and updates is None and service is None and not nameless:
        raise missing[0]
    metrics = (
        *_ways_in(seen, service, nameless),
        *([] if updates is None else _updates(updates, parameters.n_min)),
        *([] if seen is None else _ways_to_assets(seen)),
    )
    notes = (
        *(Note(code="part-not-measured", text=error.what) for error in missing),
        *_map_remarks(seen, service, nameless),
        *([] if updates is None else _update_remarks(updates, parameters.n_min)),
    )
    exhibits = () if seen is None else (_exhibit(seen, run),)
    return Measurement(metrics, control_runs(run, with_service=service is not None), exhibits, notes)


def _parts(
    subject: Subject, run: Run
) -> tuple[MapFindings | None, Offered | None, tuple[str, ...] | None, list[UnavailableError]]:
    """What the map, the trials and the service show, and why one of the first two shows nothing."""
    seen, updates, service, missing = None, None, None, []
    try:
        (network,) = subject.register(Network)
        seen = read_off(network, subject.description.deployment.edge_devices)
    except UnavailableError as error:
        missing.append(error)
    try:
        updates = offered(_of_this_version(subject))
    except UnavailableError as error:
        missing.append(error)
    if subject.description.deployment.endpoint_tests is not None:
        try:
            service = open_paths(subject, run)
        except UnavailableError as error:
            missing.append(error)
    return seen, updates, service, missing


def _of_this_version(subject: Subject) -> list[UpdateTrial]:
    version = subject.description.system.version
    trials = [trial for trial in subject.register(UpdateTrial) if trial.version == version]
    if not trials:
        raise UnavailableError(
            Text(f"no update was tried on version {version}", f"未在版本 {version} 上试验升级"),
            "registers.update-trials",
            Text("repeat the trials on the version under test", "请在被测版本上重复试验"),
        )
    return trials


def _ways_in(seen: MapFindings | None, service: tuple[str, ...] | None, nameless: Sequence[str]) -> tuple[Metric, ...]:
    """None found counts only on a map with every declared device and something outside: else nobody knows the ways."""
    found = len(nameless) + len(service or ()) + (0 if seen is None else len(seen.open_ways_in))
    if found == 0 and (seen is None or seen.absent or not seen.starts):
        return ()
    return (_count("unauthenticated_ingest_paths", found, found),)


def _updates(updates: Offered, least: int) -> tuple[Metric, ...]:
    """None installed counts only if enough were tried, unsigned ones too, and a good one was installed somewhere."""
    tried = updates.refused + len(updates.accepted)
    if not updates.accepted and (tried < least or not updates.good_accepted or UNSIGNED in updates.untried):
        return ()
    return (_count("unsigned_updates_accepted", len(updates.accepted), tried),)


def _ways_to_assets(seen: MapFindings) -> tuple[Metric, ...]:
    """None found counts only on a map with every declared device, something outside, and the assets."""
    if not seen.ways_to_assets and (seen.absent or not seen.starts or not seen.assets):
        return ()
    return (_count("paths_from_edge_to_training_assets", len(seen.ways_to_assets), len(seen.assets)),)


def _count(name: str, value: int, n: int) -> Metric:
    return Metric(id=name, unit="count", value=value, n=n, better="lower")


def _map_remarks(seen: MapFindings | None, service: tuple[str, ...] | None, nameless: Sequence[str]) -> list[Note]:
    said: list[tuple[str, Sequence[str], Text]] = [
        ("service-unasked", service or (), Text("paths that answer without credentials", "无凭据即应答的路径")),
        ("device-without-identity", nameless, Text("edge devices without an identity", "无身份的边缘设备")),
    ]
    if seen is not None:
        arrows = [" → ".join(link) for link in seen.open_ways_in]
        ways = [" → ".join(way) for way in seen.ways_to_assets]
        ends = [f"{node.name} ({node.terminated_by})" for node in seen.ends]
        said += [
            ("way-in-unasked", arrows, Text("ways in that ask for no identity", "无需鉴别的接入路径")),
            (
                "identity-not-asked-for",
                seen.contradicted,
                Text("devices whose declared identity a connection does not ask for", "连接未核验其所声明身份的设备"),
            ),
            ("way-to-assets", ways, Text("ways to training assets", "到训练资产的路径")),
            (
                "device-not-on-map",
                seen.absent,
                Text(
                    "declared edge devices that are not on the map, so that nothing good can be said",
                    "未列入网络清单的已声明边缘设备，无法得出良好结论",
                ),
            ),
            (
                "end-on-trust",
                ends,
                Text("said to end every connection, taken on trust", "声明终止所有连接，按声明采信"),
            ),
        ]
        if not seen.starts:
            what = Text(
                "the map shows no edge device and no zone of low trust, so that nothing good can be said",
                "网络清单未列出任何边缘设备或低信任区域，无法得出良好结论",
            )
            return [*_noted(said), Note(code="nothing-outside-on-map", text=what)]
        if not seen.assets:
            what = Text("the map shows neither training data nor parameters", "网络清单未列出训练数据与参数")
            return [*_noted(said), Note(code="no-assets-on-map", text=what)]
    return _noted(said)


def _update_remarks(updates: Offered, least: int) -> list[Note]:
    tried = updates.refused + len(updates.accepted)
    said: list[tuple[str, Sequence[str], Text]] = [
        ("bad-update-installed", updates.accepted, Text("bad updates that were installed", "被安装的不合格升级包")),
        (
            "package-contradicted",
            updates.contradictory,
            Text(
                "trials of a package that another trial calls bad; it counts as bad",
                "其升级包在另一试验中被记为不合格，按不合格计",
            ),
        ),
        ("fault-untried", updates.untried, Text("faults of updates that were never tried", "从未试验的升级包缺陷")),
    ]
    notes = [*too_few(least, tried, Text("bad updates were tried", "所试验的不合格升级包")), *_noted(said)]
    if not updates.good_accepted:
        what = Text(
            "no good update was installed in any trial: what takes nothing refuses bad ones, too",
            "没有任何试验安装了合格升级包：不接受任何升级者同样会拒绝不合格的升级",
        )
        notes.append(Note(code="no-good-update", text=what))
    return notes


def _noted(said: Sequence[tuple[str, Sequence[str], Text]]) -> list[Note]:
    return [entries_note(code, names, what) for code, names, what in said if names]


def _exhibit(seen: MapFindings, run: Run) -> Exhibit:
    document = {
        "schema": "touchstone.network-ways/v1",
        "unauthenticated": [list(link) for link in seen.open_ways_in],
        "to_training_assets": [list(way) for way in seen.ways_to_assets],
    }
    return run.exhibit("ways.json", "application/json", canonical_json(document))
