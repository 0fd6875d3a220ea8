"""Events of a run: one per change of one resource. Data only."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class ResourceEvent:
    """`phase` is one of creating, waiting, changing, ready, deleting, gone, kept, failed, skipped.

    `status` is AWS's own word and `detail` its explanation; `usual` is how long this phase usually
    takes (seconds of AWS time); `at` is the monotonic clock (seconds).
    """

    key: str
    phase: str
    status: str = ""
    detail: str = ""
    usual: float = 0.0
    at: float = field(default_factory=time.monotonic)


Emit = Callable[[ResourceEvent], None]
"""Called from many threads; must not block or raise."""
