"""One error for several failures of a run: what failed, and the remedies."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from awsdeploy.aws.refusals import allowing
from awsdeploy.aws.remedies import GO_ON
from awsdeploy.aws.session import AwsRefusal
from awsdeploy.errors import AwsdeployError, AwsFailure


class RunFailed(AwsFailure):
    """Some resources failed. Everything that does not depend on them is finished."""


def combined_error(failed: Iterable[tuple[str, AwsdeployError]], headline: str = "") -> AwsdeployError:
    """Combine errors, given with the keys of their resources, into one. Each cause is listed once.

    A single error without `headline` is returned itself.
    """
    pairs = sorted(failed, key=lambda pair: pair[0])
    errors = [error for _, error in pairs]
    by_cause: dict[str, list[str]] = {}
    for key, error in pairs:
        by_cause.setdefault(error.message, []).append(key)
    told = [f"{', '.join(keys)}: {cause}" for cause, keys in by_cause.items()]
    if len(told) == 1 and not headline:
        error = errors[0]
        error.message = told[0]
        error.args = (error.message,)
        return error
    lines = "\n".join(f"  {line}" for line in told)
    total = RunFailed(f"{headline or f'{len(errors)} resources failed'}:\n{lines}", _what_to_do(errors))
    total.exit_code = min(error.exit_code for error in errors)
    return total


def _what_to_do(errors: Sequence[AwsdeployError]) -> str:
    """Every remedy once, one per line. The general remedy only if there is no other."""
    denied = [error for error in errors if isinstance(error, AwsRefusal) and error.action]
    told = dict.fromkeys(error.hint for error in errors if error.hint and error not in denied)
    own = [hint for hint in (allowing(denied), *told) if hint not in ("", GO_ON)]
    return "\n→ ".join(own) or GO_ON
