"""Checks of the buckets: whether they can be created and read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from awsdeploy.architecture.storage import Storage
from awsdeploy.engine.resource import Aws, Observed, Resource
from awsdeploy.preflight.finding import Finding, Question
from awsdeploy.resources.storage.bucket import S3Bucket


def buckets(question: Question) -> Iterator[Finding]:
    """Names that belong to somebody else, and an account that keeps every bucket private."""
    declared = [one for one in Storage(question.settings).resources if isinstance(one, S3Bucket)]
    asked = question.session.each(lambda bucket: _obstacle(question, bucket), declared)
    for bucket, why in zip(declared, asked, strict=True):
        if why:
            seen, _, remedy = why.partition(": ") if ": " in why else why.partition(". ")
            yield Finding(f"bucket {bucket.key}", seen.rstrip("."), remedy)


def _obstacle(question: Question, bucket: S3Bucket) -> str:
    """As a plan sees it, for a bucket made for the first time."""
    generations: dict[Resource, str] = {bucket: bucket.generation({}, 0)}
    region = bucket.region or question.settings.region
    return bucket.conflict(Aws(question.session, question.stack, region, Nothing(), {}, generations))


class Nothing:
    """A world of which nothing is known."""

    def all(self, kind: type[Resource], region: str) -> Sequence[Observed]:
        return ()

    look = all

    def known(self) -> Sequence[Observed]:
        return ()
