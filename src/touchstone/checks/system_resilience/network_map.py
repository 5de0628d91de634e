"""What a map of the network shows: ways in that ask nobody who they are, and ways from the edge to training assets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
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
    """A shortest way for each pair of a node of low trust and an asset that it can reach, or is."""
    assets: tuple[str, ...]
    starts: tuple[str, ...]
    """Where strangers may begin: edge devices, and whatever stands in a zone of low trust."""
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
    declared = {device.name for device in devices}
    low = {
        name: None for name, node in nodes.items() if node.kind == "edge" or name in declared or node.zone in low_zones
    }
    nameless = {device.name for device in devices if device.identity == "none"}
    unasked: dict[Link, None] = {
        (start, end): None
        for start, end, authentication in _allowed(network)
        if start in low and nodes[end].kind != "edge" and (authentication == "none" or start in nameless)
    }
    links = _links(network)
    ends = {node.name for node in network.nodes if node.terminated_by is not None}
    assets = tuple(node.name for node in network.nodes if node.kind in ASSETS)
    reached = {start: shortest_ways(links, start, ends) for start in low}
    named = declared - nameless
    return MapFindings(
        open_ways_in=tuple(unasked),
        ways_to_assets=tuple(ways[asset] for ways in reached.values() for asset in assets if asset in ways),
        assets=assets,
        starts=tuple(low),
        absent=tuple(device.name for device in devices if device.name not in nodes),
        contradicted=tuple(dict.fromkeys(start for start, _ in unasked if start in named)),
        ends=tuple(nodes[name] for name in sorted(ends) if any(name in ways for ways in reached.values())),
    )


def nameless_devices(devices: Sequence[EdgeDevice], open_ways: Sequence[Link]) -> tuple[str, ...]:
    """Devices without an identity that are not among the ways in already: each is one by itself."""
    counted = {start for start, _ in open_ways}
    return tuple(device.name for device in devices if device.identity == "none" and device.name not in counted)


def _links(network: Network) -> dict[str, dict[str, None]]:
    """From each node to those it can connect to: by an allowed connection, or within its zone unless it is isolated."""
    links: dict[str, dict[str, None]] = {node.name: {} for node in network.nodes}
    for start, end, _ in _allowed(network):
        links[start][end] = None
    members = _members(network)
    for zone in network.zones:
        if not zone.isolated:
            for start in members[zone.name]:
                links[start].update((end, None) for end in members[zone.name] if end != start)
    return links


def _allowed(network: Network) -> Iterator[tuple[str, str, str]]:
    """Every allowed connection between two nodes, with its authentication; a zone stands for all its nodes."""
    members = _members(network)
    for start_name, end_name, authentication in dict.fromkeys(
        (flow.from_, flow.to, flow.authentication) for flow in network.flows
    ):
        for start in members[start_name]:
            yield from ((start, end, authentication) for end in members[end_name] if end != start)


def _members(network: Network) -> Mapping[str, Sequence[str]]:
    """The nodes that a name in a flow stands for: itself, or all of a zone."""
    members: dict[str, list[str]] = {zone.name: [] for zone in network.zones}
    for node in network.nodes:
        members[node.zone].append(node.name)
    return members | {node.name: [node.name] for node in network.nodes}
