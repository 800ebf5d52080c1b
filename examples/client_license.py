"""The Python client of the product documents, with the advice of those documents applied.

It verifies the signature and refreshes once a day. It keeps the token in a file, so it also works offline.
It trusts one key and does not follow trust.json: after a rotation, release a version with the new key.
It needs requests, PyJWT and cryptography (Debian: python3-requests python3-jwt python3-cryptography).

    client = LicenseClient("desktop-app", "https://licenses.example.com", "license.json")
    client.activate(token)
    client.refresh_if_due()
    if "export" in client.get_features(): ...
"""

import json
import os
import sys
import tempfile
import time

import jwt
import requests

# Your app's public key, from /public-key. Keep it in the code: a person who can replace it can sign licenses.
PUBLIC_KEY = """-----BEGIN PUBLIC KEY-----
MIICIjANBgkqhkiG9w0BAQEFAAOCAg8AMIICCgKCAgEA2YFoR+m+LL3cdcH+HeOE
+SOAQvwsoBJTWdb3OLilD9GnCTRuGuYd2I6XSJUM6+rUO0CfuI7qAjdOV4riAI8a
pbslksErhF8o9PsLxQQdirD8h35J4XTL7PHX0fi6wtiSV3MsN/S8r6K7iVfcB3Ug
rcbfwZCil0fDd2wp29KLFxU/zwgXWl9UUUaNJ2Nl4gw1pM29N4mBbWBMFyxBgNsU
mQchrtv+bxsRuiqztVdUtF24+THX9HMSrJTWzcxi/6WEaSJxlqhf5U/Waw7Ducy5
tibhuiUwSqVA0nkyul6zzmFGDY6Pog4+osoVeJQT6Hr7fsAdIG+wLyWLJyqxjb/1
vP0jq9yriqvQkWSe+q3kOoW3sviOOB/05UalWGiIkhSImGJ+OcB6Vmh5fmouSYIe
T00NZYHHWUwQID2PqXH/3d0dElmTj/4M0dildjzjevWybAdWSUb2C5QoHG4eWD6P
VareUsXWB7OWsibyv97frsSB7Bqdod+DIMw+cFgIC5ecWWnnthgvvFAHpi0ogkv5
8GrfjXOzBwrQK9WjsUWgN00QYgerYYJfZJyjeL8qkIi5gz41z0sG4hL5rIoISto5
d6iBHfje2SoO+NMcpNNC8koDNog/2BGgupeSyGcvsPHc8bYGYRtCh9uCjnvxZCzS
lH2XLtmTd95TeIjGCBHrANcCAwEAAQ==
-----END PUBLIC KEY-----
"""
ISSUER = "license-server"
DAY = 86_400
CLOCK_TOLERANCE = 300
CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz"


class InvalidToken(Exception):
    """The text is not a license token of this app. The message gives no details, because a forger could use them."""


def revision_of(claims):
    """Returns the revision, which orders the tokens of a license: the 32 bits after the license id in the jti."""
    value = 0
    for character in claims["jti"][30:37]:
        value = value * 32 + CROCKFORD.index(character)
    return value // 8


