"""The driven pumps on lines of their own, by themselves: the published frames, and what only one of them does."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from peers.alaris import frame as alaris
from peers.clockwork import Clockwork
from peers.driven import AlarisGH, BaxterAS50, Graseby3400, Key, Lie, NewEra1000
from peers.driven.alaris_gh import code_of
from peers.driven.asking import Asker
from peers.driven.baxter_as50 import frame as baxter
from peers.driven.graseby_3400 import frame as graseby
from peers.driven.new_era import four_digits, packet
from peers.links import PtyLink
from peers.waiting import wait_until

pytestmark = [pytest.mark.peers, pytest.mark.timeout(60)]


def _rig(kind: Callable, baud: int, clockwork: Clockwork, folder: Path, **options) -> Iterator[tuple]:
    pump = kind(clockwork, PtyLink(folder / kind.__name__), **options)
    asker = Asker(pump.link, baud)
    yield pump, asker
    asker.close()
    pump.stop()


@pytest.fixture
def gh(clockwork: Clockwork, tmp_path: Path) -> Iterator[tuple[AlarisGH, Asker]]:
    yield from _rig(AlarisGH, 38400, clockwork, tmp_path)


@pytest.fixture
def gr(clockwork: Clockwork, tmp_path: Path) -> Iterator[tuple[Graseby3400, Asker]]:
    yield from _rig(Graseby3400, 9600, clockwork, tmp_path, syringe=50.0)


@pytest.fixture
def ne(clockwork: Clockwork, tmp_path: Path) -> Iterator[tuple[NewEra1000, Asker]]:
    yield from _rig(NewEra1000, 19200, clockwork, tmp_path)


@pytest.fixture
def as50(clockwork: Clockwork, tmp_path: Path) -> Iterator[tuple[BaxterAS50, Asker]]:
    yield from _rig(BaxterAS50, 9600, clockwork, tmp_path)


# Alaris


ENABLE = alaris(f"REMOTE_CTRL^ENABLED^{code_of('8003-00107')}")


def test_alaris_frames_equal_the_published_ones(gh):
    pump, asker = gh
    assert asker.ask(b"!COMMS_PROTOCOL|E8DA\r") == b"!COMMS_PROTOCOL^Asena Rev 2.1.5|661A\r"
    assert asker.ask(alaris("SYRINGE_STATUS")) == b"!SYRINGE_STATUS^BD PLASTIPAK^ 50^CONF|1CF8\r"
    assert asker.ask(alaris("INF_RATE_MAX_SYRINGE")) == b"!INF_RATE_MAX_SYRINGE^1200.00^ml/h|8575\r"
    assert asker.ask(alaris("COMMS_RESPONSE_MAX")) == b"!COMMS_RESPONSE_MAX^4000^ms|DFDF\r"
    assert asker.ask(alaris("ALARM")) == b"!ALARM^AL_NOALM^ ^ |C73B\r"
    assert asker.ask(ENABLE) == b"!REMOTE_CTRL^ENABLED^****^PERMIT^0^ms|7BB0\r"
    assert asker.ask(b"!REMQUERY^DEACT|F295\r") == b"!REMQUERY^DEACT^^^|B968\r"
    assert asker.ask(b"!INF_RATE^0.1^ml/h|B775\r") == b"!INF_RATE^0.10^ml/h|D407\r"
    limit = b"!INF_VTBI^ACTIV^11.000^ml^STOP|4433\r"
    assert asker.ask(limit) == limit == asker.ask(b"!INF_VTBI|8456\r")
    for same in (b"!INF_BOLUS^ENABLED|E288\r", b"!INF_START|38F3\r", b"!INF_STOP|CD57\r", b"!INF_VTBI^DEACT|D8C5\r"):
        assert asker.ask(same) == same
    assert asker.ask(alaris("INF_VI_CLEAR")) == b"!INF_VI_CLEAR|A706\r"
    assert asker.ask(b"!REMOTE_CTRL^DISABLED|EF95\r") == b"!REMOTE_CTRL^DISABLED|EF95\r"
    assert asker.ask(b"!INF|4961\r") == alaris("INF^8003-00107^-^SET^0.10^ml/h^^0.000^ml^17.91^mmHg^24+^EVENT^27")
    names = ["INF_RATE", "INF_VTBI", "INF_BOLUS", "INF_START", "INF_STOP", "INF_VTBI", "INF_VI_CLEAR"]
    assert [one.name for one in pump.effects if not one.session] == names
    assert pump.effect_writes() == 7 and pump.effect_writes("REMOTE_CTRL") == 2


def test_alaris_obeys_only_under_control(gh):
    pump, asker = gh
    rate = alaris("INF_RATE^5.00^ml/h")
    assert asker.silent(rate) and asker.silent(b"!REMOTE_CTRL^ENABLED^3CC1|B1F1\r"), "the code of another pump"
    assert asker.silent(rate)
    pump.control_timeout = 1.5
    assert asker.ask(ENABLE) and asker.ask(rate) == rate and pump.controlled
    time.sleep(1.6)
    assert not pump.controlled and asker.silent(alaris("INF_START"))
    assert asker.ask(ENABLE) and asker.ask(alaris("INF_START"))
    time.sleep(1.6)
    assert asker.silent(alaris("INF_STOP")) and pump.infusing, "what runs goes on, and cannot be stopped"
    pump.lapse_stops = True
    assert asker.ask(ENABLE)
    wait_until(lambda: not pump.infusing, 8, "it stops as its control lapses", 0.02)
    assert [one.obeyed for one in pump.effects if one.name == "INF_RATE"] == [False, False, True]


def test_alaris_refuses_in_silence_what_it_cannot_do(gh):
    pump, asker = gh
    assert asker.ask(ENABLE)
    for text in (
        "INF_RATE^0.09^ml/h", "INF_RATE^1200.01^ml/h", "INF_RATE^5.00^ml", "INF_RATE^NaN^ml/h", "INF_RATE^-1^ml/h",
        "INF_VTBI^ACTIV^0^ml^STOP", "INF_VTBI^ACTIV^5^ml^KVO", "INF_START",
    ):
        assert asker.silent(alaris(text)), text
    assert pump.effect_writes() == 8 and pump.effect_writes(obeyed=True) == 0
    assert asker.silent(b"!REMQUERY^DEACT^^^|E5C9\r") and asker.silent(b"!INF|4960\r") and len(pump.strays) == 2
    assert asker.ask(b"!INF_RATE^99.9\x1b!INST_SERIALNO|457D\r") == alaris("INST_SERIALNO^8003-00107")
    assert pump.effect_writes() == 8, "what is aborted was never said"


def test_alaris_gives_until_the_limit_and_tells_nothing_of_its_end(gh):
    pump, asker = gh
    pump.flow.haste = 3600.0
    assert asker.ask(ENABLE) and asker.ask(alaris("INF_RATE^2.00^ml/h"))
    assert asker.ask(alaris("INF_VTBI^ACTIV^0.500^ml^STOP")) and asker.ask(alaris("INF_START"))
    wait_until(lambda: not pump.infusing, 5, "the end", 0.02)
    assert pump.delivered == pytest.approx(0.5)
    assert asker.ask(alaris("INF_VTBI")) == alaris("INF_VTBI^ACTIV^0.000^ml^STOP")
    assert b"^-^SET^2.00^ml/h^^0.500^ml^" in asker.ask(alaris("INF"))
    assert asker.silent(alaris("INF_START")), "nothing is left to give"


def test_alaris_ends_by_itself_between_the_write_and_the_question(gh):
    pump, asker = gh
    assert asker.ask(ENABLE) and asker.ask(alaris("INF_RATE^2.00^ml/h"))
    assert asker.ask(alaris("INF_VTBI^ACTIV^5.000^ml^STOP"))
    pump.lie(Lie.ENDS, names=["INF_START"])
    assert asker.ask(alaris("INF_START")) == alaris("INF_START")
    assert not pump.infusing and pump.delivered == pytest.approx(5.0) and pump.effects[-1].obeyed
    assert asker.ask(alaris("INF_VTBI^ACTIV^5.000^ml^STOP"))
    pump.lie(Lie.SILENT, names=["INF_START"], then=lambda: pump.end(short=2.0))
    assert asker.silent(alaris("INF_START"))
    assert asker.ask(alaris("INF_VTBI")) == alaris("INF_VTBI^ACTIV^0.000^ml^STOP")
    assert pump.delivered == pytest.approx(8.0), "complete, as it says, and yet not all was given"


def test_alaris_keys_and_restart(gh):
    pump, asker = gh
    assert asker.ask(ENABLE)
    pump.press(Key.RATE, Decimal("7.5"))
    pump.press(Key.START, after=1.0)
    assert not pump.infusing
    wait_until(lambda: pump.infusing, 8, "the key", 0.02)
    assert asker.ask(alaris("INF_RATE")) == alaris("INF_RATE^7.50^ml/h") and pump.controlled
    pump.keys_end_control = True
    pump.press(Key.STOP)
    assert not pump.controlled and not pump.infusing and pump.effect_writes() == 0
    assert asker.ask(ENABLE)
    pump.boot = 3.0
    pump.restart()
    assert not pump.controlled and asker.silent(alaris("INF"))


# Graseby


def test_graseby_frames_equal_the_published_ones(gr):
    pump, asker = gr
    assert asker.ask(b"<CHCK>93\r") == b"<OKCHCKSTBY>6F\r"
    assert asker.ask(b"<CHGR125>36\r") == graseby("OKCHGRSTBY")
    assert asker.ask(b"<CHKR125>3A\r") == graseby("OKCHKRSTBY")
    assert asker.ask(b"<STRT>C7\r") == b"<OKSTRTINFS>91\r"
    assert asker.ask(b"<GETR>AC\r") == graseby("OKGETRINFS125")
    assert asker.ask(b"<TOTL>BD\r") == graseby("OKTOTLINFS0") and asker.ask(b"<ZTOT>CB\r") == graseby("OKZTOTINFS")
    assert asker.ask(b"<STOP>C0\r") == graseby("OKSTOPSTBY")
    pump.raise_alarm()
    assert asker.ask(b"<CHCK>93\r") == b"<OKCHCKALRM>59\r"
    assert [one.name for one in pump.effects] == ["CHGR", "STRT", "ZTOT", "STOP"]
    assert pump.effect_writes(obeyed=True) == 4
    assert asker.silent(b"<CHCK>94\r") and asker.silent(b"<CHGR>00\r") and len(pump.strays) == 2


def test_graseby_start_at_the_keys_ends_the_interface(gr):
    pump, asker = gr
    assert asker.ask(graseby("CHGR125"))
    pump.press(Key.START)
    assert asker.ask(graseby("CHGR200")) == b"<CECHGRINFS>56\r"
    assert asker.ask(graseby("STOP")) == graseby("CESTOPINFS") and pump.infusing
    assert asker.ask(graseby("GETR")) == graseby("CEGETRINFS"), "questions too, and without the value"
    assert pump.flow.rate == Decimal("12.5") and pump.effect_writes(obeyed=False) == 2
    pump.press(Key.STOP)
    assert asker.ask(graseby("STRT")) == graseby("CESTRTSTBY")
    pump.restart()
    wait_until(lambda: asker.ask(graseby("CHCK"), 0.1) == graseby("OKCHCKSTBY"), 5, "the restart")
    assert asker.ask(graseby("STRT")) == graseby("OKSTRTINFS"), "the rate was kept"


def test_graseby_refuses_and_ends_when_the_syringe_is_empty(gr):
    pump, asker = gr
    assert asker.ask(graseby("STRT")) == graseby("CESTRTSTBY"), "without a rate"
    assert asker.ask(graseby("CHGR0")) == graseby("CECHGRSTBY")
    assert asker.ask(graseby("CHGR12001")) == graseby("CECHGRSTBY")
    assert asker.ask(graseby("CHKR200")) == graseby("OKCHKRSTBY"), "which proves nothing"
    pump.chkr_compares = True
    assert asker.ask(graseby("CHKR200")) == graseby("CECHKRSTBY")
    pump.flow.haste, pump.flow.left = 3600.0, 1.0
    assert asker.ask(graseby("CHGR50")) and asker.ask(graseby("STRT"))
    wait_until(lambda: not pump.infusing, 5, "the end", 0.02)
    assert asker.ask(graseby("TOTL")) == graseby("OKTOTLALRM10") and pump.delivered == pytest.approx(1.0)


# New Era


def test_new_era_safe_frames_equal_the_published_ones(ne):
    pump, asker = ne
    assert asker.ask(packet("SAF60")) == bytes.fromhex("02 07 30 30 53 aa a6 03")
    assert asker.ask(bytes.fromhex("02 08 30 56 45 52 48 09 03")) == packet("00SNE1000V3.928")
    assert asker.ask(bytes.fromhex("02 0e 30 52 41 54 31 30 2e 30 4d 48 79 a6 03")) == packet("00S")
    assert asker.ask(bytes.fromhex("02 08 30 52 55 4e 44 07 03")) == packet("00I") == bytes.fromhex("0207303049 19dd03")
    assert asker.ask(bytes.fromhex("02 08 30 53 54 50 b3 f9 03")) == packet("00P"), "the first stop pauses"
    assert asker.ask(packet("0STP")) == packet("00S"), "the second ends the program"
    assert asker.ask(packet("0STP")) == bytes.fromhex("02 0a 30 30 53 3f 4e 41 52 37 03")
    pump.jump(1.23)
    given = bytes.fromhex("02 15 30 30 53 49 31 2e 32 33 30 57 30 2e 30 30 30 4d 4c 3b 05 03")
    assert asker.ask(packet("0DIS")) == given
    pump.restart()
    wait_until(lambda: asker.ask(packet("0"), 0.1) == bytes.fromhex("02 09 30 30 41 3f 52 65 86 03"), 5, "alarm R")
    assert asker.ask(packet("0")) == packet("00S"), "it is told once"
    assert asker.ask(bytes.fromhex("02 08 53 41 46 4f 55 43 03")) == packet("00S?COM"), "a letter for a digit"
    assert asker.ask(bytes.fromhex("02 08 53 41 46 30 55 43 03")) == b"\x0200S\x03", "basic from here on"
    assert [one.name for one in pump.effects if not one.session] == ["RAT", "RUN", "STP", "STP", "STP"]
    assert pump.effect_writes("STP", obeyed=True) == 2 and pump.effect_writes("SAF") == 2


def test_new_era_basic_mode(ne):
    pump, asker = ne
    assert asker.ask(b"rat 5 mh\r") == b"\x0200S\x03" and asker.ask(b"0RAT\r") == b"\x0200S5.000MH\x03"
    assert asker.ask(b"VOL0.5\r") == b"\x0200S\x03" and asker.ask(b"VOL\r") == b"\x0200S0.500ML\x03"
    for bad, error in (
        ("RAT12345MH", "?OOR"), ("RAT1.2345MH", "?OOR"), ("RAT0MH", "?OOR"), ("RAT2MX", "?"), ("ABC", "?"),
        ("PUR", "?"), ("RATNAN", "?"),
    ):
        assert asker.ask(bad.encode() + b"\r") == b"\x0200S" + error.encode() + b"\x03", bad
    assert asker.silent(b"7RUN\r"), "for another pump"
    assert asker.ask(b"RUN\r") == b"\x0200I\x03" and asker.ask(b"VOL1\r") == b"\x0200I?NA\x03"
    assert asker.ask(b"RAT6MH\r") == b"\x0200I?NA\x03"
    pump.rate_while_running = True
    assert asker.ask(b"RAT6MH\r") == b"\x0200I\x03" and pump.flow.rate == 6
    assert asker.ask(b"RAT100UM\r") == b"\x0200I\x03" and pump.flow.rate == 6
    assert pump.effects[-1].argument == 6 and asker.ask(b"RAT\r") == b"\x0200I100.0UM\x03"
    assert [four_digits(Decimal(text)) for text in ("0", "1.2399", "99.99", "1234.5")] == [
        "0.000", "1.239", "99.99", "1234.",
    ]


def test_new_era_watchdog_stops_it_when_nothing_is_heard(ne):
    pump, asker = ne
    pump.flow.haste = 3600.0
    assert asker.ask(packet("SAF2")) and asker.ask(packet("0RAT1MH")) and asker.ask(packet("0RUN"))
    begun = pump.effects[-1].at
    for _ in range(3):
        time.sleep(0.8)
        assert asker.ask(packet("0")) == packet("00I"), "any packet keeps it quiet"
    last = pump.heard[-1].at
    time.sleep(0.5)
    assert asker.ask(packet("7") + b"\x02\x07000\0\0\x03") == packet("00I?COM"), "for another, and damaged"
    wait_until(lambda: not pump.infusing, 8, "the watchdog", 0.02)
    assert pump.delivered == pytest.approx(last - begun + 2, abs=0.01), "which neither of them put off"
    assert asker.ask(packet("0RUN")) == packet("00A?T"), "told in place of the answer, and not obeyed"
    assert not pump.effects[-1].obeyed and asker.ask(packet("0RUN")) == packet("00I")


def test_new_era_program_is_paused_resumed_and_begun_anew(ne):
    pump, asker = ne
    pump.flow.haste = 3600.0
    assert asker.ask(b"RAT1MH\r") and asker.ask(b"VOL3\r") and asker.ask(b"RUN\r")
    time.sleep(0.4)
    assert asker.ask(b"STP\r") == b"\x0200P\x03"
    paused = pump.delivered
    assert 0.3 < paused < 3 and asker.ask(b"RUN\r") == b"\x0200I\x03"
    wait_until(lambda: not pump.infusing, 5, "the end", 0.02)
    assert pump.delivered == pytest.approx(3.0) and asker.ask(b"\r") == b"\x0200S\x03"
    assert asker.ask(b"RUN\r") == b"\x0200I\x03" and asker.ask(b"STP\r") and asker.ask(b"STP\r") == b"\x0200S\x03"
    pump.press(Key.START)
    assert pump.infusing and pump.flow.left == pytest.approx(3.0, abs=0.5), "from nothing once more"
    pump.press(Key.STOP)
    assert asker.ask(b"\r") == b"\x0200P\x03"
    assert asker.ask(b"CLDINF\r") == b"\x0200P\x03" and pump.delivered == 0


def test_new_era_tells_an_alarm_unasked_if_it_is_to(ne):
    pump, asker = ne
    pump.tells_alarms = True
    assert asker.ask(packet("SAF1"))
    assert asker.hear() == packet("00A?T"), "unasked"
    assert asker.ask(packet("0")) == packet("00A?T"), "and again, because nobody had asked"
    assert asker.ask(packet("0")) == packet("00S")
    asker.tell(packet("0VER")[:5])
    time.sleep(0.6)
    assert asker.ask(packet("0DIR")) == packet("00SINF"), "half a packet is given up"


# Baxter


def test_baxter_frames_equal_the_published_ones(as50):
    pump, asker = as50
    assert asker.ask(bytes.fromhex("5b4445563f5d8b1c")) == baxter("DEV=AS50")
    assert asker.ask(b"[STATUS?]\xc3\x4b") == baxter("STATUS=STOP")
    assert asker.ask(baxter("PRIRATE=5.0")) == b"[ACK]\xff\x76"
    assert asker.ask(b"[PRIRATE?]\x34\x44") == b"[PRIRATE=5.0]\x53\xf5"
    assert asker.ask(b"[BOLRAT?]\x12\x78") == baxter("BOLRAT=100")
    assert asker.ask(b"[BOLSIZ?]\x26\xeb") == baxter("BOLSIZ=0")
    assert asker.ask(b"[LBOLUS?]\x37\xb7") == baxter("LBOLUS=0.00")
    assert asker.ask(b"[EXIT]\xbb\xee") == baxter("ACK") and not pump.state.remote
    assert asker.ask(baxter("STOP")) == baxter("REJECT") == asker.ask(baxter("STRT=1")), "there is no such thing"
    assert asker.ask(b"[STATUS?]\xc3\x4c") == b"[RESEND]\xdb\x6b"
    assert pump.effect_writes() == 1 and pump.effect_writes("EXIT") == 1


def test_baxter_crc_may_be_a_bracket(as50):
    pump, asker = as50
    told = [f"PRIRATE={tenth / 10}" for tenth in range(1, 5000)]
    odd = [text for text in told if set(baxter(text)[-2:]) & {0x5B, 0x5D}][:12]
    for text in odd:
        assert asker.ask(baxter(text)) == baxter("ACK"), text
    assert pump.effect_writes("PRIRATE", obeyed=True) == len(odd) == 12 and not pump.strays


def test_baxter_bolus_ends_by_itself_and_cannot_be_stopped(as50):
    pump, asker = as50
    assert asker.ask(baxter("BOLST")) == baxter("REJECT"), "without a size"
    pump.flow.haste = 36.0
    assert asker.ask(baxter("PRIRATE=10")) and asker.ask(baxter("BOLSIZ=3"))
    pump.press(Key.START)
    assert asker.ask(baxter("BOLST")) == baxter("ACK") and pump.infusing
    assert asker.ask(baxter("STATUS?")) == baxter("STATUS=BOLUS")
    assert asker.ask(baxter("PRIRATE=20")) == asker.ask(baxter("BOLST")) == baxter("REJECT")
    wait_until(lambda: asker.ask(baxter("STATUS?")) == baxter("STATUS=RUN"), 10, "the end of the bolus")
    assert asker.ask(baxter("LBOLUS?")) == baxter("LBOLUS=3.00") and 3.0 <= pump.delivered < 4
    pump.lie(Lie.ENDS, names=["BOLST"])
    before = pump.delivered
    assert asker.ask(baxter("BOLST")) == baxter("ACK")
    assert not pump.state.bolus.running and pump.delivered > before + 2.99
    pump.press(Key.STOP)
    assert not pump.infusing and pump.effect_writes("BOLST") == 4 and pump.effect_writes("BOLST", obeyed=True) == 2


def test_baxter_asked_to_resend_does_nothing_twice(as50):
    pump, asker = as50
    pump.lie(Lie.SILENT, names=["BOLSIZ"])
    assert asker.silent(baxter("BOLSIZ=2.5")) and asker.ask(baxter("RESEND")) == baxter("ACK")
    assert pump.effect_writes("BOLSIZ") == 1 and pump.state.size == Decimal("2.5")
    pump.refusal_text = "RESEND"
    pump.lie(Lie.REFUSES_OBEYED)
    assert asker.ask(baxter("PRIVTBI=20")) == baxter("RESEND") and pump.effects[-1].obeyed
    pump.lose_control()
    assert asker.ask(baxter("PRIRATE=9")) == baxter("RESEND") and pump.flow.rate == 0
    pump.give_back()
    assert asker.ask(baxter("PRIRATE=9")) == baxter("ACK")
