"""Every kind of register that is known, by the name it has under `registers:` in `system.yaml`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from touchstone.system.registers.alerts import Alert
from touchstone.system.registers.answer_review import AnswerReview
from touchstone.system.registers.builders import Builder
from touchstone.system.registers.change_envelope import EnvelopeClause
from touchstone.system.registers.changes import Change
from touchstone.system.registers.collaboration_rounds import CollaborationRound
from touchstone.system.registers.committee import Committee
from touchstone.system.registers.committee_decisions import CommitteeDecision
from touchstone.system.registers.content_labels import ContentLabels
from touchstone.system.registers.corpus_review import RowReview
from touchstone.system.registers.deletions import Deletion
from touchstone.system.registers.derived_records import DerivedRecord
from touchstone.system.registers.disclosure import Disclosure
from touchstone.system.registers.disclosure_cases import DisclosureCase
from touchstone.system.registers.drills import Drill
from touchstone.system.registers.entry import Entry
from touchstone.system.registers.event_log import LoggedEvent
from touchstone.system.registers.exports import Export
from touchstone.system.registers.fault_injections import FaultInjection
from touchstone.system.registers.filings import Filing
from touchstone.system.registers.flows import Flow
from touchstone.system.registers.incident_drills import IncidentDrill
from touchstone.system.registers.log_retention import LogRetention
from touchstone.system.registers.monitoring_exercise import MonitoringExercise
from touchstone.system.registers.network import Network
from touchstone.system.registers.obligation_record import ObligationRecord
from touchstone.system.registers.oversight import Oversight
from touchstone.system.registers.oversight_cases import OversightCase
from touchstone.system.registers.previous_assessment import PreviousAssessment
from touchstone.system.registers.question_bank import BankQuestion
from touchstone.system.registers.releases import Release
from touchstone.system.registers.risk_acceptances import RiskAcceptance
from touchstone.system.registers.risks import Risk
from touchstone.system.registers.safety_concept import SafeState
from touchstone.system.registers.seeded_events import SeededEvent
from touchstone.system.registers.stop_trials import StopTrial
from touchstone.system.registers.substitution_tests import SubstitutionTest
from touchstone.system.registers.supply_graph import SupplyItem
from touchstone.system.registers.surveillance import SurveillancePlan
from touchstone.system.registers.surveillance_reports import SurveillanceReport
from touchstone.system.registers.tool_policy import ToolPolicy
from touchstone.system.registers.update_trials import UpdateTrial

_KINDS: tuple[type[Entry], ...] = (
    Alert,
    AnswerReview,
    BankQuestion,
    Builder,
    Change,
    EnvelopeClause,
    PreviousAssessment,
    CollaborationRound,
    Committee,
    CommitteeDecision,
    RowReview,
    ContentLabels,
    Deletion,
    DerivedRecord,
    Disclosure,
    DisclosureCase,
    Drill,
    LoggedEvent,
    Export,
    FaultInjection,
    Filing,
    Flow,
    IncidentDrill,
    LogRetention,
    MonitoringExercise,
    Network,
    ObligationRecord,
    Oversight,
    OversightCase,
    Release,
    RiskAcceptance,
    Risk,
    SafeState,
    SeededEvent,
    StopTrial,
    SubstitutionTest,
    SupplyItem,
    SurveillancePlan,
    SurveillanceReport,
    ToolPolicy,
    UpdateTrial,
)

REGISTERS: Mapping[str, type[Entry]] = MappingProxyType({kind.register: kind for kind in _KINDS})
