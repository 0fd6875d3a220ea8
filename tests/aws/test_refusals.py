"""Messages where AWS refuses: every service in use, 4xx and 5xx, with and without a code, word for word.

The words are in golden/refusals.txt. To write them anew: GOLDEN=write python -m pytest tests/aws/test_refusals.py
"""

from __future__ import annotations

import json
import os
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from awsdeploy.aws.refusals import AnswerLost, AwsRefusal
from awsdeploy.aws.session import AwsSession
from awsdeploy.errors import AwsdeployError, AwsFailure
from tests.simulated import REGION, World
from tests.warm import SERVICES

GOLDEN = Path(__file__).with_name("refusals.txt")
ME = "User: arn:aws:sts::123456789012:assumed-role/dev/ann is not authorized to perform:"
KEY = "arn:aws:s3:::shop-prod-uploads/a/b.png"
VPC = f"arn:aws:ec2:{REGION}:123456789012:vpc/*"
ROLE = "arn:aws:iam::123456789012:role/awsdeploy/shop/prod/backend"
SCP = "arn:aws:organizations::210987654321:policy/o-abc/service_control_policy/p-xyz"
RUN = {"MinCount": 1, "MaxCount": 1}
DATABASE = {"DBInstanceIdentifier": "shop", "DBInstanceClass": "db.t3.small", "Engine": "mysql"}
OBJECT = {"Bucket": "shop-prod-uploads", "Key": "a/b.png"}
VERSION = {**OBJECT, "VersionId": "1"}
POLICY = {"Bucket": "shop-prod-uploads", "Policy": "{}"}
LIFECYCLE = {"ExecutionRoleArn": ROLE, "Description": "images", "State": "ENABLED"}
ALARM = {"AlarmName": "cpu", "EvaluationPeriods": 1, "ComparisonOperator": "GreaterThanThreshold"}
BUDGET = {"AccountId": "123456789012", "Budget": {"BudgetName": "b", "TimeUnit": "MONTHLY", "BudgetType": "COST"}}
GROUP = {"AutoScalingGroupName": "g", "MinSize": 1, "MaxSize": 2}
QUOTA = {"ServiceCode": "ec2", "QuotaCode": "L-1216C47A"}
NO_CODE = "You are not authorized to perform this operation. Encoded authorization failure message: 4rTp-x9"


class AnswerCase(NamedTuple):
    """One answer of AWS. Without a code its body is `text` as it stands."""

    service: str
    method: str
    parameters: dict[str, Any]
    status: int
    code: str
    text: str


