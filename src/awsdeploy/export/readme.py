"""README of an export: what to do next, and what Terraform does not take over."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from awsdeploy.engine.plan import Plan
from awsdeploy.engine.run import Run
from awsdeploy.resources.dns.hosted_zone import HostedZone
from awsdeploy.resources.monitoring.topic import Topic, by_mail
from awsdeploy.resources.web.listener import Listener

LATER = "later/targets.tf"

README = """\
# {stack} in Terraform

awsdeploy wrote these files on {date}. They describe the stack {stack} in the account {account}, region
{region}. There is one file for each step: `network.tf`, `security.tf` and so on. The names are those of
awsdeploy: `network/public-a` is `aws_subnet.network_public-a`.

No secret is in these files. The generated secrets stay in Parameter Store; the files only refer to them.

## Take over

You need credentials of the account {account} that may read and change everything in these files.

1. `terraform init`
2. `terraform plan` must say: **0 to add, 0 to change, 0 to destroy**. If it shows a change, something differs from the
   files. Do not apply it: run `awsdeploy up`, then export again into a new folder.
{kept}3. `terraform apply` imports everything into Terraform's state. It changes nothing in AWS.
4. Delete `imports.tf`. It is not needed any more.
{later}
Then commit the files, but not `terraform.tfstate`. Keep the state in a private, encrypted place with a lock, such as
an S3 backend.

## Stop using awsdeploy

From now on change the stack with Terraform only. `awsdeploy up` would undo Terraform's changes, and `awsdeploy destroy`
would delete the stack.

- **Permissions.** Remove the policy that `awsdeploy policy` prints from people and CI, so that nobody runs awsdeploy
  by mistake.
- **State.** `.awsdeploy/{stack}.json` on your computer and the parameter `{folder}stack` in Parameter Store
  belong to awsdeploy. Terraform does not use them. Delete them when nobody runs awsdeploy any more:
  `aws ssm delete-parameter --region {region} --name {folder}stack`
- **Lock.** The parameter `{folder}lock` exists only while awsdeploy runs, or after a crash. `awsdeploy unlock`
  shows and removes it.
- **Tags.** Keep `awsdeploy:stack` and `awsdeploy:service`: daily images, roles and the budget select resources by them.
  You can remove the other tags that begin with `awsdeploy:` from the files.
- **Going back** is possible while these tags exist: `awsdeploy plan` shows what differs from config.toml.

## What Terraform does not take over

- Releases. `awsdeploy deploy` puts the application on the machines, with PM2, nginx and the release agent. Terraform
  does not. The machines keep running what they have. Use another tool for releases, or keep `awsdeploy deploy` and
  `awsdeploy rollback`, which need the tags and the parameter `{folder}stack`.
- The release program and the scripts in the artifacts bucket. A machine that Terraform creates starts with the script
  in `files/`, which loads them from there. Keep these objects.
- Variables of `awsdeploy env set`, in Parameter Store below `{folder}`. They are secrets.
- Secrets that awsdeploy generated: the database password and JWT_SECRET. Machines read them from Parameter Store.
- Systems Manager documents and sessions: awsdeploy uses those of AWS and has none of its own.
- Files in buckets, backups, snapshots, machine images and log events. They stay.
- New system images. `ami` and `image_id` in `machines.tf` are the images that the machines have.
- What awsdeploy does around a change: checks before it, waiting until targets are healthy, and the final snapshot of a
  database.
{left_out}"""


def text(run: Run, plan: Plan, files: Iterable[str], ignored: Sequence[str], date: str) -> str:
    """The README. `files` are the names of the other files, `ignored` the entries of `[drift] ignore`."""
    folder = run.stack.parameter("")
    later = ""
    if LATER in files:
        later = (
            f"5. Terraform cannot import which machine is in which target group. Move `{LATER}` into this\n"
            "   folder and run `terraform apply` again. It registers the same machines, which changes nothing.\n"
        )
    kept = ""
    if ignored:
        names = ", ".join(f"`{one}`" for one in ignored)
        kept = (
            f"   `[drift] ignore` names {names}, so awsdeploy does not change it. If Terraform shows a change\n"
            "   there, write the value of AWS into the files.\n"
        )
    return README.format(
        stack=run.stack,
        date=date,
        account=run.account,
        region=run.region,
        folder=folder,
        kept=kept,
        later=later,
        left_out="".join(f"- {one}\n" for one in _of_this_stack(plan)),
    )


def _of_this_stack(plan: Plan) -> Iterator[str]:
    """Parts that only some stacks have."""
    for resource, item in plan.items.items():
        if isinstance(resource, Topic) and item.observed is not None:
            pending = [email for email, arn in by_mail(item.observed).items() if not arn.startswith("arn:")]
            for email in pending:
                yield f"The subscription of {email} to {resource.key}. It is not confirmed, so AWS gives it no ARN."
        if isinstance(resource, Listener) and any(rule.stripped for rule in resource.rules):
            yield (
                f"The rules of {resource.key} that remove a prefix from paths. Version 5 of the provider does not "
                "support it and leaves it as it is."
            )
        if isinstance(resource, HostedZone) and resource.copied:
            yield f"The records that were copied to the new zone {resource.domain}."
