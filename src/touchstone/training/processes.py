"""Trainings side by side: one process each, one thread each, results as they come."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context
from typing import TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")


def in_processes(work: Callable[[Task], Result], tasks: Sequence[Task], jobs: int) -> Iterator[tuple[Task, Result]]:
    """Every task with what `work` made of it, in the order in which they are finished; one job runs right here.

    `work` is a function of a module. Processes are started afresh, because threads of PyTorch do not survive a fork.
    """
    if jobs == 1:
        for task in tasks:
            yield task, work(task)
        return
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn"), initializer=_one_thread) as pool:
        try:
            running = {pool.submit(work, task): task for task in tasks}
            for done in as_completed(running):
                yield running[done], done.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _one_thread() -> None:
    os.environ["OMP_NUM_THREADS"] = "1"
