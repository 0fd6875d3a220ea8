"""Listeners: what the load balancer does with a request, by port, host and path."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from awsdeploy.aws.session import AwsRefusal, tolerate
from awsdeploy.dns import addresses
from awsdeploy.engine.resource import (
    UNKNOWN,
    Aws,
    Change,
    Danger,
    Deletion,
    DestroyOptions,
    Idempotency,
    Observed,
    Resource,
    TransientError,
)
from awsdeploy.resources import tag_calls
from awsdeploy.resources.dns.records import CertificateIssued
from awsdeploy.resources.web.elbv2 import attribute_changes, tagged
from awsdeploy.resources.web.load_balancer import LoadBalancer
from awsdeploy.resources.web.target_group import TargetGroup

# AWS: recommended policies, newest first (describe-ssl-policies); the API's own default is of 2016.
TLS_POLICIES = ("ELBSecurityPolicy-TLS13-1-2-Res-PQ-2025-09", "ELBSecurityPolicy-TLS13-1-2-2021-06")
STEP = 10  # between priorities
HSTS = "routing.http.response.strict_transport_security.header_value"
DAY = 86_400  # seconds


@dataclass(frozen=True)
class Redirect:
    """Answers 301 to `host` (the one asked for, unless given) on HTTPS."""

    host: str = "#{host}"


@dataclass(frozen=True)
class Rule:
    """Requests for any of these hosts or paths (one kind of them, five values at most) go to `action`.

    `stripped` are prefixes that a path loses on the way to the targets, the longest first.
    """

    action: TargetGroup | Redirect
    paths: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    stripped: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False, kw_only=True)
class Listener(Resource):
    """One port of the load balancer and its rules, of which the first match is used. HTTPS if it has a `certificate`.

    The rules are part of the listener. They have the priorities 10, 20, … in the declared order, so a rule is changed
    in place and never moved. `hsts_days` is the max-age of the Strict-Transport-Security header that an HTTPS listener
    adds, for this hostname only; 0 adds none.
    """

    balancer: LoadBalancer
    port: int
    default: TargetGroup | Redirect
    certificate: CertificateIssued | None = None
    rules: tuple[Rule, ...] = ()
    hsts_days: int = 0

    tagging = tag_calls.LISTENER
    immediate = True
    replaces = {"balancer", "port"}
    idempotency = Idempotency.NAME
    transient = (
        # AWS: a certificate just issued is known to the load balancer after up to 5 minutes.
        TransientError("CreateListener", "CertificateNotFound", seconds=300),
        TransientError("CreateListener", "UnsupportedCertificate", seconds=300),
        TransientError("ModifyListener", "CertificateNotFound", seconds=300),
        TransientError("CreateListener", "TargetGroupNotFound", seconds=120),
        TransientError("CreateRule", "TargetGroupNotFound", seconds=120),
    )
    deletion = Deletion(retry_on={"ResourceInUse"}, immediate=True)
    arns = (":listener/", ":listener-rule/")
    ignorable = {"SslPolicy"}

    @classmethod
    def scan(cls, aws: Aws) -> Iterable[Observed]:
        found: list[dict[str, Any]] = []
        for balancer in aws.all(LoadBalancer):
            with tolerate("LoadBalancerNotFound"):
                found += aws.elbv2.pages("describe_listeners", "Listeners", LoadBalancerArn=balancer.id)
        for one, tags in tagged(aws, found, "ListenerArn"):
            yield from aws.found(cls, one["ListenerArn"], tags, one)

    def create(self, aws: Aws) -> str | Observed:
        for policy in TLS_POLICIES:
            try:
                settings = {"Tags": aws.tags(self), **self._settings(aws, policy)}
                made = aws.elbv2.create_listener(LoadBalancerArn=aws[self.balancer].id, **settings)
                return aws.made(self, made["Listeners"][0]["ListenerArn"], made["Listeners"][0])
            except AwsRefusal as refusal:
                if refusal.code == "DuplicateListener":
                    break
                if refusal.code != "SSLPolicyNotFound" or policy == TLS_POLICIES[-1]:
                    raise
        listeners = aws.elbv2.pages("describe_listeners", "Listeners", LoadBalancerArn=aws[self.balancer].id)
        return next(str(one["ListenerArn"]) for one in listeners if one["Port"] == self.port)

    def _settings(self, aws: Aws, policy: str) -> dict[str, Any]:
        settings: dict[str, Any] = {"Port": self.port, "DefaultActions": [action(aws, self.default)]}
        if self.certificate is None:
            return settings | {"Protocol": "HTTP"}
        certificates = [{"CertificateArn": aws[self.certificate].id}]
        return settings | {"Protocol": "HTTPS", "SslPolicy": policy, "Certificates": certificates}

    def diff(self, aws: Aws, observed: Observed) -> Iterator[Change]:
        raw = observed.raw
        policy = raw.get("SslPolicy", "")
        stays = policy in TLS_POLICIES or (policy and aws.ignores(self, "SslPolicy"))
        wanted = self._settings(aws, policy if stays else TLS_POLICIES[0])
        modify = partial(aws.elbv2.modify_listener, ListenerArn=observed.id, **wanted)
        for field in ("Protocol", "SslPolicy"):
            if field in wanted and raw.get(field) != wanted[field]:
                yield Change(field, raw.get(field), wanted[field], modify)
        if self.certificate is not None:
            present = {one["CertificateArn"] for one in raw.get("Certificates", ())}
            if present != {aws[self.certificate].id}:
                yield Change("certificate", ", ".join(sorted(present)) or None, aws[self.certificate].id, modify)
        if meaning(raw.get("DefaultActions", ())) != meaning(wanted["DefaultActions"]):
            yield Change(
                "default action",
                words(raw.get("DefaultActions", ())),
                words(wanted["DefaultActions"]),
                modify,
            )
        yield from self._diff_headers(aws, observed)
        yield from self._diff_rules(aws, observed)

    def _diff_headers(self, aws: Aws, observed: Observed) -> Iterator[Change]:
        if self.certificate is None:
            return
        wanted = {HSTS: f"max-age={self.hsts_days * DAY}" if self.hsts_days else ""}
        present: list[dict[str, str]] = []
        if not observed.new:
            present = aws.elbv2.describe_listener_attributes(ListenerArn=observed.id)["Attributes"]
        modify = partial(aws.elbv2.modify_listener_attributes, ListenerArn=observed.id)
        yield from attribute_changes(aws, self, present, wanted, modify)

    def _diff_rules(self, aws: Aws, observed: Observed) -> Iterator[Change]:
        rules = () if observed.new else aws.elbv2.pages("describe_rules", "Rules", ListenerArn=observed.id)
        present = {int(one["Priority"]): one for one in rules if one["Priority"] != "default"}
        wanted = {(place + 1) * STEP: rule for place, rule in enumerate(self.rules)}
        # Growing from below and shrinking from above, every request keeps a rule that fits it.
        grows = len(wanted) >= len(present)
        for priority in sorted(wanted.keys() | present.keys(), reverse=grows):
            old, new = present.get(priority), wanted.get(priority)
            before = None if old is None else _rule_words(old)
            if new is None and old is not None:

                def remove(arn: str = old["RuleArn"]) -> None:
                    with tolerate("RuleNotFound"):
                        aws.elbv2.delete_rule(RuleArn=arn)

                yield Change(f"rule {priority}", before, None, remove)
            elif new is not None:
                content = {"Conditions": conditions(new), "Actions": [action(aws, new.action)], **rewriting(new)}
                if old is None:

                    def add(priority: int = priority, content: Mapping[str, Any] = content) -> None:
                        with tolerate("PriorityInUse"):
                            aws.elbv2.create_rule(
                                ListenerArn=observed.id, Priority=priority, Tags=aws.tags(self), **content
                            )

                    yield Change(f"rule {priority}", None, _rule_words(content), add)
                elif _meaning_of_rule(old) != _meaning_of_rule(content):
                    reset = {"ResetTransforms": True} if old.get("Transforms") and not new.stripped else {}

                    def change(arn: str = old["RuleArn"], content: Mapping[str, Any] = {**content, **reset}) -> None:
                        with tolerate("RuleNotFound"):
                            aws.elbv2.modify_rule(RuleArn=arn, **content)

                    yield Change(f"rule {priority}", before, _rule_words(content), change)

    @classmethod
    def deletion_danger(cls, observed: Observed) -> Danger:
        return Danger.OUTAGE

    @classmethod
    def delete(cls, aws: Aws, observed: Observed, options: DestroyOptions) -> None:
        with tolerate("ListenerNotFound"):
            aws.elbv2.delete_listener(ListenerArn=observed.id)


def secure(observations: Iterable[Observed]) -> bool:
    """Check whether one of these listeners answers HTTPS."""
    return any(one.raw.get("Protocol") == "HTTPS" for one in observations)


def url(balancer: Observed, listeners: Iterable[Observed], domain: str | None) -> str:
    """URL of the application, without a slash at the end: of its domain if a listener answers HTTPS."""
    named = domain if secure(listeners) else None
    return addresses.address(balancer.raw["LoadBalancerName"], balancer.raw["DNSName"], named)


def action(aws: Aws, what: TargetGroup | Redirect) -> dict[str, Any]:
    """An action as the API takes it."""
    if isinstance(what, TargetGroup):
        return {"Type": "forward", "TargetGroupArn": aws[what].id}
    to = {"Protocol": "HTTPS", "Port": "443", "Host": what.host, "Path": "/#{path}", "Query": "#{query}"}
    return {"Type": "redirect", "RedirectConfig": {**to, "StatusCode": "HTTP_301"}}


def conditions(rule: Rule) -> list[dict[str, Any]]:
    if rule.hosts:
        return [{"Field": "host-header", "HostHeaderConfig": {"Values": list(rule.hosts)}}]
    return [{"Field": "path-pattern", "PathPatternConfig": {"Values": list(rule.paths)}}]


def rewriting(rule: Rule) -> dict[str, Any]:
    """Transform of the URL as the API takes it; empty if the rule strips nothing.

    AWS: a rule has one transform of the URL, a default rule has none, and a URL that does not match is sent as it came
    (Elastic Load Balancing guide, rule transforms). The guide does not say whether the query is part of what is
    matched. The expression keeps it either way.
    """
    if not rule.stripped:
        return {}
    prefixes = "|".join(re.sub(r"[.$+]", r"\\\g<0>", one) for one in rule.stripped)
    rewrites = [{"Regex": f"^({prefixes})/?(.*)$", "Replace": "/$2"}]
    return {"Transforms": [{"Type": "url-rewrite", "UrlRewriteConfig": {"Rewrites": rewrites}}]}


def meaning(actions: Iterable[Mapping[str, Any]]) -> Any:
    """Actions without what AWS adds to them; a forward to something not made yet equals nothing."""
    meant = []
    for one in actions:
        if one["Type"] == "redirect":
            to = one["RedirectConfig"]
            meant.append(
                (
                    "redirect",
                    *(to.get(k) for k in ("Protocol", "Port", "Host", "Path", "Query", "StatusCode")),
                )
            )
        else:
            groups = one.get("ForwardConfig", {}).get("TargetGroups", [])
            target = one.get("TargetGroupArn") or (groups[0]["TargetGroupArn"] if len(groups) == 1 else groups)
            meant.append((one["Type"], target))
    return meant


def _meaning_of_rule(rule: Mapping[str, Any]) -> Any:
    tests = []
    for one in rule["Conditions"]:
        config = one.get("PathPatternConfig") or one.get("HostHeaderConfig") or {}
        tests.append((one["Field"], sorted(config.get("Values") or one.get("Values") or ())))
    return sorted(tests), meaning(rule["Actions"]), _rewrites(rule)


def _rewrites(rule: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Type, expression and replacement of all transforms of a rule."""
    found = []
    for one in rule.get("Transforms") or ():
        config = one.get("UrlRewriteConfig") or one.get("HostHeaderRewriteConfig") or {}
        found += [(str(one["Type"]), str(each["Regex"]), str(each["Replace"])) for each in config.get("Rewrites", ())]
    return sorted(found)


def words(actions: Iterable[Mapping[str, Any]]) -> str:
    """Actions for people."""
    said = []
    for one in meaning(actions):
        if one[0] == "redirect":
            said.append(f"301 to {one[3]}")
        else:
            name = "a new target group" if one[1] is UNKNOWN else str(one[1]).split("/")[-2:-1]
            said.append(f"to {name[0] if isinstance(name, list) and name else name}")
    return ", ".join(said)


def _rule_words(rule: Mapping[str, Any]) -> str:
    tests, _, rewrites = _meaning_of_rule(rule)
    said = "".join(f", rewritten from {before} to {after}" for _, before, after in rewrites)
    return f"{' '.join(' '.join(values) for _, values in tests)} {words(rule['Actions'])}{said}"
