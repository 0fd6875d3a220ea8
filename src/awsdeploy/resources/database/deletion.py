"""Deletion of a database: its protection first, and never without the final snapshot that was announced."""

from __future__ import annotations

from awsdeploy.aws.remedies import delete_data
from awsdeploy.aws.session import AwsRefusal, tolerate
from awsdeploy.engine.context import with_id
from awsdeploy.engine.resource import Aws, DestroyOptions, Observed
from awsdeploy.errors import AwsFailure
from awsdeploy.resources.database import beside
from awsdeploy.resources.database.changes import lowest_limit
from awsdeploy.resources.database.statuses import FULL

GONE, BUSY = "DBInstanceNotFound", "InvalidDBInstanceState"

NO_SNAPSHOT = {
    "KMSKeyNotAccessibleFault": "Enable its KMS key, then run the same command again.",
    "SnapshotQuotaExceeded": "Delete unused DB snapshots (aws rds describe-db-snapshots --snapshot-type "
    "manual) or request a quota increase (Service Quotas, Amazon RDS, manual DB instance snapshots), then run the same "
    "command again.",
}
"""Refusals of a final snapshot that waiting does not change, by AWS's code, and what to do about each."""


def delete_database(aws: Aws, observed: Observed, options: DestroyOptions) -> None:
    """The next step: start it where AWS changes and copies it only when it runs, lift its protection, delete it.

    AWS refuses each while it is at work on something else: that is waited for outside, where the reason is shown.
    Raises `AwsFailure` where the announced snapshot is impossible.
    """
    if observed.state.leaving:
        return
    if observed.state.empty:  # by a look of some time ago: it may have been used since
        observed = with_id(aws.latest(observed.kind), observed.id) or observed
    if observed.locked:
        raise AwsFailure(
            f"The deletion protection of {observed.id} is on: it is {observed.status}.",
            observed.kind.unlocking(observed),
        )
    rds, protected = aws.context.client("rds", aws.region), observed.kind.is_protected(observed)
    # What a restore drill made is a copy of the database.
    skipped = options.data or observed.state.empty or beside.role_in(observed.key) == beside.DRILL
    if not skipped and observed.without_snapshot:
        raise AwsFailure(
            f"AWS takes no final snapshot of {observed.id}: it is {observed.status}.",
            f"{observed.remedy} {delete_data()}",
        )
    with tolerate(GONE), tolerate(BUSY, text="already being deleted"):
        if observed.status == "stopped" and (protected or not skipped):
            rds.start_db_instance(DBInstanceIdentifier=observed.id)
        elif protected:
            rds.modify_db_instance(DBInstanceIdentifier=observed.id, DeletionProtection=False, ApplyImmediately=True)
        elif skipped:
            rds.delete_db_instance(DBInstanceIdentifier=observed.id, SkipFinalSnapshot=True)
        else:
            _delete_after_snapshot(aws, observed, f"{observed.id}-final-{options.snapshot}")


def _delete_after_snapshot(aws: Aws, observed: Observed, name: str) -> None:
    try:
        aws.rds.delete_db_instance(DBInstanceIdentifier=observed.id, FinalDBSnapshotIdentifier=name)
    except AwsRefusal as refusal:
        if (hint := NO_SNAPSHOT.get(refusal.code)) is None:
            raise
        raise AwsFailure(
            f"AWS takes no final snapshot of {observed.id}: {refusal.text}", f"{hint} {delete_data()}"
        ) from None


def unlocking(observed: Observed) -> str:
    """Action for a person that lets `destroy` turn off the deletion protection of a database."""
    modify = f"aws rds modify-db-instance --db-instance-identifier {observed.id} --region {observed.region}"
    if observed.status == FULL:
        room = lowest_limit(int(observed.raw["AllocatedStorage"]))
        return f"Increase its storage first: {modify} --apply-immediately --allocated-storage {room}"
    return (
        f"Turn it off: {modify} --apply-immediately --no-deletion-protection. If AWS refuses that in this status, "
        "ask AWS Support to delete the database."
    )
