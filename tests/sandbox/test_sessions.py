"""Session Manager in the sandbox: with whom a session begins."""

from __future__ import annotations

from tests.sandbox.sample_application import SampleApplication, refused


def test_a_session_begins_on_a_machine_that_runs(sample: SampleApplication) -> None:
    ssm, ec2 = sample.client("ssm"), sample.client("ec2")
    (id,) = [
        one["InstanceId"]
        for reservation in ec2.describe_instances(Filters=[{"Name": "instance-state-name", "Values": ["running"]}])[
            "Reservations"
        ][:1]
        for one in reservation["Instances"][:1]
    ]
    begun = ssm.start_session(Target=id)
    assert begun["StreamUrl"].startswith("wss://ssmmessages.")
    assert ssm.terminate_session(SessionId=begun["SessionId"])["SessionId"] == begun["SessionId"]
    with refused("TargetNotConnected"):
        ssm.start_session(Target="i-0123456789abcdef0")
    ec2.stop_instances(InstanceIds=[id])
    sample.pass_time(300)
    with refused("TargetNotConnected"):
        ssm.start_session(Target=id)
