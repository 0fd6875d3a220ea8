"""Listeners and rules: one listener a port, HTTPS only with an issued certificate, and what hangs on which."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from awsdeploy.sandbox.aws import Answer, after, before
from awsdeploy.sandbox.aws.dns import certificates
from awsdeploy.sandbox.server.call import ApiCall, asked
from awsdeploy.sandbox.server.refusal import AwsRefuses
from awsdeploy.sandbox.server.world import World

VALUES_PER_RULE = 5
EXPRESSION = 1024
"""AWS: characters of an expression or a replacement."""
POLICIES = "ELBSecurityPolicy-"
ADDED = "routing.http.response."
RESPONSE_HEADERS = (
    *("strict_transport_security", "content_security_policy", "x_content_type_options", "x_frame_options"),
    *(f"access_control_{name}" for name in ("allow_origin", "allow_methods", "allow_headers", "allow_credentials")),
    *(f"access_control_{name}" for name in ("expose_headers", "max_age")),
)
"""AWS: the headers that a listener can add to answers."""
COMPARED = {
    "Protocol": "protocol",
    "Port": "port",
    "VpcId": "vpc_id",
    "HealthCheckPath": "health_check_path",
    "HealthCheckIntervalSeconds": "health_check_interval_seconds",
    "HealthyThresholdCount": "healthy_threshold_count",
    "UnhealthyThresholdCount": "unhealthy_threshold_count",
    "Matcher": "matcher",
}


@dataclass
class Used:
    """Since when a listener or rule has sent requests to a target group."""

    since: dict[str, float] = field(default_factory=dict)


@before("elbv2:CreateTargetGroup")
def same_name(world: World, call: ApiCall) -> Answer | None:
    """The same settings give the one that exists, other settings a refusal."""
    wanted = call.parameters
    for group in world.moto("elbv2", call.region).target_groups.values():
        if group.name != wanted["Name"]:
            continue
        alike = all(str(getattr(group, ours)) == str(wanted[name]) for name, ours in COMPARED.items() if name in wanted)
        if not alike:
            message = f"A target group with the same name '{group.name}' exists, but with different settings"
            raise AwsRefuses("DuplicateTargetGroupName", message)
        return asked(call, "DescribeTargetGroups", {"TargetGroupArns": [group.arn]})
    return None


@before("elbv2:CreateListener")
def one_a_port(world: World, call: ApiCall) -> None:
    balancer = world.moto("elbv2", call.region).load_balancers.get(call.parameters["LoadBalancerArn"])
    port = str(call.parameters.get("Port"))
    if balancer is not None and any(str(one.port) == port for one in balancer.listeners.values()):
        raise AwsRefuses("DuplicateListener", "A listener already exists on this port for this load balancer")


@before("elbv2:CreateListener", "elbv2:ModifyListener")
def encrypted(world: World, call: ApiCall) -> None:
    """HTTPS needs a certificate of this region that has been issued."""
    wanted = call.parameters
    arns = [one.get("CertificateArn", "") for one in wanted.get("Certificates") or ()]
    if call.operation == "CreateListener" and wanted.get("Protocol") == "HTTPS" and not arns:
        raise AwsRefuses("ValidationError", "A certificate must be specified for HTTPS listeners")
    for arn in arns:
        status = certificates.status(world, call.region, arn)
        if status is None:
            raise AwsRefuses("CertificateNotFound", f"Certificate '{arn}' not found")
        if status != "ISSUED":
            message = (
                f"The certificate '{arn}' must have a fully-qualified domain name, a supported signature, "
                "and a supported key size."
            )
            raise AwsRefuses("UnsupportedCertificate", message)
    policy = str(wanted.get("SslPolicy") or POLICIES)
    if not policy.startswith(POLICIES):
        raise AwsRefuses("SSLPolicyNotFound", f"SSL policy '{policy}' not found")


@before("elbv2:CreateListener", "elbv2:ModifyListener", "elbv2:CreateRule", "elbv2:ModifyRule")
def groups_exist(world: World, call: ApiCall) -> None:
    """A target group serves one load balancer, and has to exist."""
    elb = world.moto("elbv2", call.region)
    mine = _balancer_of(elb, call.parameters)
    for action in call.parameters.get("DefaultActions") or call.parameters.get("Actions") or ():
        for arn in _named(action):
            if arn not in elb.target_groups:
                raise AwsRefuses("TargetGroupNotFound", f"Target groups '{arn}' not found")
            if any(other != mine for other in users(elb, arn)):
                message = "The following target groups cannot be associated with more than one load balancer"
                raise AwsRefuses("TargetGroupAssociationLimit", f"{message}: {arn}")


@after("elbv2:CreateListener")
def headers(world: World, call: ApiCall, answer: Answer) -> None:
    """AWS: the server's name is shown, no header is added."""
    elb = world.moto("elbv2", call.region)
    for shown in answer["Listeners"]:
        listener = elb.load_balancers[shown["LoadBalancerArn"]].listeners[shown["ListenerArn"]]
        listener.attributes = {f"{ADDED}{name}.header_value": "" for name in RESPONSE_HEADERS}
        listener.attributes[f"{ADDED}server.enabled"] = "true"


@before("elbv2:ModifyListenerAttributes")
def known_attributes(_: World, call: ApiCall) -> None:
    for one in call.parameters["Attributes"]:
        name = one["Key"].removeprefix(ADDED).removesuffix(".header_value")
        if name not in (*RESPONSE_HEADERS, "server.enabled"):
            raise AwsRefuses("ValidationError", f"Listener attribute key '{one['Key']}' is not recognized")


