"""The control calls under `/_sandbox/`: time, faults, the log of calls, forks. Answers are JSON."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from awsdeploy.sandbox.machines import processes
from awsdeploy.sandbox.server.faults import KINDS, Fault, Refuse
from awsdeploy.sandbox.server.organisation import Organisation
from awsdeploy.sandbox.server.server import SandboxServer


class ControlApi:
    """One control call on a server. `ValueError` and `KeyError` become a 400."""

    def __init__(self, server: SandboxServer) -> None:
        self.server = server

    def handle(self, method: str, path: str, value: Mapping[str, Any]) -> dict[str, Any]:
        name = f"{method.lower()}_{path.removeprefix('/_sandbox/').strip('/')}"
        action = getattr(self, name, None)
        if action is None:
            raise ValueError(f"no such control call: {method} {path}")
        answer: dict[str, Any] = action(value) or {}
        return answer

    def get_status(self, _: Mapping[str, Any]) -> dict[str, Any]:
        return self.server.status()

    def post_reset(self, _: Mapping[str, Any]) -> None:
        self.server.reset()

    def post_stop(self, _: Mapping[str, Any]) -> None:
        self.server.stop()

    def post_speed(self, value: Mapping[str, Any]) -> dict[str, Any]:
        speed = float(value["speed"])
        if speed <= 0:
            raise ValueError("speed must be above 0")
        with self.server.lock:
            self.server.clock.change_speed(speed)
        return self.server.status()

    def post_advance(self, value: Mapping[str, Any]) -> dict[str, Any]:
        seconds = float(value["seconds"])
        if seconds < 0:
            raise ValueError("time does not go back")
        self.server.advance(seconds)
        return self.server.status()

    def post_latency(self, value: Mapping[str, Any]) -> None:
        self.server.faults.latency = float(value["ms"]) / 1000

    def post_lag(self, value: Mapping[str, Any]) -> None:
        """Set how many AWS seconds reads lag behind writes, from now on."""
        self.server.ready.wait()
        with self.server.lock:
            self.server.faults.lag.change(float(value["seconds"]))

    def post_idle(self, value: Mapping[str, Any]) -> None:
        self.server.idle = float(value["seconds"])

    def get_calls(self, _: Mapping[str, Any]) -> dict[str, Any]:
        log = list(self.server.faults.log)
        return {
            "calls": log,
            "counts": Counter(row["call"] for row in log),
            "writes": sum(1 for row in log if row["write"]),
        }

    def delete_calls(self, _: Mapping[str, Any]) -> None:
        self.server.faults.log = []

    def post_fault(self, value: Mapping[str, Any]) -> None:
        if value["kind"] not in KINDS:
            raise ValueError(f"kind must be one of {', '.join(KINDS)}")
        self.server.faults.fault = Fault(value["kind"], int(value["write"]), str(value.get("operation", "")))

    def get_fault(self, _: Mapping[str, Any]) -> dict[str, Any]:
        return {"armed": self.server.faults.fault is not None}

    def delete_fault(self, _: Mapping[str, Any]) -> None:
        self.server.faults.fault = None
        self.server.faults.refusals = []

    def post_refuse(self, value: Mapping[str, Any]) -> None:
        row = Refuse(
            operation=str(value["operation"]),
            code=str(value["code"]),
            message=str(value.get("message") or f"The operation {value['operation']} is refused by a control call."),
            status=int(value.get("status", 400)),
            times=int(value.get("times", 1)),
        )
        self.server.faults.refusals.append(row)

    def post_limits(self, value: Mapping[str, Any]) -> None:
        from awsdeploy.sandbox.aws import limits

        self.server.ready.wait()
        with self.server.lock:
            limits.change(self.server.world, value)

    def post_deny(self, value: Mapping[str, Any]) -> None:
        """Deny these IAM actions, instead of the previous ones; also if a call needs them indirectly."""
        self.server.faults.denied = frozenset(str(action) for action in value["actions"])

    def post_organisation(self, value: Mapping[str, Any]) -> None:
        """Tags that everything new must carry, and the boundary of every new role, instead of those before."""
        tags = tuple(str(key) for key in value.get("tags", ()))
        self.server.faults.organisation = Organisation(tags, str(value.get("boundary", "")))

    def post_confirm(self, value: Mapping[str, Any]) -> dict[str, Any]:
        from awsdeploy.sandbox.aws.monitoring import topics

        with self.server.lock:
            return {"confirmed": topics.confirm(self.server.world, str(value["email"]))}

    def post_dns(self, value: Mapping[str, Any]) -> None:
        """Another's public records of a name, instead of those it had; none takes them away."""
        from awsdeploy.sandbox.aws.dns import public_dns

        with self.server.lock:
            public_dns.publish(
                self.server.world, str(value["name"]), str(value["type"]), [str(one) for one in value["values"]]
            )

    def post_delegation(self, value: Mapping[str, Any]) -> None:
        """Set the name servers that the parent names for a domain: given ones, none, or the account's zone ("zone")."""
        from awsdeploy.sandbox.aws.dns import public_dns

        with self.server.lock:
            public_dns.delegate(self.server.world, str(value["name"]), value["servers"])

    def post_deaf(self, value: Mapping[str, Any]) -> None:
        self.server.nameserver.deaf = bool(value["deaf"])

    def get_balancers(self, _: Mapping[str, Any]) -> dict[str, Any]:
        self.server.ready.wait()
        return self.server.routing.addresses()

    def post_machine(self, value: Mapping[str, Any]) -> dict[str, Any]:
        from awsdeploy.sandbox.aws.compute import agents
        from awsdeploy.sandbox.machines import hosts

        with self.server.lock:
            world, id, port = self.server.world, str(value["instance"]), int(value.get("port", 0))
            agents.known(id)
            one = hosts.host(world, id)
            return {
                "root": str(one.root),
                "address": one.address,
                "port": hosts.port_of(world, id, port) if port else 0,
                "processes": processes.within(one.root),
            }

    def post_agent(self, value: Mapping[str, Any]) -> None:
        from awsdeploy.sandbox.aws.compute import agents

        with self.server.lock:
            agents.set_online(self.server.world, str(value["instance"]), bool(value["online"]))

    def post_database(self, value: Mapping[str, Any]) -> None:
        """Put a database into a status of RDS: for good, or for so many AWS seconds."""
        from awsdeploy.sandbox.aws.database import statuses

        with self.server.lock:
            statuses.put(
                self.server.world,
                str(value.get("region", "ap-northeast-2")),
                str(value["id"]),
                str(value["status"]),
                float(value.get("seconds", 0)),
            )

    def post_fork(self, _: Mapping[str, Any]) -> dict[str, Any]:
        pid, port = self.server.fork()
        return {"pid": pid, "port": port}
