"""The master password of an instance: which one it has, and the change to the one in Parameter Store.

AWS shows no password, so a tag of the instance names the version that AWS was told last. AWS begins some seconds later,
and works for minutes; until it is done the old password counts and `PendingModifiedValues` has the new one as `****`
(API_ModifyDBInstance, API_PendingModifiedValues).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from awsdeploy.aws.session import Client
from awsdeploy.config.stack import tags_to_dict
from awsdeploy.engine.resource import Change, Observed
from awsdeploy.resources.compute.parameter import PASSWORD_VERSION
from awsdeploy.resources.database.changes import BEGUN, Effect

FIELD = "MasterUserPassword"
NEW = "the one in Parameter Store"


def version_of(observed: Observed) -> str:
    """Version of the password that AWS was told last for this instance; empty if it has that of a backup."""
    return tags_to_dict(observed.raw.get("TagList")).get(PASSWORD_VERSION, "")


def password_change(
    rds: Client, observed: Observed, wanted: str, reveal: Callable[[], str], effect: Effect
) -> Iterator[Change]:
    """The change to the `wanted` version, until AWS has made that password valid. `reveal` reads the password."""
    told = version_of(observed) == wanted
    begun = told and FIELD in (observed.raw.get("PendingModifiedValues") or {})
    if told and not begun:
        return

    def apply() -> None:
        rds.modify_db_instance(DBInstanceIdentifier=observed.id, MasterUserPassword=reveal(), ApplyImmediately=True)
        tag = {"Key": PASSWORD_VERSION, "Value": wanted}
        rds.add_tags_to_resource(ResourceName=observed.raw["DBInstanceArn"], Tags=[tag])

    yield Change(FIELD, "another", NEW, apply, begun=begun, **(BEGUN if begun else effect)._asdict())
