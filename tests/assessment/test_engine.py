import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.building import prediction_system
from touchstone.assessment.engine import GIB, Event, Finished, Limits, Progressed, Started, run_in_workers
from touchstone.assessment.seeds import seed_of
from touchstone.records import CheckIdentity, PlanItem
from touchstone.system.subject import Subject, open_system

PLUGIN = Path(__file__).parent / "plugin"


@pytest.fixture(scope="module")
def subject(tmp_path_factory: pytest.TempPathFactory) -> Subject:
    return open_system(prediction_system(tmp_path_factory.mktemp("system")))


@pytest.fixture(autouse=True)
def installed_plugin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(PLUGIN))


def planned(subject: Subject, *names: str) -> list[PlanItem]:
    return [
        PlanItem(
            check=CheckIdentity(id=f"faulty.{name}", version="1"),
            controls=(),
            runs=True,
            seed=seed_of(subject.digest, f"faulty.{name}", "1"),
        )
        for name in names
    ]


def run(subject: Subject, *names: str, limits: Limits | None = None, jobs: int = 2) -> dict[str, Finished]:
    events = run_in_workers(subject, planned(subject, *names), "quick", jobs=jobs, limits=limits)
    return {event.item.check.id.removeprefix("faulty."): event for event in events if isinstance(event, Finished)}


def code_of(finished: Finished) -> str | None:
    observation = finished.measured.observation
    return None if observation.error is None else observation.error.code


def test_a_second_run_begins_when_the_first_has_ended_and_says_the_same(subject: Subject) -> None:
    items = planned(subject, "none")
    events = list(run_in_workers(subject, items, "quick", jobs=2, again=items))
    assert [type(event) for event in events] == [Started, Progressed, Finished] * 2
    first, second = (event.measured.observation for event in events if isinstance(event, Finished))
    assert first.to_bytes() == second.to_bytes()


def test_a_sound_check_reports_progress_and_result(subject: Subject) -> None:
    events: list[Event] = list(run_in_workers(subject, planned(subject, "none"), "quick"))
    assert [type(event) for event in events] == [Started, Progressed, Finished]
    finished = events[-1]
    assert isinstance(finished, Finished)
    observation = finished.measured.observation
    assert observation.status == "measured"
    assert observation.system == subject.digest
    assert list(finished.measured.exhibits.values()) == [b"{}"]
    assert finished.execution.peak_memory_bytes > 1_000_000


def test_equal_inputs_give_equal_observations(subject: Subject) -> None:
    first, second = (run(subject, "none")["none"].measured for _ in range(2))
    assert first == second


def test_whatever_one_worker_does_the_others_go_on(subject: Subject) -> None:
    limits = Limits(memory_bytes=4 * GIB, cpu_seconds=60)
    results = run(
        subject,
        *["raise", "user-error", "undeclared", "segfault", "exit", "memory", "nonsense", "linger", "none"],
        limits=limits,
    )
    assert {name: code_of(finished) for name, finished in results.items()} == {
        "raise": "check-crashed",
        "user-error": "refused",
        "undeclared": "check-crashed",
        "segfault": "worker-killed",
        "exit": "worker-ended",
        "memory": "out-of-memory",
        "nonsense": "worker-spoke-nonsense",
        "linger": "worker-ended",
        "none": None,
    }
    said = results["user-error"].measured.observation.error
    assert said is not None
    assert said.text.zh == "test.csv：没有数据行"


def test_a_check_that_never_ends_is_stopped(subject: Subject) -> None:
    class Short(Limits):
        wall_seconds = 3

    results = run(subject, "spin", "sleep", "none", limits=Short(cpu_seconds=2), jobs=3)
    assert {name: code_of(finished) for name, finished in results.items()} == {
        "spin": "time-limit",
        "sleep": "time-limit",
        "none": None,
    }


def test_a_worker_reaches_no_network_and_starts_no_program(subject: Subject) -> None:
    results = run(subject, "network", "program", "large-file")
    isolation = results["network"].execution.isolation
    if isolation.network == "open":
        pytest.skip("this kernel lets an ordinary process cut nothing off; the evidence says so")
    assert results["network"].measured.observation.metrics[0].value == 0
    assert results["program"].measured.observation.metrics[0].value == 0
    assert isolation.new_programs == "denied"
    assert code_of(results["large-file"]) == "check-crashed"


def test_killing_the_zygote_costs_only_the_checks_that_were_running(subject: Subject) -> None:
    items = planned(subject, "sleep", "none")
    finished: dict[str, Finished] = {}
    for event in run_in_workers(subject, items, "quick", jobs=1):
        if isinstance(event, Started) and event.item.check.id == "faulty.sleep":
            time.sleep(3)
            subprocess.run(["pkill", "-KILL", "-P", str(os.getpid()), "-f", "touchstone.assessment.zygote"], check=True)
        if isinstance(event, Finished):
            finished[event.item.check.id] = event
    assert code_of(finished["faulty.sleep"]) == "worker-killed"
    assert code_of(finished["faulty.none"]) is None


def test_workers_die_with_their_parent(subject: Subject) -> None:
    program = (
        "import sys; from pathlib import Path; from touchstone.system.subject import open_system;"
        "from touchstone.assessment.engine import run_in_workers; from tests.assessment.test_engine import planned;"
        "s = open_system(Path(sys.argv[1]));"
        "[print(type(e).__name__, flush=True) for e in run_in_workers(s, planned(s, 'sleep'), 'quick')]"
    )
    root = Path(__file__).parents[2]
    environment = os.environ | {"PYTHONPATH": f"{PLUGIN}:{root}"}
    parent = subprocess.Popen(
        [sys.executable, "-c", program, str(subject.root)], stdout=subprocess.PIPE, env=environment, text=True
    )
    assert parent.stdout is not None
    assert parent.stdout.readline() == "Started\n"
    deadline = time.monotonic() + 30
    while len(descendants := _descendants(parent.pid)) < 2 and time.monotonic() < deadline:
        time.sleep(0.1)
    assert len(descendants) == 2, "a zygote and its worker"
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    deadline = time.monotonic() + 10
    while any(_alive(process) for process in descendants) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not [process for process in descendants if _alive(process)]


def _descendants(process: int) -> list[int]:
    children = [int(child) for child in Path(f"/proc/{process}/task/{process}/children").read_text().split()]
    return children + [grandchild for child in children for grandchild in _descendants(child)]


def _alive(process: int) -> bool:
    try:
        return ") Z" not in Path(f"/proc/{process}/stat").read_text()
    except FileNotFoundError:
        return False
