"""What a map of the network shows: ways in that ask nobody who they are, and ways from the edge to training assets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from touchstone.methods.operation.reachability import shortest_ways
from touchstone.system.description import EdgeDevice
from touchstone.system.registers.network import Network, Node

ASSETS = ("training-data", "parameters")
Link = tuple[str, str]


@dataclass(frozen=True, slots=True)
class MapFindings:
    """What was read off a map."""

    open_ways_in: tuple[Link, ...]
    """From an edge device, or from anything in a zone of low trust, to what is no edge device, unauthenticated."""
    ways_to_assets: tuple[tuple[str, ...], ...]
    """A shortest way for each pair of a node of low trust and an asset that it can reach."""
    assets: tuple[str, ...]
    absent: tuple[str, ...]
    """Declared edge devices that do not stand on the map."""
    contradicted: tuple[str, ...]
    """Devices with a declared identity, which some allowed connection does not ask for."""
    ends: tuple[Node, ...]
    """Nodes that are said to end every connection, and that something of low trust can reach."""


def read_off(network: Network, devices: Sequence[EdgeDevice]) -> MapFindings:
    """Everything the map shows about these declared devices and about training assets."""
    nodes = {node.name: node for node in network.nodes}
    low_zones = {zone.name for zone in network.zones if zone.trust == "low"}
    low = {name: None for name, node in nodes.items() if node.kind == "edge" or node.zone in low_zones}
    nameless = {device.name for device in devices if device.identity == "none"}
    members = _members(network)
    links: dict[str, dict[str, None]] = {name: {} for name in nodes}
    unasked: dict[Link, None] = {}
    flows = dict.fromkeys((flow.from_, flow.to, flow.authentication) for flow in network.flows)
    for start_name, end_name, authentication in flows:
        for start in members[start_name]:
            for end in members[end_name]:
                if start != end:
                    links[start][end] = None
                    ingest = start in low and nodes[end].kind != "edge"
                    if ingest and (authentication == "none" or start in nameless):
                        unasked[start, end] = None
    for zone in network.zones:
        if not zone.isolated:
            for start in members[zone.name]:
                links[start].update((end, None) for end in members[zone.name] if end != start)
    ends = {node.name for node in network.nodes if node.terminated_by is not None}
    assets = tuple(node.name for node in network.nodes if node.kind in ASSETS)
    reached = {start: shortest_ways(links, start, ends) for start in low}
    declared = {device.name for device in devices if device.identity != "none"}
    return MapFindings(
        open_ways_in=tuple(unasked),
        ways_to_assets=tuple(
            ways[asset] for ways in reached.values() for asset in assets if len(ways.get(asset, ())) > 1
        ),
        assets=assets,
        absent=tuple(device.name for device in devices if device.name not in nodes),
        contradicted=tuple(dict.fromkeys(start for start, _ in unasked if start in declared)),
        ends=tuple(nodes[name] for name in sorted(ends) if any(name in ways for ways in reached.values())),
    )


def nameless_devices(devices: Sequence[EdgeDevice], open_ways: Sequence[Link]) -> tuple[str, ...]:
    """Devices without an identity that are not among the ways in already: each is one by itself."""
    counted = {start for start, _ in open_ways}
    return tuple(device.name for device in devices if device.identity == "none" and device.name not in counted)


def _members(network: Network) -> Mapping[str, Sequence[str]]:
    """The nodes that a name in a flow stands for: itself, or all of a zone."""
    members: dict[str, list[str]] = {node.name: [node.name] for node in network.nodes}
    for zone in network.zones:
        members[zone.name] = [node.name for node in network.nodes if node.zone == zone.name]
    return members
