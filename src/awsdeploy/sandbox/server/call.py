"""One AWS call: from HTTP to parameters, to moto, and back from an answer to HTTP.

Uses the service models that botocore ships, through moto's parsers and serialisers, so that a correction
sees plain parameters and plain answers whatever the wire looks like.
"""

from __future__ import annotations

import dataclasses
import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from botocore import parsers, serialize
from botocore.awsrequest import HeadersDict
from botocore.exceptions import UnknownServiceError
from moto import backend_index, backends
from moto.core.exceptions import HTTPException
from moto.core.parse import PROTOCOL_PARSERS, RequestParserError
from moto.core.request import Request, determine_request_protocol
from moto.core.routing import NotFound, get_service_router
from moto.core.serialize import get_serializer_class
from moto.core.utils import get_service_model

from awsdeploy.sandbox.server.refusal import AwsRefuses

ACCOUNT = "123456789012"
READS = ("Describe", "Filter", "Get", "List", "Head", "Search", "Lookup")

# A request is signed for a name that is not always the one botocore calls the service by.
SERVICES = {
    "elasticloadbalancing": "elbv2",
    "tagging": "resourcegroupstaggingapi",
    "monitoring": "cloudwatch",
    "servicequotas": "service-quotas",
}
MOTO_NAMES = {"service-quotas": "servicequotas", "lambda": "awslambda"}
ACCOUNT_LEVEL = "/v20180820/"
"""Start of the paths of S3's control plane, which is signed as S3."""
STRANGER = "AWS4-HMAC-SHA256 Credential=nobody/20260101/us-east-1/s3/aws4_request"
SIGNED = re.compile(r"Credential=([^/]+)/")
SCOPE = re.compile(r"Credential=[^/]+/\d+/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request")


@dataclass(frozen=True)
class Incoming:
    """An HTTP request as it came."""

    method: str
    path: str  # raw, with the query
    headers: Mapping[str, str]
    body: bytes
    presigned: str = ""  # the query that was signed, where the signature came in it


@dataclass(frozen=True)
class Outgoing:
    """An HTTP answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass
class ApiCall:
    """A call as AWS understands it. `parameters` are what the client passed, by their API names."""

    signing: str
    service: str
    operation: str
    region: str
    parameters: dict[str, Any]
    request: Any = field(repr=False)
    model: Any = field(repr=False)
    protocol: str = field(repr=False)
    anonymous: bool = False
    uri_parameters: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @property
    def name(self) -> str:
        return f"{self.service}:{self.operation}"

    @property
    def key(self) -> str:
        """The access key id the call is signed with."""
        signed = SIGNED.search(self.request.headers.get("Authorization", ""))
        return signed[1] if signed else ""

    @property
    def write(self) -> bool:
        return not self.operation.startswith(READS)

    def backend(self, service: str, region: str = "") -> Any:
        """moto's own model of a service in this call's region (or another)."""
        return backend(service, region or self.region)


def backend(service: str, region: str) -> Any:
    """moto's model of a service in a region; `region` is "" for the global ones."""
    return backends.get_backend(service)[ACCOUNT][region or "aws"]


def read(incoming: Incoming) -> ApiCall:
    """A call with its parameters. Raises `AwsRefuses`."""
    call = routed(incoming)
    parse(call)
    return call


def routed(incoming: Incoming) -> ApiCall:
    """Return a call without its parameters: parsing the body of an unauthenticated call could take minutes.

    What nobody has signed asks S3 for an object, as a browser does. Raises `AwsRefuses` for anything else that is not
    signed, and when the service or the operation does not exist.
    """
    scope = SCOPE.search(incoming.headers.get("Authorization", ""))
    if scope is None:
        if incoming.method == "POST":
            raise AwsRefuses("MissingAuthenticationToken", "Request is missing Authentication Token", 403)
        if incoming.method not in ("GET", "HEAD"):
            raise AwsRefuses("AccessDenied", "Access Denied", 403)
        incoming = dataclasses.replace(incoming, headers={**incoming.headers, "Authorization": STRANGER}, body=b"")
        return dataclasses.replace(routed(incoming), anonymous=True)
    signing, region = scope["service"], scope["region"]
    service = SERVICES.get(signing, signing)
    if signing == "s3" and incoming.path.startswith(ACCOUNT_LEVEL):
        service = "s3control"
    path = incoming.path if incoming.path.startswith("/") else f"/{incoming.path}"
    url = f"https://{signing}.{region}.amazonaws.com{path}"
    headers = {name: value for name, value in incoming.headers.items() if name.lower() != "host"}
    request = Request.from_primitives(incoming.method, url, headers, incoming.body)
    request.environ["RAW_URI"] = path
    try:
        service_model = get_service_model(service)
        model, uri_parameters = get_service_router(service).match(request)
        protocol = determine_request_protocol(service_model, request.content_type)
    except (NotFound, NotImplementedError, UnknownServiceError):
        raise AwsRefuses("UnknownOperationException", f"{service}: {incoming.method} {path} is unknown", 404) from None
    return ApiCall(
        signing, service, str(model.name), region, {}, request, model, protocol, uri_parameters=uri_parameters
    )


