"""Who signed a request: AWS Signature Version 4, checked with botocore's own signer."""

import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from simulator.wire import ApiError
from simulator.world import Keys, World

_HEADER = re.compile(
    r"AWS4-HMAC-SHA256 Credential=([^/]+)/\d{8}/([^/]+)/([^/]+)/aws4_request, *SignedHeaders=([^,]+), *Signature=(\w+)"
)
_TOLERANCE = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Signature:
    """What a request says about its signer; the signature itself is never kept in the journal."""

    access_key_id: str
    region: str
    service: str
    signed_headers: tuple[str, ...]
    value: str


def read_signature(headers: Mapping[str, str]) -> Signature | None:
    """Return the signature of a request, None when it has none."""
    found = _HEADER.match(headers.get("authorization", ""))
    if found is None:
        return None
    key, region, service, signed, value = found.groups()
    return Signature(key, region, service, tuple(signed.split(";")), value)


def authenticate(world: World, signature: Signature, headers: Mapping[str, str], path: str, body: bytes) -> Keys:
    """Return the keys that signed the request; raises ApiError as EC2 or STS words it."""
    service = signature.service
    keys = world.keys.get(signature.access_key_id)
    if keys is None or signature.region in keys.disabled_regions:
        raise _refusal(service, "InvalidClientTokenId", "The security token included in the request is invalid.")
    if (keys.session_token or None) != headers.get("x-amz-security-token"):
        raise _refusal(service, "InvalidClientTokenId", "The security token included in the request is invalid.")
    if keys.expired:
        code, status = ("RequestExpired", 400) if service == "ec2" else ("ExpiredToken", 403)
        raise ApiError(code, "Request has expired." if service == "ec2" else "The security token has expired", status)
    if not hmac.compare_digest(_expected(keys, signature, headers, path, body), signature.value):
        raise _refusal(
            service,
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided.",
        )
    sent_at = datetime.strptime(headers["x-amz-date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    if abs(world.now() - sent_at) > _TOLERANCE:
        if service == "ec2":
            raise ApiError("RequestExpired", "Request has expired.")
        raise ApiError(
            "SignatureDoesNotMatch", f"Signature expired: {headers['x-amz-date']} is now earlier or later.", 403
        )
    return keys


def _refusal(service: str, sts_code: str, sts_message: str) -> ApiError:
    """Return what EC2 says of all bad credentials, and STS in detail."""
    if service == "sts":
        return ApiError(sts_code, sts_message, 403)
    return ApiError("AuthFailure", "AWS was not able to validate the provided access credentials", 401)


def _expected(keys: Keys, signature: Signature, headers: Mapping[str, str], path: str, body: bytes) -> str:
    signed = {name: headers.get(name, "") for name in signature.signed_headers}
    request = AWSRequest(method="POST", url=f"http://{headers['host']}{path}", data=body, headers=signed)
    request.context["timestamp"] = headers.get("x-amz-date", "")
    signer = SigV4Auth(Credentials(keys.access_key_id, keys.secret_access_key), signature.service, signature.region)
    return str(signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request))
