"""Flask-Security without its own pages: sessions in the browser, Argon2, codes of authenticator apps.

Its users are those of accounts, read through the session of the request; it writes nothing itself. The cookie holds a mark of the
person, which changes with their password, role or clearance, and the key of one sign-in, of which the database keeps a hash:
signing out ends it there, wherever the cookie may have been copied to.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
import time
from typing import Any

from flask import Flask, Response, after_this_request, current_app, g, request
from flask import session as cookie
from flask_security import RoleMixin, Security, UserDatastore, UserMixin, current_user, login_user, logout_user
from flask_security.totp import Totp
from flask_security.utils import hash_password, verify_password
from itsdangerous import BadSignature, URLSafeTimedSerializer

from commsapp.accounts import service as accounts
from commsapp.accounts.passwords import normal
from commsapp.accounts.service import Known
from commsapp.accounts.views import Person
from commsapp.actor import Actor
from commsapp.config import Settings
from commsapp.errors import CommsappError
from commsapp.http.request import session, settings
from commsapp.storage.keyring import open_keyring
from commsapp.storage.session import Session, told

CODE_SECONDS = 30
"""How far the clock of an authenticator app may be off."""
RECOVERY_CODES = 10
FRESH_SECONDS = 15 * 60
PROVEN = "fs_paa"
"""Where Flask-Security keeps when somebody last proved who they are."""
KEY, SEEN = "sign_in", "seen"
DEVICE = "commsapp_device"
_DEVICE_SECONDS = 365 * 24 * 3600
_PERSONS_OF_A_DEVICE = 5
_TOTP = "commsapp_totp"
# Of no password: whoever asks for an unknown account waits as long as for a known one. A test holds its cost to that of today.
_NOBODY = "$argon2id$v=19$m=65536,t=3,p=4$2jtHCAHgfA/BmLPWuvde6w$is08GMtRjPVaJIXbXI2Bqq8HVfuzcMTSpHEMM1MxTXI"


class User(UserMixin):
    """A person as Flask-Security sees them, with the actor that they are in this sign-in."""

    fs_uniquifier = ""

    def __init__(self, uniquifier: str, person: Person, actor: Actor | None = None) -> None:
        self.id = person.id
        self.email = person.email
        self.active = person.active
        self.fs_uniquifier = uniquifier
        self.roles = []  # roles are checked by security.may_enter
        self.person = person
        self.actor = actor
        self.totp_counter: int | None = None


class People(UserDatastore):
    """Flask-Security's way to our people: it finds who a cookie stands for. Changes go through accounts, commits are ours."""

    def find_user(self, case_insensitive: bool = False, **by: Any) -> User | None:
        """The person of a mark, where the sign-in of this browser holds."""
        uniquifier, key = str(by.get("fs_uniquifier", "")), cookie.get(KEY)
        idle = time.time() - cookie.get(SEEN, 0)
        if not isinstance(key, str) or idle > settings().idle_minutes * 60:
            return None
        try:
            with told():
                found = accounts.signed_in(session(), uniquifier=uniquifier, key=key)
        except CommsappError as error:  # asked while an error page is made as well, which must not fail over it
            g.sign_in_problem = error
            return None
        if found is None:
            return None
        if idle > 60:
            cookie[SEEN] = int(time.time())
        return User(uniquifier, found[1], found[0])

    def commit(self) -> None:
        """The request commits, once, at its end."""


class Codes(Totp):
    """Codes of authenticator apps; one that was used, or is older than it, is refused."""

    def get_last_counter(self, user: Any) -> int | None:
        """The time step of the last code that was used."""
        last: int | None = user.totp_counter
        return last

    def set_last_counter(self, user: Any, tmatch: Any) -> None:
        """Hand the time step to whoever keeps it."""
        user.totp_counter = tmatch.counter


