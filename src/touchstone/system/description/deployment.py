"""Where the system runs, what it depends on, and what its owner consents to."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from touchstone.system.description.part import Finite, Identifier, Jurisdiction, Line, Part, absent


class Component(Part):
    """Something the system depends on."""

    name: Line
    kind: Literal["model", "dataset", "framework", "library", "driver", "chip", "service", "device"]
    version: Line | None = None
    supplier: Line | None = None
    origin: Jurisdiction | None = Field(None, description="jurisdiction that controls the supplier")
    licence: Line | None = Field(None, description="SPDX expression", examples=["Apache-2.0"])
    package: Annotated[str, StringConstraints(pattern=r"^pkg:[a-z.+-]+/[^\s]{1,1000}$")] | None = Field(
        None,
        exclude_if=absent,
        description="package URL, so that advisories about it are found",
        examples=["pkg:pypi/onnxruntime@1.20.1"],
    )
    substitutes: list[Line] = Field(default_factory=list, description="components that were tested in its place")


class EdgeDevice(Part):
    """A device outside the data centre that runs the model or feeds it."""

    name: Line
    kind: Line
    count: int = Field(1, gt=0)
    identity: Literal["none", "mutual-tls", "signed-readings", "attested"] = "none"


class EndpointTests(Part):
    """Consent to hostile requests and load against the service at `model.endpoint`. Without it none is ever sent."""

    consent: Line = Field(
        description="who permits it, for which instance and time",
        examples=["Example Health Ltd., IT operations: staging instance, 20 to 30 November 2026"],
    )
    interfaces: list[Literal["open-inference-v2", "openai-chat", "openai-embeddings"]] = Field(
        default=["open-inference-v2"], min_length=1, description="what the service speaks at this address"
    )
    tenant_rate: Annotated[Finite, Field(gt=0, le=1000)] = Field(
        20.0, description="requests per second that the service grants one ordinary client"
    )
    requests: Annotated[int, Field(gt=0, le=1_000_000)] = Field(20_000, description="most requests, all together")
    seconds: Annotated[int, Field(gt=0, le=86_400)] = Field(600, description="longest time the tests may take")
    recovery_seconds: Annotated[Finite, Field(gt=0)] | None = Field(
        None, description="time after overload within which the service claims to answer again"
    )


class ToolGateway(Part):
    """A staging instance of the gateway through which the product's tools are called, over MCP."""

    url: Line = Field(
        description="MCP endpoint (Streamable HTTP), on the host of model.endpoint or on this machine",
        examples=["http://127.0.0.1:8090/mcp"],
    )
    users: dict[Identifier, Line] = Field(
        min_length=1,
        description="for each role, the identifier of a test user, whose token is in TOUCHSTONE_GATEWAY_TOKEN_<ROLE>",
        examples=[{"customer": "C-1001", "clerk": "K-07"}],
    )
    other_users: list[Line] = Field(
        default_factory=list,
        description="identifiers of users with whose matters the test users have nothing to do",
        examples=[["C-1002"]],
    )
    approval_tool: Identifier | None = Field(
        None,
        description="tool of the gateway with which a role approves a call: it takes `tool`, `arguments` (JSON) and"
        " `user`, and answers with a reference",
        examples=["approve_call"],
    )
    approval_key: Line | None = Field(
        None, description="key of `_meta` under which a call presents that reference", examples=["example.org/approval"]
    )


class Deployment(Part):
    """Where and how the system runs."""

    endpoint: Line | None = None
    endpoint_tests: EndpointTests | None = Field(
        None,
        exclude_if=absent,
        description="consent to hostile requests and load against the service under test, and their bounds",
        examples=[{"consent": "Example Health Ltd., staging instance, November 2026"}],
    )
    tool_gateway: ToolGateway | None = Field(
        None,
        exclude_if=absent,
        description="staging gateway to the tools; calls that the tool policy forbids are sent there",
        examples=[{"url": "http://127.0.0.1:8090/mcp", "users": {"customer": "C-1001"}}],
    )
    jurisdictions: list[Jurisdiction] = Field(default_factory=list, examples=[["CN"]])
    edge_devices: list[EdgeDevice] = Field(default_factory=list)
