"""Calls that several threads make at once, sent to AWS as one."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass, field
from typing import Any, TypeVar

from awsdeploy.aws.refusals import AwsRefusal

Item = TypeVar("Item")
Answer = TypeVar("Answer")

GATHER = 0.3
"""Seconds that the first waits for others: about as long as AWS takes to answer one call."""


@dataclass
class _Batch:
    items: list[Any] = field(default_factory=list)
    future: Future[Any] = field(default_factory=Future)


class Batches:
    """Batches by key that are being gathered."""

    def __init__(self) -> None:
        self._open: dict[Hashable, _Batch] = {}
        self._guard = threading.Lock()

    def send(self, key: Hashable, item: Item, call: Callable[[Sequence[Item]], Answer], most: int) -> Answer:
        """Send `item` in one `call` with others of the same key, at most so many, and return the call's answer.

        If AWS refuses that call, each item is sent alone: what is raised is about this item.
        """
        with self._guard:
            batch = self._open.get(key)
            first = batch is None or len(batch.items) >= most
            if batch is None or first:
                batch = self._open[key] = _Batch()
            batch.items.append(item)
        answer: Answer
        try:
            answer = self._send(key, batch, call) if first else batch.future.result()
        except CancelledError:
            answer = call([item])
        except AwsRefusal:
            if len(batch.items) == 1:
                raise
            answer = call([item])
        return answer

    def _send(self, key: Hashable, batch: _Batch, call: Callable[[Sequence[Item]], Answer]) -> Answer:
        """Wait for others and send the batch. Whatever fails here, they do not wait for ever."""
        try:
            time.sleep(GATHER)
            with self._guard:
                if self._open.get(key) is batch:
                    del self._open[key]
            answer = call(batch.items)
            batch.future.set_result(answer)
            return answer
        finally:
            batch.future.cancel()
