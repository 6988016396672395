"""Passkeys: what the browser is asked for, and whether its answer holds. The checks are py_webauthn's.

A question (challenge) stands in the signed session of the browser and holds for ten minutes. A passkey is made with its owner
verified by the device (by finger, face or number), so alone it stands for two factors; beside a password the device is enough.
"""

from __future__ import annotations

import ipaddress
import json
import time
from typing import Any
from urllib.parse import urlsplit

import webauthn
from flask import request as http
from flask import session as cookie
from webauthn.helpers import bytes_to_base64url
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)
from webauthn.registration.verify_registration_response import VerifiedRegistration

from commsapp.accounts.service import KnownPasskey
from commsapp.accounts.views import Person
from commsapp.errors import BadInput
from commsapp.http import signing_in
from commsapp.http.request import settings

_ASKED = "passkey_questions"
_SECONDS = 600
_MOST = 4


def possible() -> bool:
    """Whether a browser can use passkeys at this address: they belong to a name, never to a number such as 127.0.0.1."""
    try:
        ipaddress.ip_address(_name())
    except ValueError:
        return True
    return False


def options_to_make(person: Person, known: list[KnownPasskey]) -> str:
    """What the browser needs to make a passkey, as JSON. Any device may keep it, this one first of all."""
    options = webauthn.generate_registration_options(
        rp_id=_name(),
        rp_name="commsapp",
        user_id=signing_in.passkey_handle(person.id),
        user_name=person.email,
        user_display_name=person.name,
        exclude_credentials=_described(known),
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
        ),
    )
    _remember(options.challenge)
    return webauthn.options_to_json(options)


def options_to_use(known: list[KnownPasskey] | None = None) -> str:
    """What the browser needs to use a passkey: any of ``known`` as a second factor, or without it whichever there is."""
    alone = known is None
    needed = UserVerificationRequirement.REQUIRED if alone else UserVerificationRequirement.PREFERRED
    options = webauthn.generate_authentication_options(
        rp_id=_name(), allow_credentials=_described(known or []), user_verification=needed
    )
    _remember(options.challenge)
    return webauthn.options_to_json(options)


def made(sent: str) -> tuple[VerifiedRegistration, list[str]]:
    """The passkey that a browser made, checked, and how its device can be reached.

    Raises
    ------
    BadInput : the answer does not hold.

    """
    answer = _read(sent)
    try:
        checked = webauthn.verify_registration_response(
            credential=answer,
            expected_challenge=_asked(answer),
            expected_rp_id=_name(),
            expected_origin=_origin(),
            require_user_verification=True,
        )
    except (WebAuthnException, ValueError, KeyError, TypeError) as error:
        raise _refused() from error
    ways = answer.get("response", {}).get("transports") or []
    return checked, [str(way)[:20] for way in ways if isinstance(way, str)][:6]


def credential_of(sent: str) -> str:
    """The id of the passkey that a browser says it used.

    Raises
    ------
    BadInput : the answer can't be read.

    """
    return str(_read(sent).get("id", ""))


def used(sent: str, known: KnownPasskey, *, alone: bool) -> int:
    """Check that a browser used a passkey; how often its device says it was used. ``alone``: as both factors.

    Raises
    ------
    BadInput : the answer does not hold.

    """
    answer = _read(sent)
    handle = answer.get("response", {}).get("userHandle")
    try:
        if handle and webauthn.base64url_to_bytes(handle) != signing_in.passkey_handle(known.person_id):
            raise _refused()
        checked = webauthn.verify_authentication_response(
            credential=answer,
            expected_challenge=_asked(answer),
            expected_rp_id=_name(),
            expected_origin=_origin(),
            credential_public_key=known.public_key,
            credential_current_sign_count=known.sign_count,
            require_user_verification=alone,
        )
    except (WebAuthnException, ValueError, KeyError, TypeError) as error:
        raise _refused() from error
    return checked.new_sign_count


def _read(sent: str) -> dict[str, Any]:
    try:
        answer = json.loads(sent)
        if not isinstance(answer, dict) or not isinstance(answer.get("response"), dict):
            raise ValueError
    except (ValueError, RecursionError) as error:
        raise _refused() from error
    return answer


def _asked(answer: dict[str, Any]) -> bytes:
    """The question that is answered, where it was ours and is asked for the first time."""
    said = json.loads(webauthn.base64url_to_bytes(answer["response"]["clientDataJSON"]))["challenge"]
    questions = dict(cookie.get(_ASKED, {}))
    at = questions.pop(said, 0)
    cookie[_ASKED] = questions
    if time.time() - at > _SECONDS:
        raise _refused()
    return webauthn.base64url_to_bytes(said)


def _remember(challenge: bytes) -> None:
    kept = sorted(cookie.get(_ASKED, {}).items(), key=lambda item: -item[1])[: _MOST - 1]
    cookie[_ASKED] = {**dict(kept), bytes_to_base64url(challenge): int(time.time())}


def _described(known: list[KnownPasskey]) -> list[PublicKeyCredentialDescriptor]:
    return [PublicKeyCredentialDescriptor(id=webauthn.base64url_to_bytes(key.credential_id)) for key in known]


def _origin() -> str:
    public = settings().public_url
    return public if public and urlsplit(public).netloc == http.host else f"{http.scheme}://{http.host}"


def _name() -> str:
    return urlsplit(_origin()).hostname or ""


def _refused() -> BadInput:
    return BadInput("The passkey was not accepted.", "Try it once more; where that fails too, use your password.")
