"""The rows of the load balancer, the domain, and what watches: logs, alarms, the dashboard, the alarms' mail."""

from __future__ import annotations

from collections.abc import Iterator

from awsdeploy.architecture.permissions import Statement, allow
from awsdeploy.engine.resource import TIMELESS
from awsdeploy.permissions.scope import Scope, actions
from awsdeploy.resources.monitoring.dashboard import LONGEST_NAME

DASHBOARD = "monitoring/dashboard"


def elbv2(scope: Scope) -> Iterator[Statement]:
    """A load balancer's name is in the ARNs of its listeners and rules. AWS: no Describe has a resource level.

    ELB reads the VPC's security groups with the caller's rights. AWS: managed policy ElasticLoadBalancingFullAccess.
    """
    looks = """\
    DescribeListenerAttributes DescribeListeners DescribeLoadBalancerAttributes DescribeLoadBalancers DescribeRules
    DescribeTags DescribeTargetGroupAttributes DescribeTargetGroups DescribeTargetHealth
    """
    yield allow("BalancerLook", actions("elasticloadbalancing", looks), ["*"])
    yield allow("BalancerGroups", ["ec2:GetSecurityGroupsForVpc"], scope.ec2("vpc"))
    changes = """\
    AddTags CreateListener CreateRule DeleteListener DeleteLoadBalancer DeleteRule DeleteTargetGroup DeregisterTargets
    ModifyListener ModifyListenerAttributes ModifyLoadBalancerAttributes ModifyRule ModifyTargetGroup
    ModifyTargetGroupAttributes RegisterTargets RemoveTags SetIpAddressType SetSecurityGroups SetSubnets
    """
    # Names are cut at 32 characters, so that the tag tells whose a load balancer is.
    name = scope.cut(32)
    kinds = ("listener-rule/app/", "listener/app/", "loadbalancer/app/", "targetgroup/")
    own = [scope.arn("elasticloadbalancing", f"{kind}{name}") for kind in kinds]
    yield allow("Balancer", actions("elasticloadbalancing", changes), own, scope.ours)
    make = "CreateLoadBalancer CreateTargetGroup"
    yield allow("BalancerMake", actions("elasticloadbalancing", make), own[2:], scope.becoming_ours)
    created = {"elasticloadbalancing:CreateAction": f"CreateListener CreateRule {make}".split()}
    tagging = {"StringEquals": {**scope.becoming_ours["StringEquals"], **created}}
    yield allow("BalancerTagNew", ["elasticloadbalancing:AddTags"], own, tagging)


def acm(scope: Scope) -> Iterator[Statement]:
    certificates = [scope.arn("acm", "certificate/*")]
    yield allow("CertificatesLook", ["acm:ListCertificates"], ["*"])
    yield allow("CertificatesRead", actions("acm", "DescribeCertificate ListTagsForCertificate"), certificates)
    changes = "AddTagsToCertificate DeleteCertificate RemoveTagsFromCertificate"
    yield allow("CertificatesChange", actions("acm", changes), certificates, scope.ours)
    if scope.settings.domain:
        make = actions("acm", "AddTagsToCertificate RequestCertificate")
        yield allow("CertificatesMake", make, ["*"], {**scope.becoming_ours, **scope.not_others})


def route53(scope: Scope) -> Iterator[Statement]:
    """AWS: zones and health checks have neither names nor tags in what IAM is told, records have names."""
    settings = scope.settings
    looks = "ListHealthChecks ListHostedZones"
    yield allow("DnsLook", actions("route53", looks), ["*"])
    reads = "GetHostedZone ListResourceRecordSets ListTagsForResource"
    both = ["arn:aws:route53:::healthcheck/*", "arn:aws:route53:::hostedzone/*"]
    yield allow("DnsRead", actions("route53", reads), both)
    yield allow("HealthCheckEnd", actions("route53", "DeleteHealthCheck"), both[:1])
    if not settings.domain:
        return
    names = [settings.domain, *settings.aliases]
    # ACM: an underscore and 32 characters before a name prove it. What a new zone copies may have any name.
    proofs = "*." if settings.dns.copy_records else f"_{'?' * 32}."
    records = [record for name in names for record in (name, f"{proofs}{name}")]
    yield allow("DnsChange", ["route53:GetChange"], ["arn:aws:route53:::change/*"])
    yield allow(
        "Records",
        ["route53:ChangeResourceRecordSets"],
        both[1:],
        {"ForAllValues:StringLike": {"route53:ChangeResourceRecordSetsNormalizedRecordNames": records}},
    )
    yield allow("DnsTags", ["route53:ChangeTagsForResource"], both)
    if settings.monitoring.health_check:
        yield allow("HealthCheck", ["route53:CreateHealthCheck"], ["*"])
        yield allow("HealthCheckChange", ["route53:UpdateHealthCheck"], both[:1])
    if settings.create_zone:
        yield allow("Zone", ["route53:CreateHostedZone"], ["*"])
        yield allow("ZoneEnd", ["route53:DeleteHostedZone"], both[1:])


def watching(scope: Scope) -> Iterator[Statement]:
    """Monitoring: resources with the tag, logs, alarms and topics, here and in us-east-1, where Route 53 measures."""
    yield allow("Tagged", ["tag:GetResources"], ["*"])
    yield allow("LogsLook", ["logs:DescribeLogGroups"], ["*"])
    groups = f"log-group:{scope.stack.parameter('*')}", f"log-group:/aws/rds/instance/{scope.named('mysql')}/*"
    logs = """\
    CreateLogGroup DeleteLogGroup FilterLogEvents GetLogEvents ListTagsForResource PutRetentionPolicy TagResource
    UntagResource
    """
    yield allow("Logs", actions("logs", logs), [scope.arn("logs", group) for group in groups])
    yield allow("AlarmsLook", actions("cloudwatch", "DescribeAlarms GetDashboard ListDashboards"), ["*"])
    alarms = scope.arn("cloudwatch", f"alarm:{scope.apart}", "*")
    dashboard = scope.arn("cloudwatch", f"dashboard/{scope.stack.called(DASHBOARD, TIMELESS, LONGEST_NAME)}", "")
    alarm = "DeleteAlarms EnableAlarmActions ListTagsForResource PutMetricAlarm TagResource UntagResource"
    yield allow("Alarms", actions("cloudwatch", alarm), [alarms])
    yield allow("Dashboard", actions("cloudwatch", "DeleteDashboards PutDashboard"), [dashboard])
    yield allow("TopicsLook", actions("sns", "ListSubscriptions ListTopics Unsubscribe"), ["*"])
    topics = scope.arn("sns", scope.apart, "*")
    topic = """\
    CreateTopic DeleteTopic ListSubscriptionsByTopic ListTagsForResource Subscribe TagResource UntagResource
    """
    yield allow("Topics", actions("sns", topic), [topics])
