"""What can become of a reply, by name. Each is a callable from a request to what is sent for it;
see ``registers.Fault``.

The first part knows no protocol; the second knows Modbus RTU, the third Modbus TCP.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

from . import rtu_bus
from .registers import Asked, Fault, ModbusUnit, Sending, honest
from .rtu_bus import frame as frame_of

Change = Callable[[bytes], bytes]


def silent(asked: Asked) -> list[Sending]:
    """Nothing."""
    return []


def late(delay: float) -> Fault:
    """The right answer, later."""
    return lambda asked: [replace(sending, after=delay) for sending in honest(asked)]


def dribbled(gap: float) -> Fault:
    """Byte by byte."""
    return lambda asked: [replace(sending, gap=gap) for sending in honest(asked)]


def changed(change: Change) -> Fault:
    """The answer's bytes changed."""
    return lambda asked: [replace(sending, data=change(sending.data)) for sending in honest(asked)]


def truncated(keep: int) -> Fault:
    """Cut short: so many bytes of it, or all but so many."""
    return changed(lambda data: data[:keep])


def noise(seed: int, before: int = 0, after: int = 0, instead: int = 0) -> Fault:
    """Random bytes before, after, or instead of the answer."""
    chance = random.Random(seed)
    return changed(
        lambda data: (
            chance.randbytes(before) + (chance.randbytes(instead) if instead else data) + chance.randbytes(after)
        )
    )


def zeros(before: int = 0, instead: int = 0) -> Fault:
    """What a break looks like to a receiver."""
    return changed(lambda data: bytes(before) + (bytes(instead) if instead else data))


def twice(after: float = 0.0, change: Change | None = None) -> Fault:
    """A second copy, perhaps another one, at once or a while after the first is out."""
    def fault(asked: Asked) -> list[Sending]:
        second = (change or bytes)(asked.reply)
        if after == 0:
            return [Sending(asked.reply + second)] if asked.reply else []
        return [*honest(asked), Sending(second, after=after, busy=False)] if asked.reply else []

    return fault


def now_and_then(fault: Fault, every: int = 3) -> Fault:
    """Only each so-many-th time."""
    return lambda asked: (fault if asked.number % every == 0 else honest)(asked)


def where(asks: Callable[[Asked], bool], fault: Fault) -> Fault:
    """Only for some requests."""
    return lambda asked: (fault if asks(asked) else honest)(asked)


def longer_than(count: int) -> Callable[[Asked], bool]:
    """Requests for more registers than so many."""
    return lambda asked: asked.count > count


def along(address: int) -> Callable[[Asked], bool]:
    """Requests that read a register, or read it along."""
    return lambda asked: asked.address <= address < asked.address + asked.count


def refused(asked: Asked) -> bool:
    """Requests whose truthful answer is an exception, on either kind of line."""
    return bool(asked.reply) and bool(asked.reply[1 if asked.transaction is None else 7] & 0x80)


def in_turn(*faults: Fault) -> Fault:
    """One after the other, each time another; counted by itself, so that none is left out."""
    turns = iter(range(1 << 60))
    return lambda asked: faults[next(turns) % len(faults)](asked)


def late_by_chance(seed: int, timeout: float, share: float = 0.2, low: float = 0.5, high: float = 5.0) -> Fault:
    """A share of the answers late, by between ``low`` and ``high`` time-outs."""
    chance = random.Random(seed)
    return lambda asked: (late(chance.uniform(low, high) * timeout) if chance.random() < share else honest)(asked)


def by_its_own_clock(fault: Fault) -> Fault:
    """What is late keeps nothing else waiting: each answer goes when it is ready, whatever was asked before it."""
    return lambda asked: [replace(sending, busy=False) for sending in fault(asked)]


# Modbus RTU


def resealed(change: Change) -> Fault:
    """The answer changed, with a CRC that is right again."""
    def remade(data: bytes) -> bytes:
        body = change(data[:-2])
        return body + rtu_bus.crc(body)

    return changed(remade)


def wrong_crc(asked: Asked) -> list[Sending]:
    """One bit of the CRC flipped."""
    return changed(lambda data: data[:-1] + bytes([data[-1] ^ 0x10]))(asked)


