"""Learn whose keys these are, and refuse to mix two accounts in one element."""

import logging
from datetime import datetime

from django.db import transaction

from elements.aws.ec2 import Ec2Gateway
from elements.aws.errors import CLOCK_LIMIT_S, AwsDenied, AwsError
from elements.domain.connection_reports import not_enabled
from elements.domain.regions import default_sts_region
from elements.models import Element
from elements.usecases.removal import clear, go_on
from elements.usecases.set_up import note, start_afresh

log = logging.getLogger(__name__)


class AccountMismatch(Exception):
    """The keys belong to another account than the element; the message is for the operator."""

    def __init__(self, element: Element) -> None:
        super().__init__(
            f"The keys belong to AWS account {element.seen_account_id}, but this element is for account"
            f" {element.account_id}. Nothing was read. Enter keys of account {element.account_id}, or accept the"
            " new account on General."
        )


class OwnerUnknown(Exception):
    """Keys nobody has vouched for show no instances where the element holds some; the message is for the operator."""

    def __init__(self, element: Element) -> None:
        super().__init__(
            f"AWS shows no instances with the new keys, and STS does not say whether they belong to account"
            f" {element.account_id}. Nothing was changed. Allow sts:GetCallerIdentity, or check the STS endpoint on"
            " General."
        )


def identify(element: Element, gateway: Ec2Gateway, *, now: datetime) -> None:
    """Ask STS once for new keys which account they belong to.

    STS needs no permission, so a refusal there is about the keys, or about an STS endpoint that serves no
    such region; EC2's own answer decides then. Raises AccountMismatch for the keys of another account.
    """
    if element.identified_at is None:
        try:
            identity = gateway.caller_identity()
        except AwsError as error:
            log.info("STS did not identify the keys of element %s: %s", element.pk, error.code)
        else:
            note_account(element, identity.account_id, identity.arn, now)
    if element.account_changed:
        raise AccountMismatch(element)


def explained(element: Element, gateway: Ec2Gateway, error: AwsError) -> AwsError:
    """Return EC2's refusal of the keys in the clearest words there are, under EC2's own code.

    EC2 says AuthFailure of wrong keys and of a region that is not enabled alike. STS of a region that needs no
    opt-in tells them apart; it is asked once for each read that was refused so.
    """
    elsewhere, offset = default_sts_region(element.region), gateway.clock_offset_s or 0.0
    if error.code != "AuthFailure" or abs(offset) > CLOCK_LIMIT_S:
        return error
    try:
        identity = gateway.caller_identity(elsewhere)
    except AwsError as refused:
        if not (isinstance(refused, AwsDenied) and refused.refused_credentials):
            return error
        sentence = refused.sentence.removeprefix(f"{refused.code}: ")
    else:
        if elsewhere == element.region:
            return error
        sentence = not_enabled(element.region, identity.account_id)
    clear = AwsDenied(
        f"{error.code}: {sentence}",
        operation=error.operation,
        code=error.code,
        aws_message=error.aws_message,
        request_id=error.request_id,
        http_status=error.http_status,
    )
    clear.refused_credentials = True
    return clear


def check_owner(element: Element, owner: str, *, now: datetime) -> None:
    """Compare the owner AWS names with each reservation, "" when none was read; raises AccountMismatch or OwnerUnknown.

    The owner vouches for keys that STS did not identify, so that STS is not asked again at each poll.
    """
    if owner and (owner != element.seen_account_id or element.identified_at is None):
        note_account(element, owner, element.account_arn, now)
    if element.account_changed:
        raise AccountMismatch(element)
    if not owner and element.identified_at is None and element.instances.listed().exists():
        raise OwnerUnknown(element)


def note_account(element: Element, account_id: str, arn: str, now: datetime) -> None:
    """Keep who AWS says the keys are; the first account seen becomes the element's own.

    Nothing is kept when other keys were stored since the element was read: the answer is about the old ones.
    """
    element.seen_account_id, element.account_arn, element.identified_at = account_id, arn, now
    element.account_id = element.account_id or account_id
    Element.objects.filter(pk=element.pk, keys_stored_at=element.keys_stored_at).update(
        seen_account_id=account_id, account_arn=arn, identified_at=now, account_id=element.account_id
    )


def accept_account(element: Element, seen_account_id: str, *, by: str, now: datetime) -> bool:
    """Make the account AWS last named the element's own and clear the other's instances; it is due at once.

    False when AWS has named another account since the one that was shown.
    """
    with transaction.atomic():
        found = Element.objects.locked()
        element.refresh_from_db(fields=["account_id", "seen_account_id"], from_queryset=found)
        if not element.account_changed or element.seen_account_id != seen_account_id:
            return False
        old, element.account_id = element.account_id, element.seen_account_id
        element.save(update_fields=["account_id"])
        clear(element, now)
        start_afresh(element, now)
        changes = {"Account ID": [old, element.account_id]}
        note(element, "New account accepted", by=by, now=now, changes=changes)
    go_on([element.pk])
    return True