def parse(call: ApiCall) -> None:
    """Read the parameters of a call that came without them. Raises `AwsRefuses` where its body is not valid XML."""
    sent = {
        "method": call.request.method,
        "values": call.request.values,
        "headers": call.request.headers,
        "body": call.request.data,
        "url_path": call.request.path,
        "url_params": call.uri_parameters,
    }
    try:
        call.parameters = dict(PROTOCOL_PARSERS[call.protocol](call.model).parse(sent))
    except RequestParserError:  # S3, Error responses
        said = "The XML you provided was not well-formed or did not validate against our published schema."
        raise AwsRefuses("MalformedXML", said, 400) from None


def to_moto(call: ApiCall) -> Outgoing:
    """Answer of moto; a clean refusal where it has none."""
    handler = _handler(call.service, call.request.base_url)
    if handler is None:
        raise not_simulated(call)
    try:
        status, headers, body = handler(call.request, call.request.raw_url, call.request.headers)
    except HTTPException as error:
        status, headers, body = error.code, dict(error.get_headers()), error.get_body()
    except NotImplementedError:
        raise not_simulated(call) from None
    raw = body.encode() if isinstance(body, str) else bytes(body or b"")
    if status == 404 and raw == b"Not yet implemented":
        raise not_simulated(call)
    return Outgoing(int(status), {str(name): str(value) for name, value in dict(headers).items()}, raw)


def derived(call: ApiCall, operation: str, parameters: Mapping[str, Any]) -> ApiCall:
    """Another call to the same service, as if the same client had made it. Query protocols only."""
    model = call.model.service_model.operation_model(operation)
    form = serialize.create_serializer(call.protocol).serialize_to_request(dict(parameters), model)["body"]
    headers = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
    headers["Authorization"] = call.request.headers.get("Authorization", "")
    body = urlencode(form).encode()
    request = Request.from_primitives("POST", f"https://{call.signing}.{call.region}.amazonaws.com/", headers, body)
    return dataclasses.replace(call, operation=operation, parameters=dict(parameters), request=request, model=model)


def made(service: str, region: str, operation: str, parameters: Mapping[str, Any]) -> ApiCall:
    """A call that one service of AWS makes to another by itself. Query protocols only."""
    model = get_service_model(service).operation_model(operation)
    protocol = model.service_model.protocol
    form = serialize.create_serializer(protocol).serialize_to_request(dict(parameters), model)["body"]
    headers = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
    headers["Authorization"] = f"AWS4-HMAC-SHA256 Credential=aws/20260101/{region}/{service}/aws4_request"
    url = f"https://{service}.{region}.amazonaws.com/"
    request = Request.from_primitives("POST", url, headers, urlencode(form).encode())
    return ApiCall(service, service, operation, region, dict(parameters), request, model, protocol)


def asked(call: ApiCall, operation: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Answer of moto itself to another call of the same service. Raises `AwsRefuses` with moto's refusal."""
    other = derived(call, operation, parameters)
    outgoing = to_moto(other)
    if outgoing.status >= 300:
        error = answer_of(other, outgoing).get("Error", {})
        raise AwsRefuses(str(error.get("Code", outgoing.status)), str(error.get("Message", "")), outgoing.status)
    return answer_of(other, outgoing)


def not_simulated(call: ApiCall) -> AwsRefuses:
    return AwsRefuses("UnknownOperationException", f"The sandbox does not simulate {call.name}.", 501)


def answer_of(call: ApiCall, outgoing: Outgoing) -> dict[str, Any]:
    """The plain answer inside a successful response."""
    parser = parsers.create_parser(call.protocol)
    response = {"status_code": outgoing.status, "headers": HeadersDict(outgoing.headers), "body": outgoing.body}
    answer: dict[str, Any] = parser.parse(response, call.model.output_shape)
    answer.pop("ResponseMetadata", None)
    return answer


def serialised(call: ApiCall, answer: Mapping[str, Any]) -> Outgoing:
    return _written(_serialiser(call).serialize(dict(answer)))


def refused(call: ApiCall | None, refusal: AwsRefuses) -> Outgoing:
    """The refusal as the call's service would write it."""
    if call is None:
        body = (
            f"<ErrorResponse><Error><Code>{refusal.code}</Code><Message>{refusal.message}</Message></Error>"
            "<RequestId>sandbox</RequestId></ErrorResponse>"
        )
        return Outgoing(refusal.status or 400, {"Content-Type": "text/xml"}, body.encode())
    outgoing = _written(_serialiser(call).serialize(refusal))
    return Outgoing(refusal.status or outgoing.status, outgoing.headers, outgoing.body)


def _serialiser(call: ApiCall) -> Any:
    return get_serializer_class(call.service, call.protocol)(call.model)


def _written(response: Mapping[str, Any]) -> Outgoing:
    body = response["body"]
    raw = body.encode() if isinstance(body, str) else bytes(body or b"")
    return Outgoing(int(response["status_code"]), dict(response["headers"]), raw)


@functools.cache
def _patterns(service: str) -> list[tuple[re.Pattern[str], Any]]:
    """moto's URL patterns of a service, compiled once."""
    name = MOTO_NAMES.get(service, service)
    if name not in {known for known, _ in backend_index.backend_url_patterns}:
        return []
    regions = backends.get_backend(name)[ACCOUNT]
    any_region = regions["us-east-1"] if "us-east-1" in regions else regions["aws"]
    return [(re.compile(pattern), handler) for pattern, handler in any_region.urls.items()]


def _handler(service: str, url: str) -> Any:
    for pattern, handler in _patterns(service):
        if pattern.match(url):
            return handler
    return None
