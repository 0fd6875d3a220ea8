"""Answers to calls: corrections before, moto, corrections after."""

from __future__ import annotations

import gc
import importlib
import pkgutil

from moto.core.exceptions import ServiceException
from moto.core.utils import get_service_model
from moto.utilities import utils as resources

from awsdeploy.sandbox import aws
from awsdeploy.sandbox.machines import hosts
from awsdeploy.sandbox.server import anonymous_access, faster_moto, tokens
from awsdeploy.sandbox.server import call as calls
from awsdeploy.sandbox.server.call import ApiCall, Outgoing
from awsdeploy.sandbox.server.clock import SandboxClock
from awsdeploy.sandbox.server.refusal import AwsRefuses
from awsdeploy.sandbox.server.world import Site, World, fresh


def load() -> None:
    """Import every correction: importing registers it. Heavy: moto reads megabytes of catalogue."""
    gc.disable()
    faster_moto.install()
    whole = resources.load_resource
    # Which zone offers which machine, for all regions of the world: `catalogue` reads one region's when asked.
    resources.load_resource = lambda path: [] if "instance_type_offerings" in path else whole(path)
    try:
        for module in pkgutil.walk_packages(aws.__path__, f"{aws.__name__}."):
            importlib.import_module(module.name)
    finally:
        resources.load_resource = whole
        gc.freeze()
        gc.enable()


def begin(clock: SandboxClock, site: Site) -> World:
    """A fresh world as a customer of AWS finds it."""
    world = fresh(clock, site)
    for correction in aws.BEGINNINGS:
        correction(world)
    return world


def leave_behind(world: World) -> None:
    """Forget what runs on the other world's machines after a fork."""
    hosts.forget_after_fork(world)
    for correction in aws.FORKED:
        correction(world)


def before_leap(world: World) -> None:
    """Note what has happened until now, before the clock is moved by hand."""
    for correction in aws.LEAPS:
        correction(world)


def answer(world: World, call: ApiCall) -> Outgoing:
    """Raises `AwsRefuses` where AWS would."""
    try:
        anonymous_access.refuse_plain(world, call)
        if call.anonymous:
            anonymous_access.admit(world, call)
        replayed = tokens.replay(world, call)
        if replayed is not None:
            return calls.serialised(call, replayed)
        for before in aws.BEFORE.get(call.name, ()):
            instead = before(world, call)
            if instead is not None:
                return calls.serialised(call, instead)
        outgoing = calls.to_moto(call)
        after = aws.AFTER.get(call.name, ())
        if outgoing.status >= 300 or not (after or tokens.token_of(call)):
            return outgoing
        plain = calls.answer_of(call, outgoing)
        for correction in after:
            correction(world, call, plain)
        tokens.remember(world, call, plain)
        return calls.serialised(call, plain)
    except ServiceException as refusal:  # raised by moto's models when a correction uses them
        raise AwsRefuses(refusal.code, refusal.message) from None


def warm(world: World) -> None:
    """Load the models of the busiest services, which takes a second on the first calls otherwise."""
    for service in ("ec2", "elbv2", "rds", "iam", "route53", "acm", "ssm", "sts"):
        get_service_model(service)
        world.moto("ec2", "us-east-1")
