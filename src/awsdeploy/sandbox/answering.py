"""From a call to its answer: corrections before, moto, corrections after."""

from __future__ import annotations

import functools
import gc
import importlib
import pkgutil

from moto.core import responses
from moto.core.exceptions import ServiceException
from moto.core.utils import get_service_model
from moto.utilities import utils as resources

from awsdeploy.sandbox import boxes, corrections, strangers, tokens
from awsdeploy.sandbox import call as calls
from awsdeploy.sandbox.call import Call, Outgoing
from awsdeploy.sandbox.clock import Clock
from awsdeploy.sandbox.refusal import AwsRefuses
from awsdeploy.sandbox.world import Site, World, fresh


def load() -> None:
    """Import every correction: importing registers it. Heavy: moto reads megabytes of catalogue."""
    gc.disable()
    # moto lists the methods of a service's class anew in every call.
    responses.method_names_from_class = functools.cache(responses.method_names_from_class)
    whole = resources.load_resource
    # Which zone offers which machine, for all regions of the world: `catalogue` reads one region's when asked.
    resources.load_resource = lambda path: [] if "instance_type_offerings" in path else whole(path)
    try:
        for module in pkgutil.iter_modules(corrections.__path__):
            importlib.import_module(f"{corrections.__name__}.{module.name}")
    finally:
        resources.load_resource = whole
        gc.freeze()
        gc.enable()


def begin(clock: Clock, site: Site) -> World:
    """A fresh world as a customer of AWS finds it."""
    world = fresh(clock, site)
    for correction in corrections.BEGINNINGS:
        correction(world)
    return world


def leave_behind(world: World) -> None:
    """In a fork of the process: what runs on the machines of the other world is none of this one's."""
    boxes.leave_behind(world)
    for correction in corrections.FORKED:
        correction(world)


def answer(world: World, call: Call) -> Outgoing:
    """Raises `AwsRefuses` where AWS would."""
    try:
        strangers.refuse_plain(world, call)
        if call.anonymous:
            strangers.admit(world, call)
        replayed = tokens.replay(world, call)
        if replayed is not None:
            return calls.serialised(call, replayed)
        for before in corrections.BEFORE.get(call.name, ()):
            instead = before(world, call)
            if instead is not None:
                return calls.serialised(call, instead)
        outgoing = calls.to_moto(call)
        after = corrections.AFTER.get(call.name, ())
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
    """What the first calls need takes a second to load: the models of the busiest services."""
    for service in ("ec2", "elbv2", "rds", "iam", "route53", "acm", "ssm", "sts"):
        get_service_model(service)
        world.moto("ec2", "us-east-1")