CASES = [
    # 5xx with a definite code: refused.
    AnswerCase(
        "ec2",
        "run_instances",
        RUN,
        500,
        "InsufficientInstanceCapacity",
        "We currently do not have sufficient t3.small capacity in the Availability Zone you requested (ap-northeast-2a).",
    ),
    AnswerCase(
        "ec2",
        "allocate_address",
        {},
        500,
        "InsufficientAddressCapacity",
        "Insufficient capacity to fulfill your request.",
    ),
    AnswerCase(
        "ec2",
        "run_instances",
        RUN,
        500,
        "InsufficientVolumeCapacity",
        "There is not enough capacity to fulfill your EBS volume provision request.",
    ),
    AnswerCase(
        "ec2",
        "run_instances",
        RUN,
        400,
        "Unsupported",
        "Your requested instance type (t3.small) is not supported in your requested Availability Zone (ap-northeast-2b).",
    ),
    AnswerCase(
        "rds",
        "create_db_instance",
        DATABASE,
        500,
        "InsufficientDBInstanceCapacity",
        "The requested DB instance class is not available in the specified Availability Zone.",
    ),
    AnswerCase(
        "autoscaling",
        "create_auto_scaling_group",
        GROUP,
        500,
        "ServiceLinkedRoleFailure",
        "The service-linked role is not yet ready for use.",
    ),
    # 5xx without one: whether it happened is open.
    AnswerCase(
        "ec2", "create_vpc", {"CidrBlock": "10.0.0.0/16"}, 500, "InternalError", "An internal error has occurred."
    ),
    AnswerCase("ec2", "create_vpc", {"CidrBlock": "10.0.0.0/16"}, 503, "Unavailable", "The service is unavailable."),
    AnswerCase("rds", "create_db_instance", DATABASE, 500, "InternalFailure", "The request processing has failed."),
    AnswerCase(
        "elbv2", "create_load_balancer", {"Name": "shop"}, 503, "", "<html><body>503 Service Unavailable</body></html>"
    ),
    AnswerCase("elbv2", "create_load_balancer", {"Name": "shop"}, 502, "", "<!DOCTYPE html><p>proxy"),
    AnswerCase("s3", "put_object", OBJECT, 503, "ServiceUnavailable", "Please try again."),
    AnswerCase("s3", "get_object", OBJECT, 500, "", ""),
    AnswerCase(
        "iam",
        "create_role",
        {"RoleName": "r", "AssumeRolePolicyDocument": "{}"},
        500,
        "ServiceFailure",
        "Service failure.",
    ),
    AnswerCase(
        "dlm",
        "create_lifecycle_policy",
        LIFECYCLE,
        500,
        "InternalServerException",
        "The service failed in an unexpected way.",
    ),
    AnswerCase(
        "route53",
        "create_hosted_zone",
        {"Name": "a.com", "CallerReference": "1"},
        500,
        "InternalFailure",
        "We encountered an internal error.",
    ),
    AnswerCase(
        "ssm",
        "put_parameter",
        {"Name": "/a", "Value": "v"},
        500,
        "InternalServerError",
        "An error occurred on the server side.",
    ),
    AnswerCase("resourcegroupstaggingapi", "get_resources", {}, 500, "InternalServiceException", "Try again."),
    # Denials, each with its own remedy.
    AnswerCase(
        "ec2",
        "create_vpc",
        {"CidrBlock": "10.0.0.0/16"},
        403,
        "UnauthorizedOperation",
        f"{ME} ec2:CreateVpc on resource: {VPC} because no identity-based policy allows the ec2:CreateVpc action. Encoded authorization failure message: 4rTp",
    ),
    AnswerCase("ec2", "run_instances", RUN, 403, "UnauthorizedOperation", NO_CODE),
    AnswerCase(
        "ec2",
        "create_vpc",
        {"CidrBlock": "10.0.0.0/16"},
        403,
        "UnauthorizedOperation",
        f"{ME} ec2:CreateVpc on resource: {VPC} with an explicit deny in a service control policy: {SCP}",
    ),
    AnswerCase(
        "rds",
        "create_db_instance",
        DATABASE,
        403,
        "AccessDenied",
        f"{ME} rds:CreateDBInstance on resource: arn:aws:rds:{REGION}:123456789012:db:shop because no service control policy allows the rds:CreateDBInstance action",
    ),
    AnswerCase(
        "s3",
        "put_object",
        OBJECT,
        403,
        "AccessDenied",
        f'{ME} s3:PutObject on resource: "{KEY}" with an explicit deny in a resource control policy',
    ),
    AnswerCase(
        "iam",
        "create_role",
        {"RoleName": "r", "AssumeRolePolicyDocument": "{}"},
        403,
        "AccessDenied",
        f"{ME} iam:CreateRole on resource: {ROLE} because no permissions boundary allows the iam:CreateRole action",
    ),
    AnswerCase(
        "sns",
        "create_topic",
        {"Name": "t"},
        403,
        "AuthorizationError",
        f"{ME} SNS:CreateTopic on resource: arn:aws:sns:{REGION}:123456789012:t because no session policy allows the SNS:CreateTopic action",
    ),
    AnswerCase(
        "ssm",
        "put_parameter",
        {"Name": "/a", "Value": "v"},
        400,
        "AccessDeniedException",
        f"{ME} ssm:PutParameter on resource: arn:aws:ssm:{REGION}:123456789012:parameter/a because no VPC endpoint policy allows the ssm:PutParameter action",
    ),
    AnswerCase(
        "s3",
        "put_object",
        OBJECT,
        403,
        "AccessDenied",
        f'{ME} s3:PutObject on resource: "{KEY}" with an explicit deny in a resource-based policy',
    ),
    AnswerCase(
        "s3",
        "put_object",
        OBJECT,
        403,
        "AccessDenied",
        f'{ME} s3:PutObject on resource: "{KEY}" because no identity-based policy allows the s3:PutObject action',
    ),
    AnswerCase("s3", "put_object", OBJECT, 403, "AccessDenied", "Access Denied"),
    AnswerCase("s3", "head_object", OBJECT, 403, "", ""),
    AnswerCase(
        "s3",
        "put_object",
        OBJECT,
        403,
        "AccessDenied",
        f"{ME} kms:GenerateDataKey on this resource because the resource does not exist in this Region, no resource-based policies allow access, or a resource-based policy explicitly denies access",
    ),
    AnswerCase(
        "s3", "delete_object", VERSION, 403, "AccessDenied", "Access Denied because object protected by object lock."
    ),
    AnswerCase("s3", "delete_object", VERSION, 403, "AccessDenied", "Mfa Authentication must be used for this request"),
    AnswerCase(
        "s3",
        "put_bucket_policy",
        POLICY,
        403,
        "AccessDenied",
        f'{ME} s3:PutBucketPolicy on resource: "arn:aws:s3:::shop-prod-uploads" because public policies are prevented by the BlockPublicPolicy setting in S3 Block Public Access.',
    ),
    AnswerCase(
        "logs",
        "create_log_group",
        {"logGroupName": "g"},
        400,
        "AccessDeniedException",
        f"{ME} logs:CreateLogGroup on resource: arn:aws:logs:{REGION}:123456789012:log-group:g with an explicit deny in an identity-based policy",
    ),
    AnswerCase(
        "budgets",
        "create_budget",
        BUDGET,
        400,
        "AccessDeniedException",
        f"{ME} budgets:ModifyBudget on resource: arn:aws:budgets::123456789012:budget/b because no identity-based policy allows the budgets:ModifyBudget action",
    ),
    # 4xx of other kinds.
    AnswerCase(
        "ec2", "allocate_address", {}, 400, "AddressLimitExceeded", "The maximum number of addresses has been reached."
    ),
    AnswerCase(
        "acm",
        "request_certificate",
        {"DomainName": "a.com"},
        400,
        "LimitExceededException",
        "You have reached your limit of 2500 certificates in the last year.",
    ),
    AnswerCase("cloudwatch", "put_metric_alarm", ALARM, 400, "ValidationError", "Period must be a multiple of 60"),
    AnswerCase(
        "elbv2",
        "create_load_balancer",
        {"Name": "shop"},
        400,
        "DuplicateLoadBalancerName",
        "A load balancer with the same name 'shop' exists, but with different settings",
    ),
    AnswerCase(
        "rds",
        "create_db_instance",
        DATABASE,
        400,
        "KMSKeyNotAccessibleFault",
        "An error occurred accessing an AWS KMS key.",
    ),
    AnswerCase(
        "ec2",
        "create_vpc",
        {"CidrBlock": "10.0.0.0/16"},
        400,
        "TagPolicyViolation",
        "The tag policy does not allow the specified value for the following tag key: 'CostCenter'.",
    ),
    AnswerCase(
        "ec2",
        "delete_security_group",
        {"GroupId": "sg-1"},
        400,
        "DependencyViolation",
        "resource sg-1 has a dependent object",
    ),
    AnswerCase(
        "s3control", "get_public_access_block", {"AccountId": "123456789012"}, 400, "InvalidRequest", "Wrong account."
    ),
    AnswerCase(
        "sts",
        "get_caller_identity",
        {},
        403,
        "InvalidClientTokenId",
        "The security token included in the request is invalid.",
    ),
]


