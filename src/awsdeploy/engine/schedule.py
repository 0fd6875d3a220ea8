"""Run work over a graph: each node starts the moment its own edges are done; a failure stops its dependents only."""

from __future__ import annotations

import graphlib
from collections.abc import Callable, Hashable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TypeVar

from awsdeploy.aws.waiting import Cancellation
from awsdeploy.errors import AwsdeployError

Node = TypeVar("Node", bound=Hashable)

# Threads mostly sleep in waits; the session limits how many calls are in flight.
MOST_THREADS = 256


def run(
    needs: Mapping[Node, set[Node]],
    work: Callable[[Node], object],
    stop: Cancellation,
    skipped: Callable[[Node], None] = lambda _node: None,
) -> dict[Node, AwsdeployError]:
    """Do `work` on every node after the nodes it needs; returns the errors by node.

    Nodes behind a failed one are not started, and `skipped` is called with each. Raises what stopped the run, after
    all work in flight has ended; nothing is started, and nothing called skipped, from that moment on.
    """
    sorter = graphlib.TopologicalSorter(needs)
    sorter.prepare()
    errors: dict[Node, AwsdeployError] = {}
    lost: set[Node] = set()
    running: dict[Future[object], Node] = {}
    with ThreadPoolExecutor(min(MOST_THREADS, max(1, len(needs))), thread_name_prefix="work") as pool:
        while sorter.is_active():
            for node in sorter.get_ready():
                if stop.stopped:
                    sorter.done(node)
                elif lost & set(needs.get(node, ())):
                    lost.add(node)
                    skipped(node)
                    sorter.done(node)
                else:
                    running[pool.submit(work, node)] = node
            if not running:
                continue
            # A timeout, so that the main thread sees a signal soon.
            finished, _ = wait(running, timeout=0.2, return_when=FIRST_COMPLETED)
            for future in finished:
                node = running.pop(future)
                try:
                    future.result()
                except AwsdeployError as error:
                    errors[node] = error
                    lost.add(node)
                sorter.done(node)
    stop.check()
    return errors


def in_parallel(tasks: Mapping[Node, Callable[[], object]], stop: Cancellation) -> None:
    """Do independent tasks at once; raises the first error by order of the tasks."""
    errors = run({node: set() for node in tasks}, lambda node: tasks[node](), stop)
    for node in tasks:
        if node in errors:
            raise errors[node]
