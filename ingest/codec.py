"""A batch as bytes and back: a JSON head, then the arrays, compressed."""

from __future__ import annotations

import json
import struct
import zlib
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

import numpy as np

from ingest.batch import Batch, Kind

_LENGTH = struct.Struct("<I")
# Level 1 takes a fifth of the time of the default for nearly the same size on these arrays.
_COMPRESSION = 1


@dataclass(frozen=True, kw_only=True)
class Envelope:
    """The columns of a batch that the database keeps beside its payload."""

    source: str
    """Name of the source block."""
    kind: Kind
    """Observation or forecast."""
    issued_at: datetime
    """When the source made the statement."""
    available_at: datetime
    """When we came to know it."""


def encode(batch: Batch) -> bytes:
    """Places, hours, values and flags of a batch; the envelope is kept elsewhere."""
    flagged = [name for name, bits in batch.flags.items() if bits.any()]
    head = {
        "places": batch.places,
        "hours": (batch.valid_at.astype(np.int64) // 3600).tolist(),
        "values": list(batch.values),
        "flags": flagged,
    }
    text = json.dumps(head, separators=(",", ":")).encode()
    parts = [np.ascontiguousarray(array, dtype="<f8").tobytes() for array in batch.values.values()]
    parts += [np.ascontiguousarray(batch.flags[name], dtype=np.uint8).tobytes() for name in flagged]
    return _LENGTH.pack(len(text)) + zlib.compress(text + b"".join(parts), _COMPRESSION)


def decode(envelope: Envelope, payload: bytes) -> Batch:
    """The batch that `encode` was given; damaged bytes raise ValueError or zlib.error.

    That its parts fit together was checked before they were encoded, and zlib.error tells of any other bytes.
    """
    if len(payload) < _LENGTH.size:
        raise ValueError("the payload of a batch is cut short")
    (length,) = _LENGTH.unpack_from(payload)
    body = zlib.decompress(payload[_LENGTH.size :])
    head = json.loads(body[:length].decode())
    shape = (len(head["places"]), len(head["hours"]))
    count = shape[0] * shape[1]
    told, flagged = head["values"], head["flags"]
    values = np.frombuffer(body, "<f8", len(told) * count, length).reshape(-1, *shape)
    flags = np.frombuffer(body, np.uint8, offset=length + values.nbytes).reshape(-1, *shape)
    return Batch.checked(
        source=envelope.source,
        kind=envelope.kind,
        issued_at=envelope.issued_at,
        available_at=envelope.available_at,
        places=_shared(tuple(head["places"])),
        valid_at=(np.array(head["hours"], dtype=np.int64) * 3600).astype("datetime64[s]"),
        values=dict(zip(told, values, strict=True)),
        flags=dict(zip(flagged, flags, strict=True)),
    )


@lru_cache(maxsize=64)
def _shared(places: tuple[str, ...]) -> tuple[str, ...]:
    """The same object for equal places: the many batches of a province keep and compare one."""
    return places