class LicenseClient:
    def __init__(self, app_slug, base_url, cache_path):
        self.app_slug = app_slug
        self.base_url = base_url.rstrip("/")
        self.cache_path = cache_path
        self.token = None
        self.claims = None
        self.revoked = None  # the license and revision that the server revoked
        self._load()

    def activate(self, token):
        """Stores a token that the customer entered, and removes its white space. Raises InvalidToken."""
        self._take("".join(token.split()))
        self._save()

    def refresh_if_due(self):
        """Asks for a new token once a day. Returns True if one came."""
        return self.claims is not None and time.time() >= self.claims["iat"] + DAY and self.refresh_token()

    def refresh_token(self):
        """Gets a new token with the latest tier features. Keeps the token during an outage, but drops it if revoked."""
        if self.claims is None:
            return False
        license_id = self.claims["jti"][:30]
        url = f"{self.base_url}/api/v1/apps/{self.app_slug}/licenses/{license_id}/regenerate"
        try:
            body = {"current_token": self.token}
            response = requests.post(url, json=body, timeout=10, allow_redirects=False)
            answer = response.json()
        except (requests.RequestException, ValueError):
            return False
        if response.status_code == 200:
            return self._renew(answer)
        if response.status_code == 400 and self._code(answer) == "license_revoked":
            self.revoked = {"lic_id": self.claims["lic_id"], "revision": revision_of(self.claims)}
            self.token, self.claims = None, None
            self._save()
        return False

    def is_valid(self):
        """Returns True if the signature is valid and the license has not expired."""
        return self.claims is not None and time.time() < self.claims.get("exp", float("inf"))

    def get_features(self):
        """Returns the features of the verified token, or an empty list after it has expired."""
        return self.claims["features"] if self.is_valid() else []

    def _verify(self, token):
        # We name the algorithm, because a forger could choose the one in the token. is_valid() checks the end.
        try:
            return jwt.decode(
                token,
                PUBLIC_KEY,
                algorithms=["RS256"],
                audience=self.app_slug,
                issuer=ISSUER,
                leeway=CLOCK_TOLERANCE,
                options={"require": ["iat", "jti", "sub"], "verify_exp": False},
            )
        except jwt.PyJWTError:
            raise InvalidToken("Invalid license token") from None

    def _take(self, token):
        claims = self._verify(token)
        if self._is_revoked(claims):
            return
        same_license = self.claims is not None and self.claims["lic_id"] == claims["lic_id"]
        if not (same_license and revision_of(claims) < revision_of(self.claims)):
            self.token, self.claims, self.revoked = token, claims, None

    def _is_revoked(self, claims):
        # Only a newer token ends a revocation, and only the server can make one.
        revoked = self.revoked
        return (
            revoked is not None
            and revoked["lic_id"] == claims["lic_id"]
            and revision_of(claims) <= revoked["revision"]
        )

    def _renew(self, answer):
        try:
            self._take(answer["data"]["token"])
        except (InvalidToken, KeyError, TypeError):
            return False
        self._save()
        return True

    @staticmethod
    def _code(answer):
        error = answer.get("error") if isinstance(answer, dict) else None
        return error.get("code") if isinstance(error, dict) else None

    def _load(self):
        # We verify a stored token like any other, and ignore a damaged file.
        try:
            with open(self.cache_path, encoding="utf-8") as file:
                stored = json.load(file)
            if stored["revoked"] is not None:
                self.revoked = {"lic_id": stored["revoked"]["lic_id"], "revision": int(stored["revoked"]["revision"])}
            if isinstance(stored["token"], str):
                self._take(stored["token"])
        except (OSError, ValueError, KeyError, TypeError, InvalidToken):
            pass

    def _save(self):
        try:
            self._write(json.dumps({"token": self.token, "revoked": self.revoked}))
        except OSError as error:
            # The license stays in memory until the program ends.
            print(f"Cannot save the license: {error.strerror}", file=sys.stderr)

    def _write(self, text):
        folder = os.path.dirname(os.path.abspath(self.cache_path))
        os.makedirs(folder, exist_ok=True)
        handle, fresh = tempfile.mkstemp(dir=folder)  # readable only by its owner
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
            os.replace(fresh, self.cache_path)
        except OSError:
            os.remove(fresh)
            raise


def main():
    command, *rest = sys.argv[1:] or ["status"]
    server = os.environ.get("LICENSE_SERVER", "https://licenses.example.com")
    client = LicenseClient("desktop-app", server, os.environ.get("LICENSE_FILE", "license.json"))
    try:
        if command == "activate":
            client.activate(*rest)
        elif command == "refresh":
            client.refresh_token()
        else:
            client.refresh_if_due()
    except InvalidToken as error:
        print(error)
        return 1
    state = "revoked" if client.revoked else "active" if client.is_valid() else "not licensed"
    print(f"{state}: {', '.join(client.get_features()) or 'no features'}")
    return 0 if client.is_valid() else 1


if __name__ == "__main__":
    sys.exit(main())
