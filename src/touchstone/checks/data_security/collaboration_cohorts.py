"""How many parties hide in each sum that was opened: the register of rounds, held against itself and the declaration.

A party hides nobody where the server could be it: one that proved no identity, or was not invited, is left out of every
sum, as its update may be known. What can be computed from all sums of one round together counts, as they are sums of
the same updates. Sums of different rounds are of different updates; what would follow from them if updates hardly
changed is measured beside and decides nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from touchstone.canonical import digest_of
from touchstone.checks.named_entries import entries_note
from touchstone.checks.register_controls import Audit, Plant, register_controls
from touchstone.methods.federated.cohorts import Cohort, exposed_parties, is_searched, smallest_mixture
from touchstone.records import ControlRun, Metric, Note
from touchstone.system.description import Collaboration
from touchstone.system.registers.collaboration_rounds import CollaborationRound
from touchstone.text import Text

Rounds = Sequence[CollaborationRound]

MOST_PARTIES = 150
"""Parties over all rounds up to which it is worked out what follows from all sums together."""

CERTAIN = 2
"""Parties that any mixture has where none is exposed and not every mixture was looked at."""

ENTRY_NOTES = {
    "unauthenticated-party": Text(
        "with parties that proved no identity, who are left out of the count", "含未经身份认证的参与方（不计入）"
    ),
    "uninvited-party": Text("with parties that were not invited, who are left out", "含未受邀的参与方（不计入）"),
    "party-twice": Text("with a party that stands in it twice", "同一参与方重复出现"),
    "number-twice": Text("a number that stands twice", "编号重复"),
    "same-aggregate": Text(
        "the same aggregate as another sum of other parties: one of them is not what was opened",
        "与其他参与方求和的摘要相同：其中之一并非实际公开的结果",
    ),
    "beyond-last-round": Text("of a round after the last that is declared", "轮次超出声明的总轮数"),
}


@dataclass(frozen=True, slots=True)
class Opened:
    """What was opened, and what was declared about it."""

    declared: Collaboration
    rounds: Rounds

    @property
    def linear(self) -> bool:
        """Whether what was opened are sums, which can be subtracted from one another."""
        return self.declared.server_sees == "sums" or self.declared.rule == "mean"


def smallest_cohort(opened: Opened) -> Cohort:
    """The parties among whom a single update hides worst, in any sum or combination of sums of one round.

    Empty where a declared round is not on record, or nobody in a sum could be told from the server.
    """
    if _missing(opened):
        return frozenset()
    return min((_mixed(opened, sums) for sums in _by_round(opened).values()), key=len)


def audited(opened: Opened) -> Audit:
    """The metrics and everything that is wrong with the register."""
    sums = len(opened.rounds)
    metrics = [_parties("min_cohort", max(len(smallest_cohort(opened)), 1), sums)]
    notes = [*_notes(opened)]
    hidden = [_hiding(each) for each in opened.rounds]
    if opened.linear and len(frozenset().union(*hidden)) <= MOST_PARTIES:
        exposed = exposed_parties(hidden)
        across = 1 if exposed else len(smallest_mixture(hidden))
        metrics.append(_parties("min_cohort_across_rounds", max(across, 1), sums))
    return Audit(tuple(metrics), tuple(notes))


def alone(parties: int) -> Audit:
    """What there is to say where the server sees every update by itself."""
    note = Note(
        code="updates-seen-alone",
        text=Text(
            "the server sees every update by itself: without secure aggregation each one is a cohort of its own",
            "服务器可见每一方的单独更新：未采用安全聚合，每一更新自成一组",
        ),
    )
    return Audit((_parties("min_cohort", 1, parties),), (note,))


def _parties(name: str, value: int, n: int) -> Metric:
    return Metric(id=name, unit="parties", value=value, n=n, better="higher")


def _hiding(opened: CollaborationRound) -> Cohort:
    return frozenset(opened.summed) & frozenset(opened.authenticated) & frozenset(opened.invited)


def _by_round(opened: Opened) -> dict[int, list[CollaborationRound]]:
    found: dict[int, list[CollaborationRound]] = {}
    for each in opened.rounds:
        found.setdefault(each.round, []).append(each)
    return dict(sorted(found.items()))


def _mixed(opened: Opened, sums: Rounds) -> Cohort:
    """What the sums of one round come down to. A sum of nobody that counts shows a known sum, and so nothing."""
    hidden = [hiding for each in sums if (hiding := _hiding(each))]
    if not hidden:
        return frozenset()
    if not opened.linear:
        return min(hidden, key=len)
    found = smallest_mixture(hidden)
    return found if is_searched(hidden) else frozenset(sorted(found)[:CERTAIN])


def _missing(opened: Opened) -> list[int]:
    there = {each.round for each in opened.rounds}
    return [number for number in range(1, opened.declared.rounds + 1) if number not in there]


def _notes(opened: Opened) -> Iterator[Note]:
    flaws: dict[str, list[str]] = {code: [] for code in ENTRY_NOTES}
    numbers: set[str] = set()
    cohort_of: dict[str, frozenset[str]] = {}
    for each in opened.rounds:
        summed = frozenset(each.summed)
        wrong = {
            "unauthenticated-party": bool(summed - frozenset(each.authenticated)),
            "uninvited-party": bool(summed - frozenset(each.invited)),
            "party-twice": len(summed) < len(each.summed),
            "number-twice": each.id in numbers,
            "same-aggregate": cohort_of.setdefault(each.aggregate, summed) != summed,
            "beyond-last-round": each.round > opened.declared.rounds,
        }
        for code, holds in wrong.items():
            if holds:
                flaws[code].append(each.id)
        numbers.add(each.id)
    yield from (entries_note(code, ids, ENTRY_NOTES[code]) for code, ids in flaws.items() if ids)
    if missing := _missing(opened):
        what = Text(
            "rounds without a record, each counted as an update that was opened alone",
            "无记录的轮次，按单独公开更新计",
        )
        yield entries_note("round-not-recorded", [str(number) for number in missing], what)
    parties = frozenset().union(*(each.invited for each in opened.rounds), *(each.summed for each in opened.rounds))
    if len(parties) > opened.declared.parties:
        yield Note(
            code="more-parties-than-declared",
            text=Text(
                f"{len(parties)} parties are on record and {opened.declared.parties} are declared",
                f"登记的参与方为 {len(parties)} 个，声明为 {opened.declared.parties} 个",
            ),
        )
    yield from _exposed(opened)


def _exposed(opened: Opened) -> Iterator[Note]:
    """Parties whose own update can be computed, by round; and over all rounds if updates hardly changed."""
    if not opened.linear:
        return
    found = {number: exposed_parties(map(_hiding, sums)) for number, sums in _by_round(opened).items()}
    named = [f"{party} ({number})" for number, parties in found.items() for party in sorted(parties)]
    if named:
        what = Text(
            "parties whose update follows from the sums of a round (in brackets)",
            "可由括号内轮次的求和推出其更新的参与方",
        )
        yield entries_note("exposed-party", named, what)
    unsearched = [str(number) for number, sums in _by_round(opened).items() if not is_searched(map(_hiding, sums))]
    if unsearched:
        what = Text(
            "rounds with more overlapping sums than can be searched, each counted as a mixture of two parties",
            "重叠求和过多而无法逐一检索的轮次，按两方混合计",
        )
        yield entries_note("mixtures-not-searched", unsearched, what)
    hidden = [_hiding(each) for each in opened.rounds]
    if len(frozenset().union(*hidden)) <= MOST_PARTIES:
        later = exposed_parties(hidden) - frozenset().union(*found.values())
        if later:
            what = Text(
                "parties whose update would follow from sums of different rounds if it hardly changed between them; "
                "invite the same groups together",
                "若更新在各轮间几乎不变，可由不同轮次的求和推出其更新的参与方；宜始终成组邀请",
            )
            yield entries_note("exposed-across-rounds", sorted(later), what)


def cohort_controls(generator: np.random.Generator) -> tuple[ControlRun, ...]:
    """A made-up register in which all is well, and the same with one flaw at a time."""
    declared = Collaboration(
        parties=12, rounds=3, rule="mean", server_sees="sums", local_steps=1, batch_size=8, learning_rate=0.1
    )
    names = [f"party-{number}" for number in generator.permutation(12).tolist()]
    start = datetime(2026, 1, 1, tzinfo=UTC)

    def opened(number: int, name: str, parties: list[str]) -> CollaborationRound:
        return CollaborationRound(
            id=name,
            round=number,
            at=start + timedelta(days=number),
            invited=names,
            summed=parties,
            authenticated=names,
            aggregate=digest_of(name.encode()),
        )

    rounds = [opened(number, f"made-up-{number}", names) for number in (1, 2, 3)]
    first, rest = rounds[0], rounds[1:]

    def spoilt(**changes: object) -> Opened:
        return Opened(declared, [first.model_copy(update=changes), *rest])

    again = opened(1, "again", names[1:])
    plants = [
        Plant(Text("a sum of two parties", "仅两方求和"), spoilt(summed=names[:2]), "min_cohort"),
        Plant(
            Text("a sum opened again without one party", "去掉一方后再次公开"),
            Opened(declared, [*rounds, again]),
            "exposed-party",
        ),
        Plant(
            Text("a party without identity", "未认证的参与方"), spoilt(authenticated=names[1:]), "unauthenticated-party"
        ),
        Plant(Text("a party nobody invited", "未受邀的参与方"), spoilt(invited=names[1:]), "uninvited-party"),
        Plant(Text("a round without a record", "缺少一轮记录"), Opened(declared, rest), "round-not-recorded"),
        Plant(
            Text("one aggregate for two cohorts", "两组参与方对应同一摘要"),
            Opened(declared, [first, again.model_copy(update={"round": 2, "aggregate": first.aggregate}), *rest]),
            "same-aggregate",
        ),
    ]
    return register_controls(audited, Opened(declared, rounds), plants)
