"""What can go wrong with AWS, in sentences an operator can act on."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from botocore import exceptions as boto
from botocore.parsers import ResponseParserError

from elements.aws.redaction import Redactor
from elements.domain.throttling import THROTTLES

_INSTANCE_ID = re.compile(r"\bi-[0-9a-f]{8,17}\b")

# Source: EC2 API error codes; what is not listed keeps AWS's own sentence.
_CREDENTIALS = {
    "AuthFailure": "AWS refused the access key, or region {region} is not enabled for this account.",
    "InvalidClientTokenId": "AWS does not know the access key, or it was disabled or deleted.",
    "UnrecognizedClientException": "AWS does not know the access key, or it was disabled or deleted.",
    "InvalidAccessKeyId": "AWS does not know the access key, or it was disabled or deleted.",
    "SignatureDoesNotMatch": "The Secret Access Key does not belong to the Access Key ID.",
    "RequestExpired": "The session token has expired, or the clock of the ec2mon server is wrong.",
    "ExpiredToken": "The session token has expired.",
    "ExpiredTokenException": "The session token has expired.",
    "OptInRequired": "The account is not subscribed to EC2. Look at the account in the AWS console.",
    "Blocked": "AWS has blocked this account. Contact AWS Support.",
    "PendingVerification": "AWS is still verifying this account. Contact AWS Support if this takes long.",
    "MissingAuthenticationToken": "The request reached AWS without a signature. Look at proxies on the way.",
}
_PERMISSIONS = ("UnauthorizedOperation", "AccessDenied", "AccessDeniedException", "Client.UnauthorizedOperation")
_REJECTED = {
    "OperationNotPermitted": "It is protected against this in AWS. Remove the protection there first.",
    "IncorrectInstanceState": "It is changing its state or is in a state that does not allow this.",
    "IncorrectSpotRequestState": "Only EC2 itself can start a Spot Instance that EC2 has stopped.",
    "UnsupportedOperation": "AWS does not support this for the instance.",
    "UnsupportedHibernationConfiguration": "Hibernation was not enabled when the instance was launched.",
    "InvalidInstanceID.NotFound": "AWS does not know this instance in this region.",
    "InvalidInstanceID.Malformed": "AWS does not take this for an instance ID.",
    "InsufficientInstanceCapacity": "AWS has no free capacity for this type in this zone. Try again in some minutes.",
    "InsufficientHostCapacity": "There is no free capacity on the Dedicated Host.",
    "VcpuLimitExceeded": "The account's limit for running vCPUs is reached. Stop others or ask AWS for more.",
    "InstanceLimitExceeded": "The account's limit for running instances is reached.",
}
# What botocore raises for XML that is none, and for good XML of somebody else's or with a bad number or time in it.
_UNREADABLE = (ResponseParserError, ValueError, LookupError, AttributeError, TypeError)
CLOCK_LIMIT_S = 240
# No request can have reached AWS when the connection itself was not made.
_NEVER_SENT = (
    boto.ConnectTimeoutError,
    boto.ProxyConnectionError,
    boto.EndpointConnectionError,
)


class AwsError(Exception):
    """AWS did not do what was asked. `definite`: it certainly did not do it.

    `sentence` is for the operator; `aws_message` are AWS's own words, without secrets.
    """

    def __init__(
        self,
        sentence: str,
        *,
        operation: str,
        code: str = "",
        aws_message: str = "",
        request_id: str = "",
        http_status: int | None = None,
        definite: bool = True,
    ) -> None:
        super().__init__(sentence)
        self.sentence, self.operation, self.code, self.aws_message = sentence, operation, code, aws_message
        self.request_id, self.http_status, self.definite = request_id, http_status, definite

    @property
    def instance_ids(self) -> tuple[str, ...]:
        """Return the instance IDs that AWS's message names."""
        return tuple(dict.fromkeys(_INSTANCE_ID.findall(self.aws_message)))


class AwsDenied(AwsError):
    """AWS refused the key (`refused_credentials`) or the key lacks a permission."""

    refused_credentials = False


class AwsRejected(AwsError):
    """AWS took the key but refused the request: its state, an unknown ID, throttled."""

    throttled = False


class AwsUnreachable(AwsError):
    """AWS did not answer, or its answer could not be understood."""


@dataclass(frozen=True, slots=True)
class Scene:
    """Where a call goes, for its sentences."""

    operation: str
    region: str
    endpoint: str
    redactor: Redactor
    clock_offset_s: float | None = None
    read_s: int = 20


@contextmanager
def translated_errors(scene: Callable[[], Scene]) -> Iterator[None]:
    """Turn botocore's exceptions into ours; nothing of a request's headers survives."""
    try:
        yield
    except boto.ClientError as error:
        raise _from_answer(error, scene()) from None
    except _UNREADABLE:
        raise not_understood(scene()) from None
    except Forbidden as error:
        raise forbidden(scene(), str(error)) from None
    except (boto.BotoCoreError, OSError) as error:
        raise _unanswered(error, scene()) from None


