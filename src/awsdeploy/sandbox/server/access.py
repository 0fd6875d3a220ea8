"""Access to the sandbox: signatures of its owner and its machines, the control header, Host and Origin.

The sandbox runs commands as the person who started it, so it answers nobody else: no other user of this computer, and
no web page. AWS's Signature Version 4 is checked by botocore's own signer.
"""

from __future__ import annotations

import calendar
import hashlib
import hmac
import re
import time
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.compat import HTTPHeaders
from botocore.credentials import Credentials

from awsdeploy.sandbox.server.call import Incoming
from awsdeploy.sandbox.server.http import LOOPBACK
from awsdeploy.sandbox.server.keys import HEADER, Keys
from awsdeploy.sandbox.server.refusal import AwsRefuses

SKEW = 900.0
"""Seconds that a signature's time may differ from ours. AWS: 15 minutes (Signature Version 4)."""
SIGNED = re.compile(
    r"AWS4-HMAC-SHA256\s+Credential=(?P<key>[^/,\s]+)/(?P<day>\d{8})/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request,"
    r"\s*SignedHeaders=(?P<headers>[^,\s]+),\s*Signature=(?P<signature>[0-9a-f]{64})"
)
UNSIGNED = "UNSIGNED-PAYLOAD"


def controls(incoming: Incoming, keys: Keys) -> bool:
    """True if a control call carries the sandbox's secret."""
    return hmac.compare_digest(incoming.headers.get(HEADER, "").encode(), keys.secret.encode())


def foreign(incoming: Incoming, port: int) -> str:
    """Reason to refuse a request that comes from a web page; "" if it comes from a program.

    A page of another origin sends an Origin, and one with a rebound name that name as Host.
    """
    host = incoming.headers.get("Host", "")
    if host not in (f"{LOOPBACK}:{port}", f"localhost:{port}"):
        return f"The sandbox answers at {LOOPBACK}:{port}, not at {host!r}."
    if "Origin" in incoming.headers:
        return "The sandbox does not answer web pages."
    return ""


def from_query(incoming: Incoming) -> Incoming:
    """A presigned request as if it carried its signature in a header; any other as it is."""
    address = urlsplit(incoming.path)
    given = dict(parse_qsl(address.query, keep_blank_values=True))
    if "X-Amz-Signature" not in given:
        return incoming
    rest = "&".join(part for part in address.query.split("&") if not part.startswith("X-Amz-Signature="))
    plain = "&".join(part for part in rest.split("&") if not part.startswith("X-Amz-"))
    headers = {
        **incoming.headers,
        "Authorization": f"{given.get('X-Amz-Algorithm')} Credential={given.get('X-Amz-Credential')}, "
        f"SignedHeaders={given.get('X-Amz-SignedHeaders')}, Signature={given['X-Amz-Signature']}",
    }
    return Incoming(incoming.method, f"{address.path}?{plain}" if plain else address.path, headers, incoming.body, rest)


def verify(incoming: Incoming, keys: Keys, protocol: str) -> None:
    """Raises `AwsRefuses`, in the words of the service that was asked, unless the owner or a machine signed this."""
    found = SIGNED.match(incoming.headers.get("Authorization", ""))
    if found is None:
        raise AwsRefuses("IncompleteSignature", "The Authorization header is not a Signature Version 4.", 400)
    service = found["service"]
    secret = keys.secret_of(found["key"])
    if not secret:
        raise _unknown(service, protocol)
    presigned = dict(parse_qsl(incoming.presigned, keep_blank_values=True))
    stamp = presigned.get("X-Amz-Date") or incoming.headers.get("X-Amz-Date", "")
    _in_time(stamp, float(presigned.get("X-Amz-Expires", 0)), service)
    expected = _signature(incoming, found, secret, stamp)
    if not hmac.compare_digest(expected, found["signature"]) or not _fits(incoming):
        raise _unproved(service, protocol)


def _signature(incoming: Incoming, found: re.Match[str], secret: str, stamp: str) -> str:
    path = urlsplit(incoming.path).path
    query = incoming.presigned or urlsplit(incoming.path).query
    url = f"http://{incoming.headers['Host']}{path}" + (f"?{query}" if query else "")
    request = AWSRequest(incoming.method, url, dict(incoming.headers), incoming.body)
    request.context["timestamp"] = stamp
    if incoming.presigned:
        request.headers["X-Amz-Content-SHA256"] = UNSIGNED
    signer: Any = (_S3Signer if found["service"] == "s3" else _Signer)(
        Credentials(found["key"], secret), found["service"], found["region"]
    )
    signer.names = found["headers"].split(";")
    text: str = signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request)
    return text


class _Names:
    """Takes the headers that the client says it has signed."""

    names: list[str]

    def headers_to_sign(self, request: Any) -> Any:
        headers = HTTPHeaders()
        for name in self.names:
            headers[name] = request.headers.get(name, "")
        return headers


class _Signer(_Names, SigV4Auth):  # type: ignore[misc]
    pass


class _S3Signer(_Names, S3SigV4Auth):  # type: ignore[misc]
    pass


def _fits(incoming: Incoming) -> bool:
    """True if the body is the one that was signed, where a client signs its body as a whole."""
    said = incoming.headers.get("X-Amz-Content-Sha256", UNSIGNED)
    return incoming.presigned != "" or not re.fullmatch("[0-9a-f]{64}", said) or said == _sha256(incoming.body)


def _sha256(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def _in_time(stamp: str, lasts: float, service: str) -> None:
    """Signatures carry real time, whatever the sandbox's own clock says."""
    try:
        signed = calendar.timegm(time.strptime(stamp, "%Y%m%dT%H%M%SZ"))
    except ValueError:
        raise AwsRefuses("IncompleteSignature", "The request has no valid X-Amz-Date.", 400) from None
    now = time.time()
    if signed - SKEW <= now <= signed + (lasts or SKEW):
        return
    if lasts:
        raise AwsRefuses("AccessDenied", "Request has expired", 403)
    if service == "s3":
        said = "The difference between the request time and the current time is too large."
        raise AwsRefuses("RequestTimeTooSkewed", said, 403)
    shown = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
    word, compared = ("expired", "earlier") if signed < now else ("not yet current", "later")
    sign = "-" if signed < now else "+"
    said = f"Signature {word}: {stamp} is now {compared} than {shown} ({shown} {sign} 15 min.)"
    raise AwsRefuses("SignatureDoesNotMatch", said, 403)


def _unknown(service: str, protocol: str) -> AwsRefuses:
    """AWS: each family of services has its own code for an access key that does not exist."""
    if service == "s3":
        said = "The AWS Access Key Id you provided does not exist in our records."
        return AwsRefuses("InvalidAccessKeyId", said, 403)
    if service == "ec2":
        return AwsRefuses("AuthFailure", "AWS was not able to validate the provided access credentials", 401)
    said = "The security token included in the request is invalid."
    if "json" in protocol:
        return AwsRefuses("UnrecognizedClientException", said, 400)
    return AwsRefuses("InvalidClientTokenId", said, 403)


def _unproved(service: str, protocol: str) -> AwsRefuses:
    if service == "ec2":
        return AwsRefuses("AuthFailure", "AWS was not able to validate the provided access credentials", 401)
    said = (
        "The request signature we calculated does not match the signature you provided. "
        "Check your AWS Secret Access Key and signing method."
    )
    if "json" in protocol:
        return AwsRefuses("InvalidSignatureException", said, 400)
    return AwsRefuses("SignatureDoesNotMatch", said, 403)
