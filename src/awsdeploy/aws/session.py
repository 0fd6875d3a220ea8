"""Session with AWS: clients by region, retries, and the meaning of error codes. Nothing else imports boto3.

A read is sent again on any fault that passes. A write is sent once: botocore would re-send it after a
lost answer, and a second `CreateVpc` is a second VPC. A write is repeated here only when AWS refused it
unread (throttling, no connection), or when the caller names the refusal as one that passes (`TransientError`).
An answer that never arrived is `AnswerLost`; what to do about it depends on the kind of resource.
"""

from __future__ import annotations

import io
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar
from urllib.parse import urlsplit, urlunsplit

import tenacity

from awsdeploy.aws import credentials
from awsdeploy.aws.calls import AnsweredCall
from awsdeploy.aws.credentials import Signer
from awsdeploy.aws.refusals import (
    THROTTLES,
    AnswerLost,
    AwsRefusal,
    TransientError,
    not_accepted,
    s3_arn,
    tolerate,
    undecided,
    unread,
)
from awsdeploy.aws.secrets import secrets_of
from awsdeploy.aws.waiting import Cancellation, Polling
from awsdeploy.errors import AwsFailure, CredentialsMissing

__all__ = ["READS", "AnswerLost", "AnsweredCall", "AwsRefusal", "AwsSession", "Client", "TransientError", "tolerate"]

Item = TypeVar("Item")
Answer = TypeVar("Answer")

READS = ("Describe", "Filter", "Get", "List", "Head", "Search", "Lookup")
CALLS_IN_FLIGHT = 16
ATTEMPTS = 10  # how often a call that AWS has not read is sent


