"""Register `network`: zones, what stands in them, and which connections are allowed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from typing import ClassVar, Literal

from pydantic import model_validator
from pydantic_core import PydanticCustomError

from touchstone.system.description import Line
from touchstone.system.registers.entry import Entry, EntryPart, told
from touchstone.text import Text


class Zone(EntryPart):
    """A part of the network."""

    name: Line = told("name of the zone", "区域名称", examples=["roadside"])
    trust: Literal["low", "high"] = told(
        "low where strangers can get at devices, cables or the air", "外人可接触设备、线缆或无线信道的区域为 low"
    )
    isolated: bool = told("whether nodes of the zone cannot connect to one another", "区域内各节点是否互不可连", False)


class Node(EntryPart):
    """A machine, a service, a store."""

    name: Line = told(
        "name of the node; an edge device has its name in `system.yaml`", "节点名称；边缘设备须与 `system.yaml` 同名"
    )
    zone: Line = told("the zone it stands in", "所在区域")
    kind: Literal["edge", "interface", "service", "training-data", "parameters", "other"] = told(
        "what it is", "节点种类"
    )
    terminated_by: Line | None = told(
        "what ends every connection here, so that nobody gets any further; it is taken on trust and shown",
        "由何物终止所有到此的连接，使之无法继续深入；按声明采信并予以公示",
        None,
        examples=["data diode"],
    )


class Connection(EntryPart):
    """An allowed connection."""

    from_: Line = told("node or zone that may open it", "发起方节点或区域", alias="from")
    to: Line = told("node or zone it may reach", "可到达的节点或区域")
    authentication: Literal["none", "token", "mutual-tls", "signed-readings", "attested"] = told(
        "how the side that opens it is recognised", "如何鉴别发起方"
    )


class Network(Entry):
    """The whole map."""

    register: ClassVar[str] = "network"
    about: ClassVar[Text] = Text("the map of the network with its allowed connections", "网络区域与允许连接清单")
    single: ClassVar[bool] = True

    zones: list[Zone] = told("zones of the network", "网络区域", min_length=1, max_length=500)
    nodes: list[Node] = told(
        "what stands in them; many of a kind may stand as one",
        "各区域中的节点；同类者可合并为一个",
        min_length=1,
        max_length=500,
    )
    flows: list[Connection] = told(
        "which connections are allowed; all others are not", "允许的连接；其余一律不允许", max_length=20_000
    )

    def shows(self) -> Iterator[str]:
        if any(node.kind == "edge" for node in self.nodes):
            yield "deploy.edge_devices"

    @model_validator(mode="after")
    def _names(self) -> Network:
        zones = {zone.name for zone in self.zones}
        names = Counter([*(zone.name for zone in self.zones), *(node.name for node in self.nodes)])
        for name, count in names.items():
            if count > 1:
                raise PydanticCustomError(
                    "name_twice",
                    "two zones or nodes are called {name}",
                    {"name": name, "zh": f"有两个区域或节点同名：{name}"},
                )
        needed: list[tuple[str, Collection[str]]] = [(node.zone, zones) for node in self.nodes]
        needed += [(end, names) for flow in self.flows for end in (flow.from_, flow.to)]
        for name, known in needed:
            if name not in known:
                raise PydanticCustomError(
                    "name_unknown",
                    "{name} is no zone or node of this map",
                    {"name": name, "zh": f"清单中没有名为 {name} 的区域或节点"},
                )
        return self
