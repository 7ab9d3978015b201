"""Messages of several devices, each with its checksum, written from the published algorithms and from nothing else."""

from __future__ import annotations


def xmodem(data: bytes) -> bytes:
    """CRC-16/XMODEM: polynomial 0x1021, initial value 0, not reflected; high byte first."""
    crc = 0
    for byte in data:
        for bit in range(7, -1, -1):
            top = (crc >> 15) ^ (byte >> bit & 1)
            crc = (crc << 1) & 0xFFFF
            if top:
                crc ^= 0x1021
    return crc.to_bytes(2, "big")


def graseby(text: str) -> bytes:
    """``<TEXT>``, the low byte of its sum in two hexadecimal digits, carriage return."""
    data = f"<{text}>".encode()
    return data + b"%02X\r" % (sum(data) & 0xFF)


def new_era(text: str) -> bytes:
    """STX, the number of bytes after itself, the text, its CRC-16/XMODEM, ETX."""
    data = text.encode()
    return bytes([0x02, len(data) + 4]) + data + xmodem(data) + b"\x03"


def new_era_texts(data: bytes) -> list[str]:
    """The texts of whole packets; anything else is an error."""
    texts = []
    while data:
        assert data[0] == 2 and len(data) > data[1], f"no packet: {data.hex(' ')}"
        text = data[2 : data[1] - 2].decode()
        assert data[: data[1] + 1] == new_era(text), f"damaged: {data.hex(' ')}"
        texts.append(text)
        data = data[data[1] + 1 :]
    return texts


def as50(text: str) -> bytes:
    """``[TEXT]`` and the two raw bytes of its CRC-16/XMODEM, brackets included."""
    data = f"[{text}]".encode()
    return data + xmodem(data)


def medibus(text: str, start: bytes = b"\x01") -> bytes:
    """SOH (an answer) or ESC (a command), the text, the sum of all that in two hexadecimal digits, carriage return."""
    data = start + text.encode()
    return data + b"%02X\r" % (sum(data) & 0xFF)


def cms50d(saturation: int, pulse: int, pleth: int) -> bytes:
    """Nine bytes: 01, the bits 7 of the next seven (itself with bit 7 set),
    status, pleth, bar, pulse, SpO2, and two more.
    """
    data = [0, pleth, 0, pulse, saturation, 0, 0]
    high = sum((byte >> 7) << place for place, byte in enumerate(data))
    return bytes([0x01, 0x80 | high] + [0x80 | byte for byte in data])


def masimo(saturation: int, pulse: int) -> bytes:
    """A line of the ASCII 1 output, as captured, with other values."""
    return (
        f"12/01/05 11:56:30 SN=0123456789 SPO2={saturation:03d}% BPM={pulse:03d} PI=02.15% SPCO=01.0% SPMET=00.5% "
        "DESAT=01 PIDELTA=-02 PVI=027 ALARM=0000 EXC=000800\r\n"
    ).encode()


def capnostream(code: int, data: bytes = b"") -> bytes:
    """0x85, the length, code and data, the exclusive or of all but the start;
    behind the start 80 and 85 go as pairs.
    """
    body = bytes([len(data) + 1, code]) + data
    check = 0
    for byte in body:
        check ^= byte
    return b"\x85" + b"".join(
        {0x80: b"\x80\x00", 0x85: b"\x80\x05"}.get(byte, bytes([byte])) for byte in body + bytes([check])
    )


def capnostream_numbers(saturation: int, pulse: int, etco2: int = 38) -> bytes:
    """The numerics message with the CO2 unit mmHg."""
    data = bytearray.fromhex("00 00 00 64 26 00 0E 61 48 80 00 00 00 00 00 00 3C 0F 1E 05 08 64 55 8C 32 01 00")
    data[4], data[7], data[8] = etco2, saturation, pulse
    return capnostream(1, bytes(data))


def capnostream_messages(stream: bytes) -> list[bytes]:
    """Code and data of the messages of a stream that starts with one; only the last may be cut short."""
    messages = []
    pieces = stream.split(b"\x85")
    assert pieces[0] == b"", f"the stream starts with {pieces[0].hex(' ')}"
    for number, piece in enumerate(pieces[1:], start=2):
        plain = piece.replace(b"\x80\x05", b"\x85").replace(b"\x80\x00", b"\x80")
        check = 0
        for byte in plain:
            check ^= byte
        if plain and len(plain) == plain[0] + 2 and check == 0:
            messages.append(plain[1:-1])
        else:
            assert number == len(pieces), f"damaged: 85 {piece.hex(' ')}"
    return messages
