"""The seal of an ONNX file: its last bytes are the SHA-256 of all that stands before them.

They are one more entry of the file's metadata, as a serialised model may be continued, so that
whatever reads ONNX reads the file, and none of it is needed to check it.
"""

from __future__ import annotations

from hashlib import sha256

DIGITS = 64
"""Of a SHA-256 in hexadecimal."""

MARK = b"\x72\x4a\x0a\x06sha256\x12\x40"
"""The entry up to its value: field 14 of a model, 74 bytes, with the key "sha256" and 64 bytes."""


def sealed(model: bytes) -> bytes:
    """Put the checksum of a serialised model behind it."""
    body = model + MARK
    return body + sha256(body).hexdigest().encode()


def fault_of(data: bytes) -> str | None:
    """Say what is wrong with a file by its seal, None where nothing is."""
    body, found = data[:-DIGITS], data[-DIGITS:]
    if not body.endswith(MARK):
        return "does not end in a checksum: it is cut off, foreign or of an older version"
    if found != sha256(body).hexdigest().encode():
        return "is damaged or was edited, its checksum is another"
    return None