def body(case: AnswerCase, protocol: str) -> tuple[str, dict[str, str]]:
    """The answer as the service's protocol has it."""
    if not case.code:
        return case.text, {"Content-Type": "text/html"}
    if "json" in protocol or "cbor" in protocol:
        return json.dumps({"__type": case.code, "message": case.text}), {"x-amzn-ErrorType": case.code}
    error = f"<Error><Code>{case.code}</Code><Message>{case.text}</Message></Error>"
    if case.service == "s3":
        return error, {}
    if protocol == "ec2":
        return f"<Response><Errors>{error}</Errors><RequestID>1</RequestID></Response>", {}
    return f"<ErrorResponse>{error}<RequestId>1</RequestId></ErrorResponse>", {}


class FixedAnswer(ThreadingHTTPServer):
    """Gives every call the same answer."""

    status = 200
    text = ""
    headers: dict[str, str]


class FixedAnswerHandler(BaseHTTPRequestHandler):
    server: FixedAnswer
    protocol_version = "HTTP/1.1"

    def answer(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        said = self.server.text.encode()
        self.send_response(self.server.status)
        for name, value in {**self.server.headers, "Content-Length": str(len(said))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(said)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = answer

    def log_message(self, *_: Any) -> None: ...


@pytest.fixture(scope="module")
def aws() -> Iterator[tuple[FixedAnswer, AwsSession]]:
    server = FixedAnswer(("127.0.0.1", 0), FixedAnswerHandler)
    server.headers = {}
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
        patch.setenv("AWS_ACCESS_KEY_ID", "AKIANOBODY")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "nothing")
        patch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        yield server, AwsSession(first_pause=0.001)
    server.shutdown()
    thread.join()
    server.server_close()


def failed(aws: tuple[FixedAnswer, AwsSession], case: AnswerCase) -> AwsdeployError:
    """The error that a call ends with."""
    server, session = aws
    protocol = session.raw(case.service, REGION).meta.service_model.metadata["protocol"]
    server.status = case.status
    server.text, server.headers = body(case, protocol)
    with pytest.raises(AwsdeployError) as raised:
        getattr(session.client(case.service, REGION, attempts=2), case.method)(**case.parameters)
    return raised.value


def test_an_endpoint_of_ones_own_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        endpoint = f"http://127.0.0.1:{taken.getsockname()[1]}"
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIANOBODY")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "nothing")
    with pytest.raises(AwsFailure) as raised:
        AwsSession(first_pause=0.001).client("ec2", REGION, attempts=2).describe_vpcs()
    assert raised.value.message.startswith(f"{endpoint} cannot be reached")
    assert "AWS_ENDPOINT_URL" in raised.value.hint


def told(case: AnswerCase, error: AwsdeployError) -> str:
    said = f"## {case.service} {case.method}: HTTP {case.status} {case.code or 'no code'}"
    return f"{said}\nexit {error.exit_code}\nError: {error.message}\n→ {error.hint}\n"


def test_every_refusal_is_told_word_for_word(aws: tuple[FixedAnswer, AwsSession]) -> None:
    said = "\n".join(told(case, failed(aws, case)) for case in CASES)
    if os.environ.get("GOLDEN") == "write":
        GOLDEN.write_text(said)
    assert said == GOLDEN.read_text()


def test_aws_answered_and_nothing_says_that_it_did_not(aws: tuple[FixedAnswer, AwsSession]) -> None:
    for case in CASES:
        error = failed(aws, case)
        assert "not answer" not in error.message + error.hint
        assert "no answer" not in error.message + error.hint
        assert error.hint, case
        if case.code:
            assert case.text.partition(". Encoded")[0].rstrip(".") in error.message


def test_every_service_in_use_has_a_refusal() -> None:
    assert {case.service for case in CASES} == set(SERVICES)


def test_a_5xx_is_open_only_without_a_definite_code(aws: tuple[FixedAnswer, AwsSession]) -> None:
    definite = {"Insufficient", "ServiceLinkedRoleFailure"}
    for case in (one for one in CASES if one.status >= 500):
        kind = AwsRefusal if case.code.startswith(tuple(definite)) else AnswerLost
        assert isinstance(failed(aws, case), kind), case


def test_no_statement_is_offered_that_cannot_help_or_is_wider_than_aws_says(
    aws: tuple[FixedAnswer, AwsSession],
) -> None:
    offered = []
    for case in (one for one in CASES if one.status in (400, 403)):
        error = failed(aws, case)
        if '"Effect": "Allow"' in error.hint:
            offered.append(case)
            assert "because no identity-based" in case.text or "because no" not in case.text
            assert "deny" not in case.text
            named = "on resource" in case.text or case.service == "s3"
            assert ('"*"' in error.hint) is not named, case
    assert len(offered) == 6


@pytest.mark.slow
def test_up_ends_with_what_aws_said_and_sends_a_refused_call_once(world: World) -> None:
    settings = world.settings('name = "shop"\nenvironment = "dev"\nplatform = "supported"\n')
    refuse = {"operation": "ec2:CreateVpc", "status": 500, "message": "None left.", "times": 99}
    for code, sent in (("InsufficientNetworkCapacity", 1), ("InternalError", 10)):
        world.control("DELETE", "calls")
        world.control("POST", "refuse", {**refuse, "code": code})
        with pytest.raises(AwsdeployError) as raised:
            world.up(settings)
        world.control("DELETE", "fault")
        assert f"{code}" in raised.value.message
        assert "None left." in raised.value.message
        assert "not answer" not in raised.value.message
        assert world.control("GET", "calls")["counts"]["ec2:CreateVpc"] == sent
