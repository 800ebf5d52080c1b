"""Verifies Heartwood license tokens offline. Copy this file into your program.

It needs Python 3.8 or later, and the package cryptography.

    from heartwood_license import LicenseError, verify_license

    try:
        claims = verify_license(token, app="desktop-app", public_keys=[PUBLIC_KEY])
        print("Licensed:", claims.tier, claims.features)
    except LicenseError as error:
        print(error.code, error)

Keep the public keys in the code, because whoever can replace one can sign licenses.
This file makes no request and keeps no state. It does not renew a token, hears of no revocation, and does not follow trust.json:
after a rotation of keys, release a version with the new key.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
import re
import time
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Dict, List, Mapping, NoReturn, Optional, Sequence, Tuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import load_pem_public_key

MAX_TOKEN_LENGTH = 32 * 1024
MAX_DEPTH = 32
# The last second of the year 9999.
MAX_TIME = 253_402_300_799
MAX_LIMIT = 2**53 - 1
# Seconds by which two clocks may differ.
CLOCK_TOLERANCE = 300
MIN_KEY_BITS = 2048

BASE32 = "0123456789abcdefghjkmnpqrstvwxyz"
# The license's id as a TypeID of a UUID, then 32 characters.
JTI = re.compile(f"lic_[0-7][{BASE32}]{{9}}[2-9a-h][{BASE32}]{{2}}[89abr-tv][{BASE32}]{{12}}[{BASE32}]{{32}}")


class LicenseError(Exception):
    """The license does not hold. `code` is one of Heartwood's error codes, and the message is for a person.

    `token_expired`: it has ended. `version_not_covered`: the program was released after the end of the updates.
    `invalid_token`: anything else; the message gives no details, because a forger could use them.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class LicenseClaims:
    """The claims of a verified token. Times are whole seconds since 1970."""

    sub: str
    """The installation's id."""
    aud: str
    iss: str
    iat: int
    jti: str
    lic_id: str
    """The license's UUID, the same in each of its tokens."""
    tier: str
    customer_id: str
    features: Tuple[str, ...]
    exp: Optional[int] = None
    """The end of the license; None if it has none."""
    limits: Mapping[str, int] = field(default_factory=dict)
    updates_until: Optional[int] = None
    """The license covers versions released until then; None for all versions."""

    @property
    def revision(self) -> int:
        """Orders the tokens of a license: the highest is the newest."""
        bits = 0
        for character in self.jti[30:37]:
            bits = bits * 32 + BASE32.index(character)
        return bits // 8


def verify_license(
    token: str,
    *,
    app: str,
    public_keys: Sequence[str],
    issuer: str = "license-server",
    now: Optional[int] = None,
    released_at: Optional[int] = None,
) -> LicenseClaims:
    """Verifies a token and returns its claims.

    `app` is the app's slug. `public_keys` are PEM texts, as the server gives them at /public-key: one key in each.
    `now` is the time in seconds since 1970, by default the computer's. `released_at` is the release date of your program, a
    constant of its build; without it the license covers every version.

    Raises LicenseError if the license does not hold, and ValueError if a public key is not usable.
    """
    keys = [_read_key(pem) for pem in public_keys]
    if not keys:
        raise ValueError("public_keys must hold at least one key")
    claims = _read_claims(_verified_payload(token, keys), app, issuer)
    _check_times(claims, int(time.time()) if now is None else now, released_at)
    return claims


def _invalid() -> LicenseError:
    return LicenseError("invalid_token", "Invalid license token")


def _check_times(claims: LicenseClaims, now: int, released_at: Optional[int]) -> None:
    if claims.exp is not None and now >= claims.exp:
        raise LicenseError("token_expired", "The license has expired")
    if claims.iat > now + CLOCK_TOLERANCE:
        raise LicenseError("invalid_token", "The token was issued in the future: check the clock")
    if released_at is not None and claims.updates_until is not None and released_at > claims.updates_until:
        raise LicenseError("version_not_covered", "The license does not cover this version")


# Keys and the signature


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _decode(part: str) -> bytes:
    """Decodes base64url in its one spelling: no padding, no white space, and no bit that counts for nothing."""
    try:
        data = base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
    except ValueError:
        raise _invalid() from None
    if part == "" or _encode(data) != part:
        raise _invalid()
    return data