def install(app: Flask, given: Settings) -> None:
    """Let people sign in to an application."""
    https = given.public_url.startswith("https://")
    app.config.update(
        SESSION_COOKIE_SECURE=https,
        PERMANENT_SESSION_LIFETIME=given.idle_minutes * 60 + 60,
        SESSION_REFRESH_EACH_REQUEST=False,
        SECURITY_PASSWORD_SALT=_derived(given, "password"),
        SECURITY_PASSWORD_SCHEMES=["argon2"],
        SECURITY_PASSWORD_HASH="argon2",  # noqa: S106  # nosec B106  # the name of the algorithm
        SECURITY_CLI_USERS_NAME=None,
        SECURITY_CLI_ROLES_NAME=None,
        SECURITY_FLASH_MESSAGES=False,
    )
    security = Security()
    security.init_app(app, People(User, RoleMixin), register_blueprint=False)
    security.principal.identity_loaders.clear()  # scripts and styles must not ask the database who wants them
    security.login_manager.request_loader(lambda _request: None)  # no tokens of Flask-Security's own
    app.extensions[_TOTP] = Codes({1: _derived(given, "authenticator")}, "commsapp")


def codes() -> Codes:
    """What makes and checks codes of authenticator apps."""
    made: Codes = current_app.extensions[_TOTP]
    return made


def hashed(password: str) -> str:
    """What is kept of a password."""
    return hash_password(normal(password))


def right(password: str, known: Known | None) -> bool:
    """Whether that is a person's password; for nobody, and without a password, it takes as long and is false."""
    kept = known.password_hash if known is not None else None
    try:
        fits: bool = verify_password(normal(password), kept or _NOBODY)
    except ValueError:  # no hash of ours, and so nobody's password
        return False
    return fits and kept is not None


def hashed_anew(password: str, known: Known) -> str | None:
    """What to keep of a password from now on, where it was hashed in a way that is out of date; None where it was not."""
    context = current_app.extensions["security"].pwd_context
    return hashed(password) if known.password_hash and context.needs_update(known.password_hash) else None


def code_fits(database: Session, known: Known, typed: str) -> bool:
    """Whether that is the code of a person's authenticator app now, or one of their recovery codes; each holds once."""
    if known.totp_secret is not None and typed.isascii() and typed.isdigit():
        user = User(known.uniquifier, known.person)
        user.totp_counter = known.totp_counter
        if not codes().verify_totp(typed, known.totp_secret, user, window=CODE_SECONDS) or user.totp_counter is None:
            return False
        return accounts.use_code(database, known.person.id, counter=user.totp_counter)
    return accounts.use_recovery_code(database, known.person.id, _recovery_hash(typed))


def proof(person: Person, secret: str, typed: str) -> int | None:
    """The time step of a code of an authenticator app that has a secret; None where the code is not right."""
    user = User("", person)
    code = "".join(typed.split())
    right = code.isascii() and code.isdigit() and codes().verify_totp(code, secret, user, window=CODE_SECONDS)
    return user.totp_counter if right else None


def new_recovery_codes() -> tuple[list[str], list[str]]:
    """Recovery codes to show once, and the keyed hashes that are kept of them."""
    made = codes().generate_recovery_codes(RECOVERY_CODES)
    return made, [_recovery_hash(code) for code in made]


def _recovery_hash(typed: str) -> str:
    # Keyed, as a code is short enough to be typed, and so to be tried out on a stolen database.
    key = _derived(settings(), "recovery code").encode()
    return hmac.new(key, re.sub(r"[^0-9a-z]", "", typed.lower()).encode(), hashlib.sha256).hexdigest()


def passkey_handle(person_id: int) -> bytes:
    """What a device knows a person by: the same for each passkey of theirs for ever, and nothing that tells who they are."""
    key = _derived(settings(), "passkey handle").encode()
    return hmac.new(key, str(person_id).encode(), hashlib.sha256).digest()


def fresh() -> bool:
    """Whether the person proved who they are a few minutes ago; asked before they change how they sign in."""
    proven = cookie.get(PROVEN, 0)
    return bool(time.time() - proven < FRESH_SECONDS)


