"""Holds the embedded root certificates to those of Amazon Trust Services in Mozilla's store, as certifi has it.

Usage: check_roots.py [the repository's root]
"""

import datetime
import sys
import warnings
from pathlib import Path

import certifi
from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.utils import CryptographyDeprecationWarning
from cryptography.x509.oid import NameOID

EMBEDDED = "shared/src/lambda/amazon-roots.pem"

# https://www.amazontrust.com/repository/: four roots of Amazon's own, and one that it bought from Starfield.
NAMES = ("Amazon Root CA", "Starfield Services Root Certificate Authority")

# How long before a root ends there must be another one. What is deployed may be older than the repository.
NOTICE = datetime.timedelta(days=2 * 365)


# Some root of somebody else's has a serial number that it should not have.
warnings.simplefilter("ignore", CryptographyDeprecationWarning)


def roots(path):
    """The certificates in a file, by their fingerprint."""
    certificates = x509.load_pem_x509_certificates(Path(path).read_bytes())
    return {certificate.fingerprint(SHA256()).hex(): certificate for certificate in certificates}


def name(certificate):
    return certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value


def is_amazons(certificate):
    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return bool(names) and names[0].value.startswith(NAMES)


def problems(embedded, trusted, now):
    for fingerprint in sorted(embedded.keys() - trusted.keys()):
        yield f"{EMBEDDED}: {name(embedded[fingerprint])} is none that Mozilla trusts Amazon with: take it out"
    for fingerprint in sorted(trusted.keys() - embedded.keys()):
        yield f"{EMBEDDED}: {name(trusted[fingerprint])} is missing: add it (certifi has it: {certifi.where()})"
    for certificate in embedded.values():
        ends = certificate.not_valid_after_utc
        if ends - now < NOTICE:
            yield f"{EMBEDDED}: {name(certificate)} ends on {ends:%Y-%m-%d}: look for what follows it"


def main():
    repository = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
    trusted = {key: root for key, root in roots(certifi.where()).items() if is_amazons(root)}
    found = list(problems(roots(repository / EMBEDDED), trusted, datetime.datetime.now(datetime.timezone.utc)))
    for problem in found:
        print(problem, file=sys.stderr)
    print(f"{len(trusted)} roots of Amazon Trust Services, certifi {certifi.__version__}")
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
