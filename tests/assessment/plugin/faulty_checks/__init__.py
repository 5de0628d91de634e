"""A third-party package of checks, each of which misbehaves in one way. Installed only for tests."""

import ctypes
import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable

from touchstone.checks.declaration import Check, Measurement, MetricDeclaration, Needs, Parameters, Run, check
from touchstone.errors import DataError
from touchstone.records import Metric
from touchstone.system.subject import Subject
from touchstone.text import Text

WORD = Text("faulty", "有缺陷")


def faulty(name: str) -> Callable[[Callable[[Subject, Parameters, Run], Measurement]], Check]:
    return check(
        id=f"faulty.{name}",
        version="1",
        title=WORD,
        measures=WORD,
        cannot_tell=WORD,
        remedy=WORD,
        threats=(),
        source="none",
        needs=Needs(),
        metrics=(MetricDeclaration("seen", "count", "higher", WORD),),
    )


def seen(count: int) -> Measurement:
    return Measurement(metrics=(Metric(id="seen", unit="count", value=count, n=1, better="higher"),))


@faulty("none")
def none(subject: Subject, parameters: Parameters, run: Run) -> Measurement:
    run.progress(0.5)
    exhibit = run.exhibit("note.json", "application/json", b"{}")
    count = int(run.generator("draw").integers(1_000_000))
    return Measurement(metrics=seen(count).metrics, exhibits=(exhibit,))


@faulty("raise")
def raises(subject: Subject, parameters: Parameters, run: Run) -> Measurement:
    raise RuntimeError("the runtime is unhappy")


@faulty("user-error")
def user_error(subject: Subject, parameters: Parameters, run: Run) -> Measurement:
    raise DataError(Text("has no rows", "没有数据行"), "test.csv")


@faulty("undeclared")
def undeclared(subject: Subject, parameters: Parameters, run: Run) -> Measurement:
    return Measurement(metrics=(Metric(id="surprise", unit="count", value=1, n=1, better="higher"),))


@faulty("segfault")
def segfault(subject: Subject, parameters: Parameters, run: Run) -> Measurement:
    ctypes.string_at(0)
    return seen(0)


@faulty("exit")
def exits(subject: Subject, parameters: Parameters, run: Run) -> Measurement:
    os._exit(0)


@faulty("memory")
def memory(subject: Subject, parameters: Parameters, run: Run) -> Measurement:
    return seen(len(bytearray(8 * 1024**3)))


@faulty("spin")
def spin(subject: Subject, parameters: Parameters, run: Run) -> Measurement:
    while True:
        pass


@faulty("sleep")
def sleep(subject: Subject, parameters: Parameters, run: Run) -> Measurement:
    time.sleep(600)
    return seen(0)


@faulty("nonsense")
def nonsense(subject: Subject, parameters: Parameters, run: Run) -> Measurement:
    for descriptor in range(3, 64):
        try:
            os.write(descriptor, b"this is no frame at all\n" * 300)
        except OSError:
            continue
    return seen(0)


@faulty("linger")
def linger(subject: Subject, parameters: Parameters, run: Run) -> Measurement:
    """Leaves a child behind that holds the worker's socket open."""
    if os.fork() == 0:
        time.sleep(600)
        os._exit(0)
    os._exit(1)


@faulty("network")
def network(subject: Subject, parameters: Parameters, run: Run) -> Measurement:
    try:
        with socket.create_connection(("127.0.0.1", 9), timeout=1):
            pass
    except ConnectionRefusedError:
        return seen(1)
    except OSError:
        return seen(0)
    return seen(1)


@faulty("program")
def program(subject: Subject, parameters: Parameters, run: Run) -> Measurement:
    try:
        subprocess.run(["true"], check=True)
    except OSError:
        return seen(0)
    return seen(1)


@faulty("large-file")
def large_file(subject: Subject, parameters: Parameters, run: Run) -> Measurement:
    with tempfile.TemporaryFile() as stream:
        stream.writelines(bytes(1024 * 1024) for _ in range(200))
    return seen(1)
