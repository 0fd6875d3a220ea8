"""The owner's tags (`[tags]`) on existing resources: the differences, and the calls that apply them.

A tag that was removed from the config is removed; a tag that was added by hand stays. The tag `awsdeploy:tags` of each
resource tells them apart: it contains short digests of the keys that came from the config.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from awsdeploy.config.stack import TAG_OWN, key_digest, own_tags
from awsdeploy.engine.observed import Change, Observed
from awsdeploy.engine.view import Aws

Tags = Mapping[str, str]


@dataclass(frozen=True)
class Tagging:
    """The calls of one service: add or change tags, take keys off, and read them where no list shows them."""

    put: Callable[[Aws, Observed, Tags], object]
    drop: Callable[[Aws, Observed, list[str]], object]
    read: Callable[[Aws, Observed], Tags] | None = None


def retagged(aws: Aws, tagging: Tagging | None, observed: Observed, what: str = "") -> Iterator[Change]:
    """Differences in an object's own tags; `what` is written before the key.

    Where AWS shows tags for one object at a time only, it is asked if the stack has own tags, or had some.
    """
    if tagging is None:
        return
    present = observed.tags
    if present is None:
        if tagging.read is None or not aws.has_own_tags:
            return
        present = tagging.read(aws, observed)
    wanted = own_tags(aws.stack.own, once=TAG_OWN in present)
    given = present.get(TAG_OWN, "").split()
    stale = [key for key in present if key_digest(key) in given and key not in wanted]
    wrong = {key: value for key, value in wanted.items() if present.get(key) != value}

    def mend() -> None:
        # First off, since AWS counts tags, and IAM takes two keys that differ in case only for one.
        if stale:
            tagging.drop(aws, observed, stale)
        if wrong:
            tagging.put(aws, observed, wrong)

    for key in stale:
        yield Change(f"{what}tag {key}", present[key], None, mend)
    for key, value in wrong.items():
        if key != TAG_OWN or len(wrong) + len(stale) == 1:
            yield Change(f"{what}tag {key}", present.get(key), value, mend)
