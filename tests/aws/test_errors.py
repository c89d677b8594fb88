import pytest

from elements.aws.errors import AwsDenied, AwsError, AwsRejected, AwsUnreachable
from tests.aws.pages import listed

REFUSED_CREDENTIALS = [
    ("AuthFailure", 401, "AWS refused the access key, or region eu-central-1 is not enabled for this account."),
    ("InvalidClientTokenId", 403, "AWS does not know the access key"),
    ("SignatureDoesNotMatch", 403, "The Secret Access Key does not belong to the Access Key ID."),
    ("RequestExpired", 400, "The session token has expired, or the clock"),
    ("ExpiredToken", 403, "The session token has expired."),
    ("OptInRequired", 401, "The account is not subscribed to EC2."),
    ("Blocked", 403, "AWS has blocked this account. Contact AWS Support."),
    ("PendingVerification", 403, "AWS is still verifying this account."),
    ("MissingAuthenticationToken", 403, "The request reached AWS without a signature."),
]
REJECTED = [
    ("OperationNotPermitted", 400, "protected against this in AWS"),
    ("IncorrectInstanceState", 400, "is changing its state"),
    ("IncorrectSpotRequestState", 400, "Only EC2 itself can start"),
    ("UnsupportedOperation", 400, "AWS does not support this"),
    ("UnsupportedHibernationConfiguration", 400, "Hibernation was not enabled"),
    ("InvalidInstanceID.NotFound", 400, "does not know this instance in this region"),
    ("InvalidInstanceID.Malformed", 400, "does not take this for an instance ID"),
    ("InsufficientInstanceCapacity", 500, "no free capacity for this type in this zone"),
    ("InsufficientHostCapacity", 400, "no free capacity on the Dedicated Host"),
    ("VcpuLimitExceeded", 400, "limit for running vCPUs"),
    ("InstanceLimitExceeded", 400, "limit for running instances"),
]


def refusal(aws, gateway, code, status, message="AWS's own words"):
    aws.fault("error", "StopInstances", code=code, status=status, message=message)
    with pytest.raises(AwsError) as raised:
        gateway.stop_instances(["i-0123456789abcdef0"])
    return raised.value


@pytest.mark.parametrize(("code", "status", "sentence"), REFUSED_CREDENTIALS)
def test_refused_credentials_are_told_by_what_to_do(aws, gateway, code, status, sentence):
    error = refusal(aws, gateway, code, status)

    assert isinstance(error, AwsDenied)
    assert error.refused_credentials
    assert error.definite
    assert sentence in error.sentence


@pytest.mark.parametrize("code", ["UnauthorizedOperation", "AccessDenied"])
def test_a_missing_permission_names_the_action_to_add(aws, gateway, code):
    error = refusal(aws, gateway, code, 403)

    assert isinstance(error, AwsDenied)
    assert not error.refused_credentials
    assert "ec2:StopInstances" in error.sentence


@pytest.mark.parametrize(("code", "status", "sentence"), REJECTED)
def test_a_rejected_request_is_told_in_our_words_and_in_awss(aws, gateway, code, status, sentence):
    error = refusal(aws, gateway, code, status)

    assert isinstance(error, AwsRejected)
    assert error.definite
    assert (error.code, error.http_status) == (code, status)
    assert sentence in error.sentence
    assert "AWS's own words" in error.sentence


@pytest.mark.parametrize("code", ["RequestLimitExceeded", "Throttling", "ThrottlingException"])
def test_throttling_is_told_from_other_rejections_and_did_certainly_not_happen(aws, gateway, code):
    error = refusal(aws, gateway, code, 503)

    assert isinstance(error, AwsRejected)
    assert error.throttled
    assert error.definite


@pytest.mark.parametrize(
    ("code", "status"), [("InternalError", 500), ("ServiceUnavailable", 503), ("Unavailable", 503)]
)
def test_after_an_error_inside_aws_it_is_not_known_whether_it_happened(aws, gateway, code, status):
    error = refusal(aws, gateway, code, status)

    assert isinstance(error, AwsUnreachable)
    assert not error.definite
    assert code in error.sentence


def test_a_code_nobody_knows_keeps_awss_sentence(aws, gateway):
    error = refusal(aws, gateway, "SomethingNew", 400, "It is new.")

    assert isinstance(error, AwsRejected)
    assert error.sentence == "SomethingNew: It is new."


def test_the_instances_that_aws_names_are_found_in_its_message(aws, gateway):
    message = "The instance IDs 'i-0aaaaaaaaaaaaaaaa, i-1b2c3d4e' do not exist"

    error = refusal(aws, gateway, "InvalidInstanceID.NotFound", 400, message)

    assert error.instance_ids == ("i-0aaaaaaaaaaaaaaaa", "i-1b2c3d4e")


def test_a_region_that_is_not_enabled_is_named_and_not_only_the_key(aws, open_to):
    gateway = open_to(aws.add_keys(disabled_regions=["ap-east-1"]), aws.url, region="ap-east-1")

    with pytest.raises(AwsDenied, match="region ap-east-1 is not enabled"):
        listed(gateway.describe_instances())


def test_a_clock_that_is_wrong_is_told_by_how_much(aws, gateway):
    aws.set(clock_skew_s=3600)

    with pytest.raises(AwsDenied, match="clock of the ec2mon server is 60 min off"):
        listed(gateway.describe_instances())


@pytest.mark.parametrize(
    ("fault", "sentence"),
    [
        ("reset", "was lost before AWS answered"),
        ("captive", "could not be understood"),
        ("garbage", "could not be understood"),
        ("empty", "could not be understood"),
        ("truncated", "could not be understood"),
        ("short", "was lost before AWS answered"),
        ("redirect", "could not be understood"),
        ("no-set", "could not be understood: it has no StoppingInstances"),
        ("lost", "was lost before AWS answered"),
        ("html-500", "HTTP 500"),
    ],
)
def test_an_answer_that_is_none_leaves_the_outcome_of_a_write_open(aws, gateway, fault, sentence):
    (instance_id,) = aws.add_instances()
    aws.fault(fault, "StopInstances")

    with pytest.raises(AwsUnreachable, match=sentence) as raised:
        gateway.stop_instances([instance_id])

    assert not raised.value.definite


@pytest.mark.parametrize("fault", ["captive", "empty", "garbage"])
def test_a_reboot_counts_only_when_ec2_itself_answered(aws, gateway, fault):
    (instance_id,) = aws.add_instances()
    aws.fault(fault, "RebootInstances")

    with pytest.raises(AwsUnreachable):
        gateway.reboot_instances([instance_id])


def test_without_a_connection_nothing_was_sent(keys, open_to):
    gateway = open_to(keys, "http://127.0.0.1:9")

    with pytest.raises(AwsUnreachable, match="nothing listens there") as raised:
        gateway.stop_instances(["i-0123456789abcdef0"])

    assert raised.value.definite


def test_an_endpoint_that_is_no_url_is_said_to_be_none(keys, open_to):
    gateway = open_to(keys, "not a url")

    with pytest.raises(AwsUnreachable, match="cannot be asked at this endpoint") as raised:
        listed(gateway.describe_instances())

    assert raised.value.definite