@before("elbv2:CreateRule", "elbv2:ModifyRule")
def five_values(_: World, call: ApiCall) -> None:
    count = 0
    for condition in call.parameters.get("Conditions") or ():
        for part in condition.values():
            count += len(part.get("Values") or ()) if isinstance(part, Mapping) else 0
    if count > VALUES_PER_RULE:
        raise AwsRefuses("ValidationError", f"A rule can have at most {VALUES_PER_RULE} condition values")


@before("elbv2:CreateRule", "elbv2:ModifyRule")
def one_rewrite(world: World, call: ApiCall) -> None:
    """AWS: one transform of each type in a rule, none in a default rule, expressions without lookaround."""
    wanted = call.parameters.get("Transforms") or ()
    if wanted and call.parameters.get("ResetTransforms"):
        raise AwsRefuses("ValidationError", "You cannot specify both Transforms and ResetTransforms")
    rule = _rule(world, call.region, call.parameters.get("RuleArn"))
    if wanted and rule is not None and rule.priority == "default":
        raise AwsRefuses("OperationNotPermitted", "Default rule transforms cannot be modified")
    types = [one.get("Type") for one in wanted]
    if len(types) > len(set(types)):
        raise AwsRefuses("ValidationError", "A rule can have at most one transform of each type")
    for one in wanted:
        config = one.get("UrlRewriteConfig") or one.get("HostHeaderRewriteConfig") or {}
        for rewrite in config.get("Rewrites") or ():
            if not _accepted(rewrite["Regex"]) or max(map(len, rewrite.values())) > EXPRESSION:
                raise AwsRefuses("ValidationError", f"The regular expression '{rewrite['Regex']}' is not valid")


@after("elbv2:CreateRule", "elbv2:ModifyRule")
def rewritten(world: World, call: ApiCall, answer: Answer) -> None:
    """A change without transforms leaves those of the rule, unless it says to reset them."""
    for shown in answer["Rules"]:
        rule = _rule(world, call.region, shown["RuleArn"])
        if "Transforms" in call.parameters or call.parameters.get("ResetTransforms"):
            rule.transforms = copy.deepcopy(call.parameters.get("Transforms") or [])
        shown["Transforms"] = getattr(rule, "transforms", [])


@after("elbv2:DescribeRules")
def with_rewrites(world: World, call: ApiCall, answer: Answer) -> None:
    for shown in answer["Rules"]:
        shown["Transforms"] = getattr(_rule(world, call.region, shown["RuleArn"]), "transforms", [])


@before("elbv2:ModifyRule")
def rewrites_alone(world: World, call: ApiCall) -> Answer | None:
    """moto refuses a change of the transforms alone."""
    rule = _rule(world, call.region, call.parameters["RuleArn"])
    if rule is None or call.parameters.get("Conditions") or call.parameters.get("Actions"):
        return None
    actions = [dict(one.data) for one in rule.actions]
    answer = asked(call, "ModifyRule", {"RuleArn": rule.arn, "Actions": actions})
    rewritten(world, call, answer)
    return answer


def _accepted(expression: str) -> bool:
    """Check an expression. AWS: without lookarounds, backreferences, atomic groups and possessive quantifiers."""
    try:
        re.compile(expression)
    except re.error:
        return False
    return re.search(r"\(\?(?![:)])|\\[1-9]|[*+?}]\+", expression) is None


def _rule(world: World, region: str, arn: object) -> Any:
    """The rule with an ARN; None if there is none."""
    balancers = world.moto("elbv2", region).load_balancers.values()
    listeners = [listener for balancer in balancers for listener in balancer.listeners.values()]
    return next((rule for one in listeners for rule in one.rules.values() if rule.arn == arn), None)


@after(
    "elbv2:CreateListener",
    "elbv2:ModifyListener",
    "elbv2:DeleteListener",
    "elbv2:CreateRule",
    "elbv2:ModifyRule",
    "elbv2:DeleteRule",
)
def linked(world: World, call: ApiCall, _: Answer) -> None:
    """Link target groups to load balancers, according to the rules as they are now."""
    elb, since = world.moto("elbv2", call.region), world.of(Used).since
    for arn, group in elb.target_groups.items():
        group.load_balancer_arns = sorted(users(elb, arn))
        if not group.load_balancer_arns:
            since.pop(arn, None)
        elif arn not in since:
            since[arn] = world.now


def users(elb: Any, group_arn: str) -> set[str]:
    """The load balancers that send requests to a target group."""
    return {
        balancer.arn
        for balancer in elb.load_balancers.values()
        for listener in balancer.listeners.values()
        for rule in listener.rules.values()
        for action in rule.actions
        if group_arn in _named(action.data)
    }


def _named(action: Mapping[str, Any]) -> Iterator[str]:
    """The target groups that an action names, each once."""
    arns = {action.get("TargetGroupArn")}
    arns |= {one.get("TargetGroupArn") for one in (action.get("ForwardConfig") or {}).get("TargetGroups") or ()}
    yield from (str(arn) for arn in arns if arn)


def _balancer_of(elb: Any, wanted: Mapping[str, Any]) -> str:
    if "LoadBalancerArn" in wanted:
        return str(wanted["LoadBalancerArn"])
    for balancer in elb.load_balancers.values():
        for listener in balancer.listeners.values():
            arns = {listener.arn, *(rule.arn for rule in listener.rules.values())}
            if arns & {wanted.get("ListenerArn"), wanted.get("RuleArn")}:
                return str(balancer.arn)
    return ""