def _read_key(pem: str) -> Tuple[str, rsa.RSAPublicKey]:
    """Returns the key with its id, the thumbprint of RFC 7638."""
    rule = f"Each of public_keys must be a PEM text with one RSA public key of {MIN_KEY_BITS} bits or more"
    if pem.count("-----BEGIN ") != 1 or "-----BEGIN PUBLIC KEY-----" not in pem:
        raise ValueError(rule)
    try:
        key = load_pem_public_key(pem.strip().encode("utf-8"))
    except Exception:
        raise ValueError(rule) from None
    if not isinstance(key, rsa.RSAPublicKey) or key.key_size < MIN_KEY_BITS:
        raise ValueError(rule)
    numbers = key.public_numbers()
    e, n = (_encode(number.to_bytes((number.bit_length() + 7) // 8, "big")) for number in (numbers.e, numbers.n))
    jwk = f'{{"e":"{e}","kty":"RSA","n":"{n}"}}'
    return _encode(hashlib.sha256(jwk.encode("ascii")).digest()), key


def _verified_payload(token: str, keys: Sequence[Tuple[str, rsa.RSAPublicKey]]) -> bytes:
    if not isinstance(token, str) or len(token) > MAX_TOKEN_LENGTH:
        raise _invalid()
    parts = token.split(".")
    if len(parts) != 3:
        raise _invalid()
    header, payload, signature = (_decode(part) for part in parts)
    kid = _read_header(header)
    signed = token[: token.rindex(".")].encode("ascii")
    if not any(_is_signed(signed, signature, key) for name, key in keys if kid is None or kid == name):
        raise _invalid()
    return payload


def _is_signed(signed: bytes, signature: bytes, key: rsa.RSAPublicKey) -> bool:
    # The algorithm is fixed, because a forger could choose the one in the header.
    try:
        key.verify(signature, signed, padding.PKCS1v15(), hashes.SHA256())
        return True
    except InvalidSignature:
        return False


# Header and claims


def _read_header(data: bytes) -> Optional[str]:
    """Returns the key's id, or None without one. A member that it does not know is refused."""
    header = _read_object(data)
    if not set(header) <= {"alg", "typ", "kid"} or not all(map(_is_text, header.values())):
        raise _invalid()
    if header.get("alg") != "RS256" or header.get("typ") != "JWT":
        raise _invalid()
    return header.get("kid")


def _is_text(value: Any) -> bool:
    return type(value) is str


def _whole_number(value: Any, most: int) -> int:
    if not isinstance(value, _Number) or not re.fullmatch("[0-9]{1,16}", value) or int(value) > most:
        raise _invalid()
    return int(value)


def _read_claims(payload: bytes, app: str, issuer: str) -> LicenseClaims:
    """Reads the claims that it knows. It ignores every other claim, because later versions add some."""
    claims = _read_object(payload)
    texts = {name: claims.get(name) for name in ("sub", "aud", "iss", "jti", "lic_id", "tier", "customer_id")}
    features = claims.get("features")
    if not all(map(_is_text, texts.values())) or not isinstance(features, list) or not all(map(_is_text, features)):
        raise _invalid()
    if not JTI.fullmatch(texts["jti"]) or texts["aud"] != app or texts["iss"] != issuer:
        raise _invalid()
    limits = claims.get("limits", {})
    if not isinstance(limits, dict):
        raise _invalid()
    ends = {name: _whole_number(claims[name], MAX_TIME) for name in ("exp", "updates_until") if name in claims}
    return LicenseClaims(
        **texts,
        **ends,
        iat=_whole_number(claims.get("iat"), MAX_TIME),
        features=tuple(features),
        limits={name: _whole_number(limit, MAX_LIMIT) for name, limit in limits.items()},
    )


# JSON in the one spelling that a token may have: that of JSON.stringify


class _Number(str):
    """A number as the token spells it."""


def _read_object(data: bytes) -> Dict[str, Any]:
    try:
        text = data.decode("utf-8")
        value = json.loads(
            text, object_pairs_hook=_read_members, parse_int=_Number, parse_float=_Number, parse_constant=_refuse
        )
    except (ValueError, RecursionError):
        raise _invalid() from None
    if not isinstance(value, dict) or _spell(value, MAX_DEPTH) != text:
        raise _invalid()
    return value


def _refuse(_: str) -> NoReturn:
    raise _invalid()


def _read_members(members: List[Tuple[str, Any]]) -> Dict[str, Any]:
    names = [name for name, _ in members]
    # JavaScript puts names that are array indexes first, in the order of their numbers.
    indexes = [name for name in names if re.fullmatch("0|[1-9][0-9]{0,9}", name) and int(name) < 2**32 - 1]
    if names[: len(indexes)] != sorted(indexes, key=int):
        raise _invalid()
    # A name that occurs twice is lost here, so that the text is spelled otherwise.
    return dict(members)


def _spell(value: Any, depth: int) -> str:
    if isinstance(value, (dict, list)) and depth == 0:
        raise _invalid()
    if isinstance(value, dict):
        members = (f"{_spell(name, 0)}:{_spell(item, depth - 1)}" for name, item in value.items())
        return "{" + ",".join(members) + "}"
    if isinstance(value, list):
        return "[" + ",".join(_spell(item, depth - 1) for item in value) + "]"
    if isinstance(value, _Number):
        return _spell_number(float(value))
    text = json.dumps(value, ensure_ascii=False)
    return re.sub("[\ud800-\udfff]", lambda half: f"\\u{ord(half[0]):04x}", text)


def _spell_number(number: float) -> str:
    """Spells a number as ECMA-262 does (Number::toString)."""
    if math.isinf(number):
        raise _invalid()
    if number == 0:
        return "0"
    sign, digits, exponent = Decimal(repr(number)).as_tuple()
    text = "".join(map(str, digits)).rstrip("0")
    point = len(digits) + int(exponent)
    minus = "-" if sign else ""
    if 0 < point <= 21:
        fraction = text[point:]
        return minus + text[:point].ljust(point, "0") + ("." + fraction if fraction else "")
    if -6 < point <= 0:
        return minus + "0." + "0" * -point + text
    rest = "." + text[1:] if len(text) > 1 else ""
    return f"{minus}{text[0]}{rest}e{point - 1:+d}"