def as_unit(number: int) -> Fault:
    """The answer under another unit's number."""
    return resealed(lambda body: bytes([number]) + body[1:])


def as_function(function: int) -> Fault:
    """The answer as if another function had been asked."""
    return resealed(lambda body: body[:1] + bytes([function]) + body[2:])


def byte_count(count: int) -> Fault:
    """A byte count that is not that of the data."""
    return resealed(lambda body: body[:2] + bytes([count]) + body[3:] if body[1] < 0x80 else body)


def exception(code: int) -> Fault:
    """A refusal."""
    return resealed(lambda body: body[:1] + bytes([body[1] | 0x80, code]))


def zeros_from(place: int) -> Fault:
    """Registers from this place on in the answer as zeros, as if there were nothing in them."""
    return resealed(lambda body: body[: 3 + 2 * place] + bytes(max(0, len(body) - 3 - 2 * place)))


def one_register(asked: Asked) -> list[Sending]:
    """The answer as if one register had been asked for, with a CRC that is right for that."""
    return resealed(lambda body: body if body[1] & 0x80 else body[:2] + b"\x02" + body[3:5])(asked)


def first(other: Fault, pause: float = 0.0) -> Fault:
    """What another fault says, and then the right answer."""
    return lambda asked: [*other(asked), *(replace(sending, after=pause) for sending in honest(asked))]


def another_value(reply: bytes) -> bytes:
    """The answer with other values in it, and a right CRC: what a second device at the same address says."""
    body = reply[:3] + bytes(byte ^ 0x55 for byte in reply[3:-2])
    return body + rtu_bus.crc(body)


def master_after(pause: float, unit: int, address: int, count: int, reply: Callable[[Asked], bytes]) -> Fault:
    """After the answer another master asks some unit for something, and is answered: both are heard on the bus."""
    request = rtu_bus.read_request(unit, 3, address, count)

    def fault(asked: Asked) -> list[Sending]:
        return [
            *honest(asked), Sending(request, after=pause, busy=False),
            Sending(reply(asked), after=pause + 0.012, busy=False),
        ]

    return fault


def answer_of(unit: ModbusUnit, address: int, count: int) -> Callable[[Asked], bytes]:
    """What a unit would answer to a read of its holding registers, whatever was asked."""
    def answer(asked: Asked) -> bytes:
        request = replace(asked, function=3, address=address, count=count)
        return frame_of(unit.number, unit.data(request))

    return answer


def garbled(data: bytes) -> bytes:
    """Bytes as a receiver at twice the sender's baud rate makes them: two of each, every bit seen double."""
    found = bytearray()
    for byte in data:
        bits = [0, *(byte >> place & 1 for place in range(8)), 1]
        seen = [bit for bit in bits for _ in range(2)]
        for start in (0, 10):
            found.append(sum(bit << place for place, bit in enumerate(seen[start + 1 : start + 9])))
    return bytes(found)


# Modbus TCP: seven bytes of header before unit and function


def as_transaction(change: Callable[[int], int]) -> Fault:
    """The answer under another transaction's number."""
    return changed(lambda data: (change(int.from_bytes(data[:2], "big")) & 0xFFFF).to_bytes(2, "big") + data[2:])


def as_protocol(number: int) -> Fault:
    """The answer as if it were of another protocol than Modbus."""
    return changed(lambda data: data[:2] + number.to_bytes(2, "big") + data[4:])


def claimed_length(length: int) -> Fault:
    """A length in the header that is not that of the frame."""
    return changed(lambda data: data[:4] + length.to_bytes(2, "big") + data[6:])


def padded(count: int) -> Fault:
    """Bytes after the answer that its header counts as its own."""
    return changed(lambda data: data[:4] + (len(data) - 6 + count).to_bytes(2, "big") + data[6:] + bytes(count))


def zeros_from_tcp(place: int) -> Fault:
    """As ``zeros_from``."""
    return changed(lambda data: data[: 9 + 2 * place] + bytes(max(0, len(data) - 9 - 2 * place)))
