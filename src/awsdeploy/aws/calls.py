"""One finished call to AWS, for listeners of the session: `--debug`, the benchmarks, the rehearsal's recorder."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class AnsweredCall:
    """A call and its answer. No parameters: they may be secret.

    `seconds` are this machine's. `outcome` is "ok", AWS's error code, or the fault in words. `answer` is what AWS
    answered (an error: nothing) and `meta` botocore's description of the client, which has the model of each
    operation. Values may be secret, so a `repr` shows neither.
    """

    service: str
    operation: str
    seconds: float
    outcome: str
    answer: Mapping[str, Any] = field(default_factory=dict, repr=False)
    meta: Any = field(default=None, repr=False)
