"""Prints the public key that signs now, in PEM format, given the URL of the keys."""

import sys

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from jwt import PyJWKClient

key = PyJWKClient(sys.argv[1]).get_signing_keys()[0].key
print(key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode())
