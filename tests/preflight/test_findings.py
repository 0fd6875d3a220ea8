"""Each thing that the preflight finds, in a world where it is so: the text names it, the value seen, the remedy."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest

from awsdeploy.aws.session import AwsSession
from awsdeploy.preflight import account, github
from awsdeploy.preflight.checks import findings, results
from awsdeploy.preflight.finding import Finding
from tests.preflight.asking import CONFIG, found, only, question, says
from tests.simulated import REGION, World

pytestmark = pytest.mark.slow

DEV = CONFIG.replace("prod", "dev")
VCPU, ADDRESS, NETWORK = "L-1216C47A", "L-0263D0A3", "L-F678F1CE"
KEYS = "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"


def test_where_all_is_well_nothing_is_found_and_everything_was_asked(world: World) -> None:
    made = results(question(world))
    assert [one for one in made if one.found or not one.asked] == []
    assert {"credentials", "free plan", "vcpu quota", "database class"} <= {one.check for one in made}


def test_a_trust_in_github_by_name_is_told_with_the_command_for_the_ids(world: World) -> None:
    ci = '\n[ci]\ngithub = "{}"\n'
    (one,) = findings(question(world, CONFIG + ci.format("octocat/shop")), (github.github_trust,))
    assert not one.fatal
    says(one, "GitHub's ids", ["octocat/shop only", "register"], ["gh api repos/octocat/shop", "ci.github"])
    assert findings(question(world, CONFIG + ci.format("octocat@1/shop@2")), (github.github_trust,)) == []


def signing(world: World, seconds: float = 0) -> Finding:
    (one,) = findings(question(world, seconds=seconds), (account.credentials,))
    return one


def test_without_credentials_the_three_ways_to_get_some_are_named(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    for key in KEYS:
        monkeypatch.delenv(key)
    one = signing(world)
    assert one.fatal
    says(one, "AWS credentials", ["none found"], ["aws login", "aws sso login --profile", "aws configure"])
    assert len(found(world)) == 1, "what nobody can ask is not listed check by check"


def test_expired_keys_of_the_shell_are_found(world: World) -> None:
    refuse = {"code": "ExpiredToken", "message": "The security token included in the request is expired"}
    world.control("POST", "refuse", {"operation": "sts:GetCallerIdentity", "status": 403, "times": 9, **refuse})
    one = signing(world)
    assert one.fatal
    says(one, "AWS credentials", ["AWS_* variables", "is expired"], ["AWS_SESSION_TOKEN", "aws login"])


def profile(monkeypatch: pytest.MonkeyPatch, folder: Path, text: str) -> None:
    (folder / "aws-config").write_text(text)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(folder / "aws-config"))
    monkeypatch.setenv("AWS_PROFILE", "work")
    monkeypatch.setenv("HOME", str(folder))
    for key in KEYS:
        monkeypatch.delenv(key)


def test_who_has_to_sign_in_at_sso_is_given_the_command_with_the_profile(
    world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    text = """\