class Client:
    """One AWS service in one region; every operation is a method that follows this module's rules."""

    def __init__(
        self,
        session: AwsSession,
        service: str,
        region: str,
        transient: Sequence[TransientError] = (),
        attempts: int = ATTEMPTS,
    ) -> None:
        self._session = session
        self._service = service
        self._region = region
        self._transient = transient
        self._attempts = attempts

    def __getattr__(self, method: str) -> Callable[..., dict[str, Any]]:
        if method.startswith("_"):
            raise AttributeError(method)

        def call(**parameters: Any) -> dict[str, Any]:
            return self._call(method, parameters)

        return call

    def pages(self, method: str, key: str, **parameters: Any) -> Iterator[dict[str, Any]]:
        """Every item under `key` over all pages of a read."""
        paginator = self._session.raw(self._service, self._region).get_paginator(method)
        # A paginator calls the raw client; ours retries.
        paginator._method = getattr(self, method)
        for page in paginator.paginate(**parameters):
            yield from page.get(key, ())

    def _call(self, method: str, parameters: dict[str, Any]) -> dict[str, Any]:
        raw = self._session.raw(self._service, self._region)
        operation: str = raw.meta.method_to_api_mapping[method]
        start = time.monotonic()
        unread = 0

        def again(state: tenacity.RetryCallState) -> bool:
            nonlocal unread
            error = state.outcome.exception() if state.outcome else None
            if isinstance(error, _Retryable):
                unread += 1
                return unread < self._attempts
            waited = time.monotonic() - start
            return any(row.covers(error) and waited < row.seconds for row in self._transient)

        def pause(state: tenacity.RetryCallState) -> float:
            error = state.outcome.exception() if state.outcome else None
            if isinstance(error, _Retryable):
                return self._session.crowded(state)
            return self._session.polling.refused(time.monotonic() - start)

        retrying = tenacity.Retrying(
            retry=again,
            wait=pause,
            sleep=self._session.stop.sleep,
            reraise=True,
        )
        try:
            return retrying(self._once, raw, method, operation, parameters)
        except _Retryable as last:
            raise last.error from None

    def _once(self, raw: Any, method: str, operation: str, parameters: dict[str, Any]) -> dict[str, Any]:
        from botocore import exceptions as fault
        from botocore.parsers import ResponseParserError

        name = f"{self._service}:{operation}"
        read = operation.startswith(READS)
        begun = time.monotonic()
        outcome = "ok"
        answer: dict[str, Any] = {}
        try:
            with self._session.lane(self._service):
                credentials.renew(raw)
                answer = getattr(raw, method)(**parameters)
                if "Body" in answer:  # a download: what is lost half-way is asked for again
                    answer["Body"] = io.BytesIO(answer["Body"].read())
                return answer
        except fault.ClientError as error:
            outcome = str(error.response["Error"].get("Code", ""))
            unsaid = secrets_of(raw.meta.service_model.operation_model(operation).input_shape, parameters)
            raise self._refused(name, read, parameters, error.response, unsaid) from None
        except CredentialsMissing:
            outcome = "no credentials"
            raise
        except (fault.EndpointConnectionError, fault.ConnectTimeoutError, fault.ProxyConnectionError) as error:
            outcome = "no connection"
            what, check = "AWS", "the network (and HTTPS_PROXY, if it is set)"
            if not str(endpoint := raw.meta.endpoint_url).endswith(AWS_HOSTS):
                what, check = endpoint, "that the program at this address is running (AWS_ENDPOINT_URL)"
            hint = f"Check {check}, then run the same command again."
            raise _Retryable(AwsFailure(f"{what} cannot be reached: {error}", hint)) from None
        except (fault.HTTPClientError, fault.IncompleteReadError, ResponseParserError, fault.SSLError) as error:
            outcome = "no answer"
            if "CERTIFICATE_VERIFY_FAILED" in str(error):
                raise AwsFailure(
                    "This computer does not trust the TLS certificate of the AWS endpoint.",
                    "If a proxy inspects your traffic, set AWS_CA_BUNDLE to the proxy's CA certificates.",
                ) from None
            if isinstance(cause := getattr(error, "kwargs", {}).get("error"), ValueError):  # a proxy that is no address
                raise credentials.misset(cause) from None
            lost = AnswerLost(name, unread(error), read)
            raise _Retryable(lost) if read else lost from None
        except fault.ParamValidationError as error:
            outcome = "invalid"
            # botocore's report quotes the values, which may be secret: only the names are kept.
            what = "; ".join(re.findall(r"^(?:Missing|Unknown) .*|^Invalid .* parameter [^ ,]+", str(error), re.M))
            raise AwsFailure(f"{name} was not sent: {what}", "This is a bug in awsdeploy. Please report it.") from None
        except fault.BotoCoreError as error:
            outcome = "not sent"
            raise AwsFailure(
                f"{name} was not sent: {type(error).__name__}", "Check the AWS_* variables and ~/.aws/config."
            ) from None
        finally:
            self._session.on_call(
                AnsweredCall(self._service, operation, time.monotonic() - begun, outcome, answer, raw.meta)
            )

    def _refused(
        self, name: str, read: bool, parameters: Mapping[str, Any], answer: Mapping[str, Any], unsaid: Sequence[str]
    ) -> Exception:
        """Return the exception for an error response. Values in `unsaid` are masked if AWS repeats them."""
        code, text = (str(answer["Error"].get(key, "")) for key in ("Code", "Message"))
        for secret in unsaid:
            text = text.replace(secret, "***")
        metadata = answer.get("ResponseMetadata", {})
        status = metadata.get("HTTPStatusCode", 0)
        if not_accepted(code, text):
            return credentials.refused(code, text, metadata.get("HTTPHeaders", {}))
        refusal = AwsRefusal(name, code, text, self._region, s3_arn(name, parameters, self._region))
        if code in THROTTLES or status == 429:
            return _Retryable(refusal)
        if status >= 500 and undecided(code) and not any(row.covers(refusal) for row in self._transient):
            # Of an answer without a code botocore makes one of the status.
            said = " ".join(filter(None, [str(status), "" if code == str(status) else code]))
            open_ = "" if read else " It is not known whether the call took effect."
            lost = AnswerLost(
                name, f"AWS internal error, HTTP {said}: {text.rstrip('.') or 'no reason given'}.{open_}", read
            )
            return _Retryable(lost) if read else lost
        return refusal


class _Retryable(Exception):
    """Wraps an error after which the same call may simply be sent again."""

    def __init__(self, error: AwsFailure) -> None:
        super().__init__(str(error))
        self.error = error


