"""Judges each token of standard input by verifiers/heartwood_license.py. See languages.ts for the form of the lines."""

import base64
import sys

from heartwood_license import LicenseError, verify_license


def decoded(field):
    return base64.b64decode(field).decode("utf-8")


def encoded(text):
    return base64.b64encode(text.encode("utf-8", "surrogatepass")).decode("ascii")


def number(value):
    return "-" if value is None else str(value)


def shown(claims):
    texts = [claims.sub, claims.aud, claims.iss, claims.jti, claims.lic_id, claims.tier, claims.customer_id]
    numbers = [claims.iat, claims.exp, claims.updates_until, claims.revision]
    limits = ",".join(f"{encoded(name)}={limit}" for name, limit in claims.limits.items())
    features = ",".join(encoded(feature) + "." for feature in claims.features)
    return ["ok", *map(encoded, texts), *map(number, numbers), features, limits]


def judged(line):
    token, app, issuer, now, released_at, keys = line.rstrip("\n").split("\t")
    try:
        claims = verify_license(
            decoded(token),
            app=decoded(app),
            public_keys=[decoded(key) for key in keys.split(",") if key],
            issuer=decoded(issuer),
            now=int(now),
            released_at=None if released_at == "-" else int(released_at),
        )
        return shown(claims)
    except LicenseError as error:
        return [error.code]
    except ValueError:
        return ["unusable_key"]


for line in sys.stdin:
    print("\t".join(judged(line)))
