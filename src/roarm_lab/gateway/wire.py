"""What policy server and client say to each other: a MessagePack head, raw tensors behind it, explicit lengths.

A frame is the head's length and the body's (4 bytes each, little endian), the head, and the body. The head is a map
with the message's type `t`, its fields, and `tensors`: name, dtype, shape, offset and length of each array in the body.
Nothing is unpickled; what does not fit is refused in words before memory is taken for it.
"""

import math
import struct
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import msgspec
import numpy as np
from msgspec import Meta
from numpy.typing import NDArray

from roarm_lab.core.errors import RoarmLabError

PROTOCOL = 1
"""Version of all this. Another one is refused at the first message."""
LENGTHS = struct.Struct("<II")
MAX_HEAD_BYTES, MAX_BODY_BYTES = 64 << 10, 32 << 20
MAX_TENSORS, MAX_RANK, MAX_TEXT, MAX_ENTRIES = 32, 4, 1024, 64
ALIGNMENT = 8
DTYPES = {name: np.dtype(name) for name in ("<f4", "<f8", "<i4", "<i8", "|u1", "|b1")}

Count = Annotated[int, Meta(ge=0, le=(1 << 63) - 1)]
Amount = Annotated[float, Meta(ge=0.0, le=1e12)]
Text = Annotated[str, Meta(max_length=MAX_TEXT)]
Texts = Annotated[list[Text], Meta(max_length=MAX_ENTRIES)]
Entry = tuple[Text, Text, Annotated[list[Count], Meta(max_length=MAX_RANK)], Count, Count]
Tensors = Mapping[str, NDArray[Any]]


class WireError(RoarmLabError):
    """Bytes that are no message of this protocol; the connection can not go on."""


class Message(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, tag_field="t"):
    """Base of all messages. Not to be changed once it is made."""

    arrays: Annotated[list[Entry], Meta(max_length=MAX_TENSORS)] = msgspec.field(default_factory=list, name="tensors")
    """Where the arrays lie in the body; filled in by `encode`."""


class Hello(Message, tag="hello"):
    """First of all, from the client: who it is."""

    client: Text
    proto: Count = PROTOCOL
    token: Text = ""
    want_policy: Text = ""
    """Hash of the only network that will do; empty for any."""
    rate_hz: Amount = 0.0


class Welcome(Message, tag="welcome"):
    """The server's answer to it: what it serves. The array `contract` is the policy's contract as JSON."""

    server: Text
    policy: Text
    """Hash of the network."""
    proto: Count = PROTOCOL
    chunk: Count = 1
    """Actions in an answer."""


class ArmFacts(Message, tag="arm"):
    """What the client's arm is, after it has read the contract and before it asks for actions."""

    hashes: Annotated[dict[Text, Text], Meta(max_length=MAX_ENTRIES)] = {}
    """Of `model`, `task`, `randomization`, `station`, `calibration`, as far as they are known."""
    facts: Annotated[dict[Text, float], Meta(max_length=MAX_ENTRIES)] = {}
    """Numbers behind the hashes, by name with their unit, so that a difference can be told in words."""
    allow_drift: bool = False


class Drift(Message, tag="drift"):
    """The server's answer to it: what differs from the arm that the policy was trained for, in words."""

    drift: Texts = []


class Infer(Message, tag="infer"):
    """What the arm sees: one array [size] per term that the contract lists."""

    seq: Count
    """Rises from message to message."""
    observed_at_ns: Count = 0
    """When, on the client's own clock; comes back unchanged."""
    deadline_ms: Amount = 0.0
    """An answer that takes longer, from arrival on, is of no use; 0 for no deadline."""
    episode: Count = 0


class Actions(Message, tag="actions"):
    """The answer: array `action` [step, action] float32, each -1 to 1."""

    seq: Count
    observed_at_ns: Count = 0
    late: bool = False
    """Whether it missed the deadline."""
    queue_ms: Amount = 0.0
    infer_ms: Amount = 0.0
    policy: Text = ""
    """Hash of the network that answered; it changes when the server is given another one."""


class Reset(Message, tag="reset"):
    """A new episode begins."""

    episode: Count


