"""Streams as devices were seen to send them, damaged or odd, and what of them is true."""

from __future__ import annotations

from . import alaris, nonin, wire

SAT = "MDC_PULS_OXIM_SAT_O2"
INF, WRONG_INF = (alaris.frame(alaris.Infusion(rate=rate).status()) for rate in ("12.50", "99.90"))
WRONG_INF = WRONG_INF[:-2] + (b"0" if WRONG_INF[-2:-1] != b"0" else b"1") + b"\r"
INF_VALUES = {
    "MDC_FLOW_FLUID_PUMP_CURRENT": [12.5], "MDC_VOL_FLUID_DELIV_TOTAL": [3.4], "NABD_PUMP_PRESSURE": [45],
    "MDC_PUMP_MODE": ["SET"], "NABD_PUMP_ALARM_TEXT": ["-"], "NABD_PUMP_TIME_LEFT": ["24+"],
}
RATE = {"MDC_PUMP_INFUSING_STATUS": ["infusing"], "MDC_FLOW_FLUID_PUMP": [12.5]}
MENU = (
    b"\r\nNPB-595   Interactive Mode\r\n\r\n    1) Dump Instrument Info\r\n    0) Exit Interactive Mode\r\n\r\n"
    b"    Command?"
)
READING = b"12-NOV-98 14:00:05    %d     %d     50\r\n"


def bracketed(place: int) -> tuple[bytes, float]:
    """A rate reply in whose CRC one byte looks like the closing bracket."""
    rates = (count / 100 for count in range(1, 20000))
    return next((reply, rate) for rate in rates if (reply := wire.as50(f"PRIRATE={rate:.2f}"))[-2:][place] == ord("]"))


def among_curves(answer: bytes) -> bytes:
    """The answer with a byte of the fast stream, bit 7 set, before each of its own;
    some are the answer's with bit 7 set.
    """
    return b"".join(bytes([0x80 | (byte ^ place) & 0x7F, byte]) for place, byte in enumerate(answer))


# Profile, stream, and all the valid values in it, in order.
CASES = {
    "alaris-wrong-crc": ("alaris/asena-gh", b"!REMQUERY^DEACT^^^|E5C9\r" + WRONG_INF + INF, INF_VALUES),
    "alaris-no-carriage-return": ("alaris/asena-gh", b"!ALARM^AL_NOALM^ ^ |C73B" + INF, INF_VALUES),
    "alaris-values-without-carriage-return": (
        "alaris/asena-gh", alaris.frame(alaris.Infusion(rate="99.90").status())[:-1] + INF, INF_VALUES,
    ),
    "new-era-letter-for-a-digit": (
        "new-era/ne-1000", wire.new_era("SAF0").replace(b"SAF0", b"SAFO") + wire.new_era("00I12.50MH"), RATE,
    ),
    "as50-bracket-first": (
        "baxter/as50", bracketed(0)[0] + wire.as50("TVI=3.21"),
        {"MDC_FLOW_FLUID_PUMP": [bracketed(0)[1]], "MDC_VOL_FLUID_DELIV_TOTAL": [3.21]},
    ),
    "as50-bracket-last": (
        "baxter/as50", bracketed(1)[0] + wire.as50("TVI=3.21"),
        {"MDC_FLOW_FLUID_PUMP": [bracketed(1)[1]], "MDC_VOL_FLUID_DELIV_TOTAL": [3.21]},
    ),
    "nellcor-menu": (
        "nellcor/n-595", b"\r\n" + READING % (98, 71) + MENU + READING % (91, 191) + READING % (96, 74),
        {SAT: [98, 96], "MDC_PULS_OXIM_PULS_RATE": [71, 74], "NABD_PULSE_AMPLITUDE": [50, 50]},
    ),
    "medibus-curves-inside": (
        "draeger/evita-4", among_curves(wire.medibus("$EB97  ")) + wire.medibus("$EB96  "), {SAT: [97, 96]},
    ),
    "medibus-wrong-sum-among-curves": (
        "draeger/evita-4", among_curves(wire.medibus("$EB97  ").replace(b"97", b"98")) + wire.medibus("$EB96  "),
        {SAT: [96]},
    ),
}

# Whole messages that say one value as saturation, or as rate.
MESSAGES = {
    "nonin/oem-iii-df2": lambda value: b"".join(nonin.encode_packet(nonin.Vitals(value, value), [value] * 25)),
    "contec/cms50d-plus": lambda value: wire.cms50d(value, 255 - value, value),
    "masimo/radical-7": lambda value: wire.masimo(value, value),
    "oridion/capnostream-20": lambda value: wire.capnostream_numbers(value, value),
    "draeger/evita-4": lambda value: wire.medibus(f"$EB{value:<4d}E1{value + 1:<4d}"),
    "graseby/3400": lambda value: wire.graseby(f"OKGETRINFS{value * 10}"),
}
