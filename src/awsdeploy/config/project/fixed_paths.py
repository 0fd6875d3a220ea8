"""Paths of a NestJS program that its global prefix does not change: GraphQL and Socket.IO."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice

from awsdeploy.config.project import nestjs
from awsdeploy.config.project.javascript import LONGEST
from awsdeploy.config.project.tree import ProjectTree, dependencies, joined

MOST = 20
"""Calls of a kind that are read in one file."""

_GRAPHQL, _GATEWAY = "GraphQLModule.forRoot", "@WebSocketGateway"
_PATH = re.compile(r"\bpath\s*:\s*['\"`]/?([\w./~-]+)['\"`]", re.ASCII)
_IN_PREFIX = re.compile(r"\buseGlobalPrefix\s*:\s*true\b")
_OWN_PORT = re.compile(r"\s*([1-9]\d*)\b")


def paths(tree: ProjectTree, directory: str) -> tuple[str, ...]:
    """Return the paths for the load balancer, such as /graphql and /socket.io/*.

    NestJS: GraphQL is at /graphql, or at its `path`, without the global prefix unless `useGlobalPrefix` is set.
    Socket.IO is at /socket.io/, or at the `path` of the gateway.
    """
    found = {f"/{one}" for one in _graphql(tree, directory)} | {f"/{one}/*" for one in _sockets(tree, directory)}
    return tuple(sorted(found))


def own_ports(tree: ProjectTree, directory: str) -> list[str]:
    """Return the ports on which gateways listen beside the program: the load balancer does not reach them."""
    return sorted({port[1] for one in _calls(_GATEWAY, tree, directory) if (port := _OWN_PORT.match(one))})


def _graphql(tree: ProjectTree, directory: str) -> Iterator[str]:
    for one in _calls(_GRAPHQL, tree, directory):
        if not _IN_PREFIX.search(one):
            said = _PATH.search(one)
            yield said[1] if said else "graphql"


def _sockets(tree: ProjectTree, directory: str) -> Iterator[str]:
    if "@nestjs/platform-socket.io" not in dependencies(tree.json(joined(directory, "package.json"))):
        return
    for one in _calls(_GATEWAY, tree, directory):
        if not _OWN_PORT.match(one):
            said = _PATH.search(one.partition("class ")[0])
            yield said[1] if said else "socket.io"


def _calls(name: str, tree: ProjectTree, directory: str) -> Iterator[str]:
    """The text after each call's opening parenthesis, as far as it is read."""
    opening = re.compile(rf"{re.escape(name)}(?:Async)?(?:<[^<>()]*>)?\(")
    for text in nestjs.texts_with(name, tree, directory):
        for found in islice(opening.finditer(text), MOST):
            yield text[found.end() : found.end() + LONGEST]