def not_understood(scene: Scene, why: str = "") -> AwsUnreachable:
    """Return the error for an answer that is not what EC2 answers; nothing is known about a write then."""
    text = f"The answer of {scene.endpoint} could not be understood{': ' + why if why else ''}."
    return AwsUnreachable(
        f"{text} A proxy on the way may have answered instead of AWS.",
        operation=scene.operation,
        code="AnswerNotUnderstood",
        definite=False,
    )


def _from_answer(error: boto.ClientError, scene: Scene) -> AwsError:
    answer = error.response
    code = str(answer.get("Error", {}).get("Code", "") or "Unknown")
    meta = answer.get("ResponseMetadata", {})
    message = scene.redactor.text(str(answer.get("Error", {}).get("Message", "") or ""))
    facts = {
        "operation": scene.operation,
        "code": scene.redactor.text(code, 100),
        "aws_message": message,
        "request_id": scene.redactor.text(str(meta.get("RequestId", "") or answer.get("RequestId", "") or ""), 100),
        "http_status": meta.get("HTTPStatusCode"),
    }
    if code in _CREDENTIALS:
        denied = AwsDenied(_credentials_sentence(code, scene), **facts)  # type: ignore[arg-type]
        denied.refused_credentials = True
        return denied
    if code in _PERMISSIONS:
        service = "sts" if scene.operation == "GetCallerIdentity" else "ec2"
        text = f"This access key may not call {service}:{scene.operation}. Add the action to its IAM policy."
        return AwsDenied(f"{code}: {text}", **facts)  # type: ignore[arg-type]
    if code in THROTTLES:
        rejected = AwsRejected(f"AWS is throttling requests ({code}). Polling continues with longer gaps.", **facts)  # type: ignore[arg-type]
        rejected.throttled = True
        return rejected
    if code in _REJECTED:
        own = f" AWS says: {message}" if message else ""
        return AwsRejected(f"{code}: {_REJECTED[code]}{own}", **facts)  # type: ignore[arg-type]
    status = facts["http_status"]
    if isinstance(status, int) and status >= 500:
        text = f"AWS had an internal error ({facts['code']}, HTTP {status})."
        return AwsUnreachable(f"{text} {message}".strip(), **facts, definite=False)  # type: ignore[arg-type]
    shown = facts["code"]
    return AwsRejected(f"{shown}: {message}" if message else f"AWS refused the request: {shown}.", **facts)  # type: ignore[arg-type]


def _credentials_sentence(code: str, scene: Scene) -> str:
    offset = scene.clock_offset_s
    if code in ("RequestExpired", "SignatureDoesNotMatch", "AuthFailure") and offset and abs(offset) > CLOCK_LIMIT_S:
        minutes = round(abs(offset) / 60)
        text = f"The clock of the ec2mon server is {minutes} min off."
        return f"{code}: {text} AWS refuses requests signed with a wrong time."
    return f"{code}: {_CREDENTIALS[code].format(region=scene.region)}"


def _unanswered(error: Exception, scene: Scene) -> AwsUnreachable:
    endpoint = scene.endpoint
    definite = isinstance(error, (*_NEVER_SENT, NoClient)) or _untrusted(error)
    match error:
        case NoClient():
            text = f"AWS cannot be asked at this endpoint: {error}"
        case boto.ConnectTimeoutError():
            text = f"No connection to {endpoint} within 5 s."
        case boto.ReadTimeoutError():
            text = f"No answer from {endpoint} within {scene.read_s} s."
        case boto.ProxyConnectionError():
            text = "The proxy on the way to AWS could not be reached."
        case boto.SSLError() if definite:
            text = f"The TLS certificate of {endpoint} could not be verified."
        case boto.SSLError():
            text = f"The TLS connection to {endpoint} failed before AWS answered."
        case boto.EndpointConnectionError():
            text = f"{endpoint} could not be reached: its name is unknown, or nothing listens there."
        case Overdue():
            text = str(error)
        case _:
            text = f"The connection to {endpoint} was lost before AWS answered."
    return AwsUnreachable(
        f"{text} Check the endpoint and the network of the ec2mon server.",
        operation=scene.operation,
        code=type(error).__name__,
        definite=definite,
    )


def _untrusted(error: Exception) -> bool:
    """Tell whether TLS ended before anything was sent; a TLS error may also break an answer off."""
    return isinstance(error, boto.SSLError) and "CERTIFICATE_VERIFY_FAILED" in str(error)


def overdue(scene: Scene, why: str) -> AwsUnreachable:
    """Return the error for an answer that took too long; nothing is known about a write then."""
    return _unanswered(Overdue(why=why), scene)


def forbidden(scene: Scene, why: str) -> AwsUnreachable:
    """Return the error for an endpoint where AWS is not asked: nothing was sent."""
    return AwsUnreachable(why, operation=scene.operation, code="EndpointRefused")


class Overdue(boto.BotoCoreError):  # type: ignore[misc]
    """An attempt, or all calls of a gateway together, took too long."""

    fmt = "{why}"


class NoClient(boto.BotoCoreError):  # type: ignore[misc]
    """No client can be made for such an endpoint or region."""

    fmt = "{why}"


class Forbidden(boto.BotoCoreError):  # type: ignore[misc]
    """The endpoint is one where AWS is not asked."""

    fmt = "{why}"