class AwsSession:
    """Clients by service and region over one boto3 session, made on first use. Safe for many threads.

    `first_pause` is how long (seconds) to wait before a refused call is first sent again; `made` are botocore's
    clients of a session before this one, by service and region.
    Whatever boto3 honours is honoured: `AWS_PROFILE`, SSO, `AWS_ENDPOINT_URL`, `AWS_CA_BUNDLE`, proxies.
    """

    def __init__(
        self,
        stop: Cancellation | None = None,
        on_call: Callable[[AnsweredCall], None] = lambda _call: None,
        first_pause: float = 0.5,
        made: dict[tuple[str, str], Any] | None = None,
    ) -> None:
        self.stop = stop or Cancellation()
        self.on_call = on_call
        self.polling = Polling(floor=first_pause)
        self.crowded = tenacity.wait_random_exponential(multiplier=first_pause, max=5)
        self._raw = {} if made is None else made
        self._session: Any = None
        self._making = threading.Lock()
        self._in_flight = threading.BoundedSemaphore(CALLS_IN_FLIGHT)
        # AWS: five Route 53 requests a second per account, and one change of a zone at a time.
        self._route53 = threading.Lock()
        self._asking = threading.Lock()
        self._account: str | None = None

    def client(
        self, service: str, region: str, transient: Sequence[TransientError] = (), attempts: int = ATTEMPTS
    ) -> Client:
        return Client(self, service, region, transient, attempts)

    def account(self, region: str) -> str:
        """The account number of the credentials in use.

        Raises `CredentialsMissing` where there are none.
        """
        with self._asking:
            if self._account is None:
                self._account = str(self.client("sts", region).get_caller_identity()["Account"])
            return self._account

    def each(self, ask: Callable[[Item], Answer], items: Sequence[Item]) -> list[Answer]:
        """The answers in the order of the items. Raises the first item's error."""
        if len(items) < 2:
            return [ask(item) for item in items]
        with ThreadPoolExecutor(min(CALLS_IN_FLIGHT, len(items)), thread_name_prefix="each") as pool:
            return list(pool.map(ask, items))

    @contextmanager
    def lane(self, service: str) -> Iterator[None]:
        """At most 16 calls in flight, and one to Route 53."""
        if service == "route53":
            with self._route53, self._in_flight:
                yield
        else:
            with self._in_flight:
                yield

    def signer(self) -> Signer:
        """The source of the credentials that sign the calls. Raises `CredentialsMissing`; makes no AWS call."""
        self.raw("sts", "us-east-1")
        return credentials.signer(self._session)

    def raw(self, service: str, region: str) -> Any:
        """The botocore client: one attempt, so that only this module decides what is sent again."""
        if (found := self._raw.get((service, region))) is not None:
            return found
        with self._making:
            if (service, region) not in self._raw:
                self._raw[service, region] = self._make(service, region)
            return self._raw[service, region]

    def _make(self, service: str, region: str) -> Any:
        import boto3
        import botocore.session
        from botocore import exceptions as fault
        from botocore.config import Config

        config = Config(
            retries={"total_max_attempts": 1},
            connect_timeout=10,
            read_timeout=60,
            max_pool_connections=CALLS_IN_FLIGHT,
            user_agent_extra="awsdeploy",
        )
        with credentials.resolving():
            if self._session is None:
                credentials.check_settings()
                core = botocore.session.get_session()
                # Else every thread that pages through answers lists the hundreds of services for itself.
                core.get_component("data_loader").list_available_services("paginators-1")
                if not core.get_config_variable("region"):  # roles are assumed in some region
                    core.set_config_variable("region", region)
                self._session = boto3.Session(botocore_session=core)
            self._session.get_credentials()  # creating a client would do this too, but without a clear error
        try:
            client = self._session.client(service, region_name=region, config=config)
        except (fault.BotoCoreError, ValueError) as error:
            raise credentials.misset(error) from None
        client.meta.events.register("before-sign.s3-control", _without_account)
        return client


AWS_HOSTS = (".amazonaws.com", ".amazonaws.com.cn", ".api.aws")


def _without_account(request: Any, **_: Any) -> None:
    """S3's control plane is asked under a name of each account, which no endpoint but AWS's own has.

    The account is in a header as well.
    """
    parts = urlsplit(request.url)
    account, _, host = parts.netloc.partition(".")
    if account.isdigit() and not str(host.partition(":")[0]).endswith(AWS_HOSTS):
        request.url = urlunsplit(parts._replace(netloc=host))
