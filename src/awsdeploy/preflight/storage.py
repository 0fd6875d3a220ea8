"""Checks of the buckets: whether they can be created and read."""

from __future__ import annotations

from collections.abc import Iterator

from awsdeploy.architecture.storage import Storage
from awsdeploy.engine.context import StackContext
from awsdeploy.engine.resource import Aws
from awsdeploy.preflight.finding import Finding, Question
from awsdeploy.resources.storage.bucket import S3Bucket


def buckets(question: Question) -> Iterator[Finding]:
    """Find bucket names that are taken, and an account whose public access block forbids public files."""
    declared = [one for one in Storage(question.settings).resources if isinstance(one, S3Bucket)]
    asked = question.session.each(lambda bucket: _conflict(question, bucket), declared)
    for bucket, why in zip(declared, asked, strict=True):
        if why:
            seen, _, remedy = why.partition(": ") if ": " in why else why.partition(". ")
            yield Finding(f"bucket {bucket.key}", seen.rstrip("."), remedy)


def _conflict(question: Question, bucket: S3Bucket) -> str:
    """Conflict of a bucket that is created for the first time, as in a plan."""
    context = StackContext(question.session, question.settings.stack, question.settings.region)
    context.generations[bucket] = bucket.generation({}, 0)
    return bucket.conflict(Aws(context, bucket.region or context.region))