[profile work]
sso_session = company
sso_account_id = 123456789012
sso_role_name = Deployer
[sso-session company]
sso_region = ap-northeast-2
sso_start_url = https://company.awsapps.com/start
"""
    profile(monkeypatch, tmp_path, text)
    one = signing(world)
    assert one.fatal
    says(one, "AWS credentials", ["profile work (sso)"], ["aws sso login --profile work"])


def test_wrong_keys_of_a_profile_are_to_be_configured_anew(
    world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    profile(monkeypatch, tmp_path, "[profile work]\naws_access_key_id = AKIAOLD\naws_secret_access_key = old\n")
    refuse = {"code": "InvalidClientTokenId", "message": "The security token included in the request is invalid."}
    world.control("POST", "refuse", {"operation": "sts:GetCallerIdentity", "status": 403, "times": 9, **refuse})
    says(signing(world), "AWS credentials", ["profile work", "is invalid"], ["aws configure --profile work"])


def test_a_profile_that_is_not_there_is_named(world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    profile(monkeypatch, tmp_path, "[profile other]\n")
    says(signing(world), "AWS credentials", ["work", "could not be found"], ["AWS_PROFILE", "aws login"])


def test_the_root_user_is_advised_against(world: World) -> None:
    one = only(world, root=True)
    assert not one.fatal
    says(one, "AWS credentials", ["arn:aws:iam::123456789012:root"], ["IAM user or role"])


def ends_in(monkeypatch: pytest.MonkeyPatch, minutes: float) -> None:
    end = datetime.datetime.now(datetime.UTC) + datetime.timedelta(minutes=minutes)
    monkeypatch.setenv("AWS_CREDENTIAL_EXPIRATION", end.isoformat())
    monkeypatch.setenv("AWS_SESSION_TOKEN", "token")


def test_credentials_that_end_before_the_run_does_are_noted(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    ends_in(monkeypatch, minutes=20)
    assert findings(question(world, seconds=11 * 60)) == []
    one = signing(world, seconds=40 * 60)
    assert not one.fatal
    says(one, "AWS credentials", ["in 20 min", "takes 40"], ["Sign in again first", "the same command continues"])


def test_credentials_whose_known_end_is_past_are_found(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    ends_in(monkeypatch, minutes=-5)
    one = signing(world)
    assert one.fatal
    says(one, "AWS credentials", ["expired"], ["AWS_SESSION_TOKEN"])


def test_a_region_that_is_not_turned_on_is_found(world: World) -> None:
    one = only(world, closed_regions=["ap-northeast-1"])
    assert one.fatal
    command = "aws account enable-region --region-name ap-northeast-1"
    says(one, "region ap-northeast-1 (uploads.replica_region)", ["not turned on"], [command])


def test_a_region_that_does_not_exist_is_found_and_its_neighbours_named(world: World) -> None:
    said = found(world, DEV.replace('name = "shop"', 'name = "shop"\nregion = "ap-northeast-9"'))
    (one,) = (one for one in said if one.what.startswith("region"))
    assert one.fatal
    says(one, "ap-northeast-9", ["no such region", REGION], ["config.toml"])


def test_a_zone_that_is_not_open_to_the_account_is_found_with_those_that_are(world: World) -> None:
    one = next(one for one in found(world, closed_zones=["ap-northeast-2a"]) if one.what.startswith("zone"))
    assert one.fatal
    says(one, "zone ap-northeast-2a", ["not open", "ap-northeast-2b, ap-northeast-2c"], ['zones = ["b", "c"]'])


def test_on_the_free_plan_all_that_it_does_not_have_is_found_at_once(world: World) -> None:
    said = found(world, plan="FREE")
    assert {(one.what, one.fatal) for one in said} == {("Free plan of this account", True)}
    days, database, *machines = said
    says(days, "Free plan", ["1 day", "database.backup_days is 7"], ["backup_days = 1", "upgrade the account"])
    says(database, "Free plan", ["micro", "db.t3.small"], ['instance_class = "db.t3.micro"', "upgrade the account"])
    assert len(machines) == 2
    says(machines[0], "Free plan", ["t3.micro", "t3.medium"], ["[services.frontend]", "instance_type"])
    assert "t4g" not in machines[0].seen, "Arm machines do not start our images"


def test_what_fits_the_free_plan_is_not_found(world: World) -> None:
    assert found(world, DEV + "\n[database]\nbackup_days = 1\n", plan="FREE") == []


def test_an_account_from_before_there_were_plans_has_none(world: World) -> None:
    assert found(world, plan="") == []


def test_too_few_vcpus_stop_a_run_and_the_request_counts_a_replacement(world: World) -> None:
    one = only(world, quotas={VCPU: 1})
    assert one.fatal
    command = "request-service-quota-increase --region ap-northeast-2 --service-code ec2"
    remedy = [command, f"--quota-code {VCPU} --desired-value 6"]
    says(one, VCPU, ["1, 0 in use", "needs 4", "6 while it replaces"], remedy)


def test_vcpus_that_only_a_replacement_lacks_are_noted(world: World) -> None:
    one = only(world, quotas={VCPU: 5})
    assert not one.fatal
    says(one, VCPU, ["5, 0 in use", "needs 4, but 6 while it replaces a machine"], ["--desired-value 6"])


def test_what_other_machines_use_counts_and_what_a_group_may_start_is_noted(world: World) -> None:
    ec2 = world.client("ec2")
    name = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
    image = world.client("ssm").get_parameter(Name=name)["Parameter"]["Value"]
    ec2.run_instances(ImageId=image, InstanceType="t3.micro", MinCount=1, MaxCount=1)
    one = only(world, CONFIG + "\n[services.frontend]\n[services.backend.scaling]\nmax = 6\n", quotas={VCPU: 12})
    assert not one.fatal
    says(one, VCPU, ["12, 2 in use", "14 if it scales to its max"], ["--desired-value 16"])


def test_no_elastic_ip_left_for_the_nat_gateway_is_found(world: World) -> None:
    world.client("ec2").allocate_address(Domain="vpc")
    one = only(world, quotas={ADDRESS: 1})
    assert one.fatal
    says(one, ADDRESS, ["1, 1 in use", "needs 1"], ["--desired-value 2", "nat = false"])
    assert found(world, DEV, quotas={ADDRESS: 1}) == [], "without a NAT gateway none is needed"


def test_no_vpc_left_is_found(world: World) -> None:
    one = only(world, quotas={NETWORK: 1})
    assert one.fatal
    says(one, NETWORK, ["1, 1 in use"], ["--service-code vpc", "--desired-value 2", "aws ec2 describe-vpcs"])


def test_an_instance_type_that_the_region_does_not_offer_is_found(world: World) -> None:
    zones = [REGION + letter for letter in "abcd"]
    first, second = found(world, not_offered={"t3.medium": zones})
    assert first.fatal
    says(first, "t3.medium (services.frontend.instance_type)", [f"not offered in {REGION}"], ["[services.frontend]"])
    assert "services.backend" in second.what


def test_an_instance_type_that_a_zone_of_its_machines_does_not_offer_is_found(world: World) -> None:
    one = only(world, not_offered={"t3.medium": ["ap-northeast-2c"]})
    assert one.fatal
    seen = ["not offered in ap-northeast-2c", "offered in ap-northeast-2a"]
    says(one, "t3.medium (services.backend.instance_type)", seen, ["[network]", "a, b, d"])


def test_an_image_that_aws_no_longer_names_is_found(world: World) -> None:
    refuse = {"operation": "ssm:GetParameter", "code": "ParameterNotFound", "times": 1}
    world.control("POST", "refuse", refuse)
    one = only(world)
    assert one.fatal
    says(one, "documented", ["amzn2-ami-kernel-5.10-hvm-x86_64-gp2", REGION], ['platform = "supported"'])


def test_a_key_pair_that_is_not_there_is_found(world: World) -> None:
    one = only(world, CONFIG + '\n[network]\nkey_pair = "laptop"\n')
    assert one.fatal
    says(one, "key pair laptop", [f"no key pair with this name in {REGION}"], ["import-key-pair", "--key-name laptop"])


def test_a_database_class_that_rds_does_not_sell_is_found(world: World) -> None:
    one = only(world, not_orderable=["db.t3.small"])
    assert one.fatal
    says(one, "db.t3.small with MySQL 8.0", [f"cannot be ordered in {REGION}"], ["instance_class", "aws rds describe"])


def test_a_database_class_without_that_version_is_found_with_those_it_has(world: World) -> None:
    one = only(world, not_orderable=["db.t3.small 8.0"])
    assert one.fatal
    says(one, "db.t3.small with MySQL 8.0", ["comes with MySQL 8.4"], ["engine_version"])


def test_a_database_class_without_a_standby_is_found(world: World) -> None:
    one = only(world, one_zone_only=["db.t3.small"])
    assert one.fatal
    says(one, "db.t3.small", ["no standby", "Multi-AZ"], ["multi_az = false"])


def test_a_database_class_without_the_disks_we_use_is_found(world: World) -> None:
    one = only(world, disks=["gp2", "io1"])
    assert one.fatal
    says(one, "db.t3.small", ["not with gp3", "gp2, io1"], ["another instance_class"])


def test_a_bucket_name_that_somebody_else_has_is_found(world: World) -> None:
    world.control("POST", "refuse", {"operation": "s3:HeadBucket", "code": "403", "status": 403, "times": 1})
    one = only(world)
    assert one.fatal
    says(one, "bucket storage/", ["shop-prod-", "belongs to another AWS account"], ["--replace storage/"])


def test_an_account_that_keeps_every_bucket_private_is_found_where_uploads_are_public(world: World) -> None:
    block = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True)
    s3control = AwsSession().client("s3control", REGION)
    s3control.put_public_access_block(AccountId="123456789012", PublicAccessBlockConfiguration=block)
    one = only(world)
    assert one.fatal
    says(one, "bucket storage/uploads", ["Block Public Access"], ["BlockPublicPolicy", 'access = "private"'])
    assert found(world, CONFIG + '\n[uploads]\naccess = "private"\n') == []


def test_alarm_mail_that_nobody_has_confirmed_is_noted(world: World) -> None:
    sns = world.client("sns")
    topic = sns.create_topic(Name="shop-prod--topic-1a2b3c")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="email", Endpoint="ops@example.com")
    config = CONFIG + '\n[monitoring]\nemails = ["ops@example.com"]\n'
    one = only(world, config)
    assert not one.fatal
    says(one, "ops@example.com", ["has not confirmed"], ["no-reply@sns.amazonaws.com", "click its link"])
    world.control("POST", "confirm", {"email": "ops@example.com"})
    assert found(world, config) == []


@pytest.mark.parametrize(
    ("operation", "code"),
    [
        ("service-quotas:GetServiceQuota", "AccessDeniedException"),
        ("rds:DescribeOrderableDBInstanceOptions", "AccessDenied"),
        ("ec2:DescribeInstanceTypeOfferings", "UnauthorizedOperation"),
        ("freetier:GetAccountPlanState", "AccessDeniedException"),
        ("s3control:GetPublicAccessBlock", "AccessDenied"),
    ],
)
def test_what_may_not_be_asked_stops_nothing_and_says_what_was_not_checked(
    world: World, operation: str, code: str
) -> None:
    refuse = {"operation": operation, "code": code, "message": "not authorized", "status": 403, "times": 1}
    world.control("POST", "refuse", refuse)
    said = found(world)
    if operation == "s3control:GetPublicAccessBlock":
        assert said == [], "whoever may not ask finds out when the policy is refused"
        return
    (one,) = said
    assert not one.fatal
    action = operation.rpartition(":")[2]
    says(one, "", ["not checked", action, code], ["To check it, allow", f"{action}; it is in the output of"])


def test_a_service_that_does_not_answer_stops_nothing(world: World) -> None:
    refuse = {"operation": "freetier:GetAccountPlanState", "code": "InternalServerException", "status": 500}
    world.control("POST", "refuse", {**refuse, "times": 99})
    one = only(world)
    assert not one.fatal
    says(one, "free plan", ["not checked", "InternalServerException"], ["continues without"])
    calls = world.control("GET", "calls")["counts"]
    assert calls["freetier:GetAccountPlanState"] == 3, "nobody waits long for an answer that is not needed"
