"""The types of single values: the rule that judges each, and what an editor may know of it by the schema. And the base
of the tables that hold them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PlainSerializer

from awsdeploy.config import aws_ids, domains, github, repository, rules, tags, templates


def pattern(pattern: str, **more: Any) -> Any:
    """JSON schema of a text."""
    return Field(json_schema_extra={"pattern": f"^{pattern}$", **more})


def between(low: float, high: float) -> Any:
    """JSON schema of a number."""
    return Field(json_schema_extra={"minimum": low, "maximum": high})


Cidr = Annotated[str, AfterValidator(rules.cidr())]
PublicCidr = Annotated[str, AfterValidator(rules.cidr(narrowest=27))]  # AWS: a load balancer's subnet
SshSource = Annotated[str, AfterValidator(rules.ssh_source)]
Zone = Annotated[str, AfterValidator(rules.zone), pattern("[a-z]")]
Domain = Annotated[str, AfterValidator(domains.normalised)]
ServiceName = Annotated[str, AfterValidator(rules.service_name)]
ServicePath = Annotated[str, AfterValidator(rules.path), pattern("/.*", maxLength=128)]
Repository = Annotated[str, AfterValidator(repository.setting)]
Email = Annotated[str, AfterValidator(rules.email)]
Action = Annotated[str, AfterValidator(rules.action), pattern(rules.ACTION)]
ResourceArn = Annotated[str, AfterValidator(rules.resource_arn), pattern(f"({rules.RESOURCE_ARN})")]
PolicyArn = Annotated[str, AfterValidator(rules.policy_arn), pattern(rules.POLICY_ARN)]
GitHubRepository = Annotated[str, AfterValidator(github.repository), pattern(f"({github.REPOSITORY})?")]
Branch = Annotated[str, AfterValidator(github.branch), pattern(github.BRANCH)]
Deployment = Annotated[str, AfterValidator(github.deployment), pattern(f"({github.DEPLOYMENT})?")]
VpcId = Annotated[str, AfterValidator(aws_ids.vpc_id), pattern(f"({aws_ids.VPC_ID})?")]
SubnetId = Annotated[str, AfterValidator(aws_ids.subnet_id), pattern(aws_ids.SUBNET_ID)]
DatabaseId = Annotated[str, AfterValidator(aws_ids.database_id), pattern(f"({aws_ids.DATABASE_ID})?")]
ZoneId = Annotated[str, AfterValidator(rules.zone_id), pattern(f"({rules.ZONE_ID})?")]
TagKey = Annotated[str, AfterValidator(tags.key)]
TagValue = Annotated[str, AfterValidator(tags.value), Field(json_schema_extra={"maxLength": tags.MAX_VALUE_LENGTH})]
Tags = Annotated[Mapping[TagKey, TagValue], AfterValidator(tags.all_tags), PlainSerializer(dict)]
Variables = Annotated[
    Mapping[Annotated[str, AfterValidator(templates.name)], Annotated[str, AfterValidator(templates.template)]],
    AfterValidator(templates.table),
    PlainSerializer(dict),
]
Port = Annotated[int, AfterValidator(rules.whole(1, 65535)), between(1, 65535)]


class Frozen(BaseModel):
    # Validators are built once, for the outermost table, when it is first used.
    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False, defer_build=True)