class Failure(Message, tag="error"):
    """What went wrong, in one sentence."""

    code: Text
    """One of `bad_frame bad_token protocol_mismatch spec_mismatch model_mismatch drift superseded too_late too_many
    not_finite out_of_shape policy_failed shutting_down`."""
    message: Text
    seq: Count = 0
    """Of the request that failed; 0 for the connection."""


class Ping(Message, tag="ping"):
    """Is somebody there?"""

    seq: Count = 0


class Pong(Message, tag="pong"):
    """Yes."""

    seq: Count = 0


class Bye(Message, tag="bye"):
    """The last message."""

    reason: Text = ""


AnyMessage = Hello | Welcome | ArmFacts | Drift | Infer | Actions | Reset | Failure | Ping | Pong | Bye
_decoder, _encoder = msgspec.msgpack.Decoder(AnyMessage), msgspec.msgpack.Encoder()


def encode(message: Message, tensors: Tensors | None = None) -> list[bytes | memoryview]:
    """Return a message as the pieces of a frame, to be sent one after another.

    Raises:
        WireError: It has more or other arrays than a frame takes.
    """
    pieces: list[bytes | memoryview] = []
    entries: list[Entry] = []
    place = 0
    for name, values in (tensors or {}).items():
        array = np.ascontiguousarray(values)
        dtype = array.dtype.str
        if dtype not in DTYPES or array.ndim > MAX_RANK:
            raise WireError(f"Tensor {name!r} is {dtype} {array.shape}; a frame takes {', '.join(DTYPES)}, 4 axes.")
        if place % ALIGNMENT:
            pieces.append(bytes(-place % ALIGNMENT))
            place += -place % ALIGNMENT
        entries.append((name, dtype, list(array.shape), place, array.nbytes))
        pieces.append(array.data.cast("B") if array.size else b"")
        place += array.nbytes
    message.arrays = entries
    head = _encoder.encode(message)
    if len(head) > MAX_HEAD_BYTES or place > MAX_BODY_BYTES or len(entries) > MAX_TENSORS:
        raise WireError(
            f"The message has a head of {len(head):,} bytes, a body of {place:,} and {len(entries)} tensors; at most "
            f"{MAX_HEAD_BYTES:,}, {MAX_BODY_BYTES:,} and {MAX_TENSORS} go into a frame."
        )
    return [LENGTHS.pack(len(head), place) + head, *pieces]


def lengths(prefix: bytes | bytearray | memoryview, start: int = 0) -> tuple[int, int]:
    """Return how long head and body are, from the first 8 bytes of a frame.

    Raises:
        WireError: Too long: nothing may be allocated for them.
    """
    head, body = LENGTHS.unpack_from(prefix, start)
    if not 0 < head <= MAX_HEAD_BYTES or body > MAX_BODY_BYTES:
        raise WireError(
            f"A frame has a head of 1 to {MAX_HEAD_BYTES:,} bytes and a body of at most {MAX_BODY_BYTES:,}, got "
            f"{head:,} and {body:,}: this is no message of RoArm Lab's protocol."
        )
    return head, body


def decode(head: bytes | memoryview, body: bytes | bytearray) -> tuple[AnyMessage, dict[str, NDArray[Any]]]:
    """Return the message in a frame and its arrays, which lie in `body` and can not be written to.

    Raises:
        WireError: The bytes are no message; the text says what is wrong with them.
    """
    try:
        message = _decoder.decode(head)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as error:
        raise WireError(f"This is no message of RoArm Lab's protocol: {error}.") from error
    return message, _tensors(message.arrays, body) if message.arrays else {}


def _tensors(entries: Sequence[Entry], body: bytes | bytearray) -> dict[str, NDArray[Any]]:
    found: dict[str, NDArray[Any]] = {}
    for name, dtype, shape, offset, size in entries:
        kind = DTYPES.get(dtype)
        if kind is None:
            raise WireError(f"Tensor {name!r} has the type {dtype!r}. Known: {', '.join(DTYPES)}.")
        if math.prod(shape) * kind.itemsize != size or offset + size > len(body) or offset % ALIGNMENT:
            raise WireError(f"Tensor {name!r} does not lie in the body: its shape, offset and length do not fit.")
        if name in found:
            raise WireError(f"Tensor {name!r} is there twice.")
        array = np.frombuffer(body, kind, size // kind.itemsize, offset).reshape(shape)
        array.flags.writeable = False
        found[name] = array
    return found