def proven_again() -> None:
    """The person just proved who they are once more."""
    cookie[PROVEN] = time.time()


def begin(known: Known, *, way: str, second_factor: bool, database: Session | None = None) -> None:
    """Sign a person in on this browser: a new session, in which nothing of the old one is left."""
    opened = database if database is not None else session()
    key = accounts.start_sign_in(opened, known.person.id, device=device_name(), way=way, second_factor=second_factor)
    cookie.clear()
    g.pop("csrf_token", None)
    login_user(User(known.uniquifier, known.person), remember=False, authn_via=[way])
    cookie.permanent = True
    cookie[KEY], cookie[SEEN] = key, int(time.time())
    g.pop("actor", None)
    _remember_device(known.person.id)


def end() -> None:
    """Sign out: here, and wherever this cookie may have been copied to."""
    key = cookie.get(KEY)
    if isinstance(key, str):
        accounts.end_sign_in(session(), key)
    logout_user()
    cookie.clear()
    g.actor = None


def waits_for_second_factor() -> bool:
    """Whether the person who is signed in is cleared for more than they see, as they proved themselves with one factor only."""
    person: Person | None = getattr(current_user, "person", None)
    actor: Actor | None = getattr(current_user, "actor", None)
    if person is None or actor is None:
        return False
    return person.cleared.more_than_open and (actor.handling_levels, actor.originals) != (
        person.cleared.levels,
        person.cleared.originals,
    )


def key_here() -> str:
    """The key of the sign-in of this browser."""
    return str(cookie.get(KEY, ""))


def go_on_as(uniquifier: str) -> None:
    """The mark of this person changed, and with it every other sign-in ended; this one goes on."""
    cookie["_user_id"] = uniquifier


def known_device(person_id: int | None) -> str | None:
    """The mark of this browser, where the person signed in with it before."""
    mark, persons = _device()
    return mark if person_id in persons else None


def device_name() -> str:
    """The browser in words that its owner knows again: 'Firefox on Android'."""
    agent = request.headers.get("User-Agent", "")
    browsers = {"Edg": "Edge", "OPR": "Opera", "SamsungBrowser": "Samsung Internet", "Firefox": "Firefox", "Chrom": "Chrome"}
    systems = {"Android": "Android", "iPhone": "iPhone", "iPad": "iPad", "Windows": "Windows", "Mac OS": "Mac", "Linux": "Linux"}
    browser = next((name for sign, name in {**browsers, "Safari": "Safari"}.items() if re.search(sign, agent)), "A browser")
    system = next((name for sign, name in systems.items() if sign in agent), "")
    return f"{browser} on {system}" if system else browser


def _device() -> tuple[str, list[int]]:
    try:
        mark, persons = _serializer().loads(request.cookies.get(DEVICE, ""), max_age=_DEVICE_SECONDS)
    except (BadSignature, ValueError, TypeError):
        return "", []
    return str(mark), list(persons)


def _remember_device(person_id: int) -> None:
    mark, persons = _device()
    kept = [person_id, *(other for other in persons if other != person_id)][:_PERSONS_OF_A_DEVICE]
    value = _serializer().dumps([mark or secrets.token_hex(16), kept])
    secure = bool(current_app.config["SESSION_COOKIE_SECURE"])

    @after_this_request
    def keep(response: Response) -> Response:
        if response.status_code < 400:
            response.set_cookie(DEVICE, value, max_age=_DEVICE_SECONDS, httponly=True, samesite="Lax", secure=secure)
        return response


def _serializer() -> URLSafeTimedSerializer:
    # Of the secret key: who changes it because it got out wants nobody to make such cookies with the old one.
    return URLSafeTimedSerializer(settings().secret_key, salt="commsapp device")


def _derived(given: Settings, purpose: str) -> str:
    # Of the keyring and not of the secret key, which may be changed: people would else have to be let in again one by one.
    return open_keyring(given).derived(f"accounts/{purpose}").hex()
