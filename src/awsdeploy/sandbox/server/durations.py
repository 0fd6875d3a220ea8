"""Durations on AWS, in AWS seconds: typical values from public logs, not tuned to look good."""

from __future__ import annotations

NAT_CREATED = 105
NAT_FAILED = 20  # no internet gateway: AWS says so within seconds
NAT_DELETED = 50
DELETED_SHOWN = 3600  # AWS shows deleted NAT gateways and terminated instances for about an hour

INSTANCE_RUNNING = 15
INSTANCE_STATUS_OK = 150
INSTANCE_BOOTSTRAPPED = 90  # after running: cloud-init has run the user data
INSTANCE_REBOOTED = 40
INSTANCE_STOPPED = 45
INSTANCE_TERMINATED = 45

INVOCATION_KNOWN = 2  # until Systems Manager answers for a command it has just taken

SCALING_REACTS = 5  # until an Auto Scaling group acts on what it was told
SCALING_NOTICES = 60  # until it sees that a machine is gone, and between two looks at the load balancer's word
SCALING_RETRIES = 60  # after a machine that could not be started

BALANCER_CREATED = 160
BALANCER_DELETED = 20
BALANCER_INTERFACES_LINGER = 120

DATABASE_CREATED = 300
DATABASE_CREATED_MULTI_AZ = 600
DATABASE_ENDPOINT = 0.9  # share of the creation after which the endpoint appears
DATABASE_BEGINS = 10  # until it is `modifying`; till then `available`, with the wish in PendingModifiedValues
DATABASE_MODIFIED = 300
DATABASE_DELETED = 120
DATABASE_DELETED_WITH_SNAPSHOT = 300
DATABASE_STOPPED = 180
DATABASE_STARTED = 300
DATABASE_REBOOTED = 60
DATABASE_RENAMED = 600  # AWS: about 10 minutes (User Guide, renaming a DB instance)
DATABASE_SNAPSHOT = 180

CERTIFICATE_RECORD = 5
CERTIFICATE_ISSUED = 120  # after its record is INSYNC
CERTIFICATE_TIMES_OUT = 72 * 3600
CERTIFICATE_VALID_DAYS = 198  # AWS, since early 2026
DNS_INSYNC = 45
IAM_PROPAGATION = 10
IMAGE_CREATED = 300

BUCKET_NAME_FREE = 60  # after a bucket of that name was deleted
REPLICATED = 15
VOLUME_SNAPSHOT = 180
LOG_STREAMED = 5  # until CloudWatch shows what an SSM agent has read of a command's output
VOLUME_MODIFYING = 10  # until a disk shows its new size and type
VOLUME_OPTIMIZING = 3600
VOLUME_RESTS = 6 * 3600  # AWS takes the next change of a disk six hours after the last (API_ModifyVolume)
LIFECYCLE_SPREADS = 30  # until S3 no longer shows the rules before
LOG_WRITTEN = 30  # until RDS writes to a group again that was deleted
CONFIRMATION_EXPIRES = 3 * 86_400  # AWS: a subscription nobody confirms is dropped
