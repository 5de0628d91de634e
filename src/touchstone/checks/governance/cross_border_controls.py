"""Registers of data flows made up for a test of the test: everything in order, and one flaw at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import numpy as np

from touchstone.checks.governance.cross_border_records import FlowRecords
from touchstone.checks.governance.flow_decisions import Declared
from touchstone.checks.register_controls import Plant
from touchstone.standard.decision_table_pack import LawTable
from touchstone.system.registers.filings import Filing
from touchstone.system.registers.flows import Flow
from touchstone.text import Text

START = date(2026, 1, 5)
RECIPIENTS = ("First Recipient", "Second Recipient")
FLOWS = 8
LARGEST = 100_000
"""Persons of all flows together, beyond which the exemption of small numbers ends."""


def sound_flows(generator: np.random.Generator, tables: Mapping[str, LawTable]) -> FlowRecords:
    """Small flows under a contract that was filed; sensitive information leaves first, so every one needs it."""
    flows = [_flow(number, generator) for number in range(FLOWS - 1)]
    sensitive = _flow(FLOWS - 1, generator).model_copy(
        update={"day": START + timedelta(days=1), "sensitive_persons": 10}
    )
    contract = Filing(
        id="contract",
        kind="standard_contract",
        reference="made up",
        recipients=list(RECIPIENTS),
        kinds=["general"],
        persons=LARGEST,
        sensitive_persons=1_000,
        valid_from=START,
        valid_until=START + timedelta(days=700),
        filed=START + timedelta(days=2),
        receipt="receipt.pdf",
    )
    return FlowRecords(
        flows=(*flows, sensitive),
        filings=(contract,),
        tables=tables,
        day=START + timedelta(days=300),
        declared=Declared(),
        files=frozenset({"receipt.pdf"}),
    )


def _flow(number: int, generator: np.random.Generator) -> Flow:
    return Flow(
        id=f"F-{number}",
        what="made-up records",
        day=START + timedelta(days=int(generator.integers(2, 200))),
        way="sent",
        origin="CN",
        country="DE",
        recipient=RECIPIENTS[number % 2],
        kind="general",
        purpose="other",
        necessary=False,
        personal=True,
        persons=int(generator.integers(1, LARGEST // FLOWS)),
        sensitive_persons=0,
        important=False,
        exporter_cii=False,
        foreign_only=False,
        off_negative_list=False,
        foreign_authority=False,
        genetic_persons=0,
        filings=["contract"],
    )


def flawed_flows(sound: FlowRecords, generator: np.random.Generator) -> Iterator[Plant[FlowRecords]]:
    """The same registers with one flaw at a time, in a flow by lot."""
    chosen = int(generator.integers(FLOWS))
    flow, contract = sound.flows[chosen], sound.filings[0]
    others = sound.flows[:chosen] + sound.flows[chosen + 1 :]

    def with_flow(**changed: Any) -> FlowRecords:
        return replace(sound, flows=(*others, flow.model_copy(update=changed)))

    def with_contract(**changed: Any) -> FlowRecords:
        return replace(sound, filings=(contract.model_copy(update=changed),))

    yield Plant(
        Text("nobody said whether data are important", "未说明是否重要数据"), with_flow(important=None), "fact-missing"
    )
    yield Plant(Text("nobody counted the persons", "未统计人数"), with_flow(persons=None), "fact-missing")
    yield Plant(
        Text("critical infrastructure with a mere contract", "关键信息基础设施仅订立合同"),
        with_flow(exporter_cii=True),
        "not-covered",
    )
    yield Plant(
        Text("a million persons, split among two recipients", "拆分给两个接收方、合计逾百万人"),
        replace(
            sound,
            flows=tuple(each.model_copy(update={"persons": 125_001}) for each in sound.flows),
            filings=(contract.model_copy(update={"persons": None}),),
        ),
        "not-covered",
    )
    yield Plant(Text("no filing named", "未列出手续"), with_flow(filings=[]), "not-covered")
    yield Plant(Text("a filing that is not there", "所列手续不存在"), with_flow(filings=["other"]), "filing-unknown")
    yield Plant(Text("another recipient", "接收方不同"), with_flow(recipient="Third Recipient"), "not-covered")
    yield Plant(Text("another kind of data", "数据类型不同"), with_flow(kind="health_record"), "not-covered")
    yield Plant(
        Text("a filing that ended", "手续已届满"),
        with_contract(valid_until=flow.day - timedelta(days=1)),
        "not-covered",
    )
    yield Plant(
        Text("a flow before the filing held", "手续生效前已出境"),
        with_contract(valid_from=flow.day + timedelta(days=1)),
        "not-covered",
    )
    yield Plant(Text("a contract that was never filed", "合同未备案"), with_contract(filed=None), "not-covered")
    yield Plant(
        Text("more persons than the filing covers", "人数超出手续范围"), with_contract(persons=0), "not-covered"
    )
    yield Plant(
        Text("a receipt that was not handed in", "回执未提交"), replace(sound, files=frozenset()), "not-covered"
    )
    yield Plant(
        Text("a foreign court as recipient", "接收方为外国法院"), with_flow(foreign_authority=True), "not-covered"
    )
    yield Plant(
        Text("human genetic data without a security review", "人类遗传资源未经安全审查"),
        with_flow(kind="human_genetic", genetic_persons=501),
        "not-covered",
    )
    yield Plant(Text("from where no table decides", "来源法域无判定表"), with_flow(origin="ZZ"), "no-law-for-origin")
    yield Plant(
        Text("denies what the description states", "与系统描述矛盾"),
        replace(sound, declared=Declared(cii=True)),
        "contradicts-description",
    )
    yield Plant(
        Text("denies what a data set holds", "与数据集申报矛盾"),
        replace(with_flow(data_sets=["train"], sensitive_persons=0), personal={"train": True}),
        "contradicts-data-set",
    )
    yield Plant(Text("a name used twice", "编号重复"), replace(sound, flows=(*sound.flows, flow)), "flow-name-twice")
    yield Plant(
        Text("an empty register of a system that exports", "系统有数据出境而登记为空"),
        replace(sound, flows=(), exported=Text("data leave", "有数据出境")),
        "export-not-recorded",
    )
    yield Plant(
        Text("a table that nobody compared with the law", "判定表逾期未核对"),
        replace(sound, day=date(2100, 1, 1)),
        "law-not-compared",
    )
