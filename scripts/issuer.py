#!/usr/bin/env python3
"""Looks at an OIDC issuer's discovery document, as API Gateway does with each token, and says what is wrong with it.

API Gateway itself says nothing when it is set up: without a good issuer it leaves out every route that asks for one.
"""

import argparse
import http.client
import json
import sys
import urllib.error
import urllib.parse
import urllib.request

TIMEOUT = 10
LOOPBACK = ("localhost", "127.0.0.1")


class Refusal(Exception):
    """A reason not to go on, and what to do about it."""


def parts_of(url):
    """The parts of a URL whose port, if it has one, is a number."""
    try:
        parts = urllib.parse.urlsplit(url)
        parts.port  # noqa: B018 - it raises.
    except ValueError as error:
        raise Refusal(f"{url} is no URL: {error}") from None
    return parts


def fetch(url, form=None):
    data = urllib.parse.urlencode(form).encode() if form else None
    try:
        with urllib.request.urlopen(url, data, timeout=TIMEOUT) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        said = " ".join(error.read(500).decode(errors="replace").split())
        raise Refusal(f"{url} answers {error.code}: {said}") from None
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise Refusal(f"{url} gives no JSON: {' '.join(str(error).split())}") from None


def discover(issuer):
    """The discovery document of an issuer, which must be that issuer's own."""
    parts = parts_of(issuer)
    if not parts.hostname or not (parts.scheme == "https" or parts.scheme == "http" and parts.hostname in LOOPBACK):
        raise Refusal(f"{issuer} is no issuer: give an https URL")
    if parts.query or parts.fragment:
        raise Refusal(f"{issuer} is no issuer: it has neither a query nor a fragment")
    url = issuer.rstrip("/") + "/.well-known/openid-configuration"
    document = fetch(url)
    if not isinstance(document, dict):
        raise Refusal(f"{url} is no discovery document")
    if document.get("issuer") != issuer:
        raise Refusal(f"{url} is of the issuer {document.get('issuer')}, not {issuer}: give it as it is there")
    if not document.get("jwks_uri"):
        raise Refusal(f"{url} has no jwks_uri: tokens of {issuer} cannot be verified")
    return document


def parse():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("issuer", help="the issuer's URL, exactly as its tokens' iss has it")
    return parser.parse_args()


if __name__ == "__main__":
    try:
        discover(parse().issuer)
    except Refusal as error:
        print(f"issuer: {error}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
