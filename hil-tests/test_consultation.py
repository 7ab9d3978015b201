"""A far clinician looks: who comes in, what is seen, when it ends, and who is told; over real TLS."""

from __future__ import annotations

import os
import signal
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from peers import journal
from peers.far import FarClient, FarStream, ThinLink, digest
from peers.host import Host
from peers.nonin import NoninOximeter, Vitals
from peers.people import ENGINEER, ask, let_in
from peers.pki import Authority, Identity, Pki
from peers.waiting import free_port, listening, wait_until
from test_presets import SITE

pytestmark = [pytest.mark.host, pytest.mark.timeout(240)]

SATURATION = "MDC_PULS_OXIM_SAT_O2"
# Within this a stream must be cut when its consultation is over. Unit: s.
CUT = 1.0
# What a thin link carries: 64 kbit/s. Unit: bytes a second.
THIN = 8_000
CANARY = Vitals(saturation=83, pulse=141)


@dataclass
class FarUnit:
    """A unit with two beds and a port for far clinicians."""

    host: Host
    port: int
    authority: Authority
    haddad: Identity
    nasser: Identity
    stranger: Identity

    def client(self, identity: Identity | None, **more) -> FarClient:
        return FarClient(self.port, self.authority.certificate, identity, **more)

    def open(self, *words: str, clinician: str = "dr-haddad", by: str = "layla") -> int:
        told = ask(self.host, "consultation", "open", clinician, *words, by=by)
        assert told.code == 0, told.error
        return next(one["consultation"] for one in told.json["consultations"] if one["clinician"] == clinician)

    def close(self, number: int, by: str = "omar") -> None:
        told = ask(self.host, "consultation", "close", number, by=by)
        assert told.code == 0, told.error

    def told(self, *kinds: str) -> list[dict]:
        names = kinds or ("consultationOpened", "consultationClosed", "consultationJoined", "consultationLeft")
        return [line for line in journal.events(self.host.export()) if line["event"] in names]


@pytest.fixture(scope="module")
def clinicians(tmp_path_factory: pytest.TempPathFactory) -> tuple[Authority, dict[str, Identity]]:
    """An authority for far clinicians, with the unit's certificate and those of three people."""
    authority = Authority(tmp_path_factory.mktemp("far"), "far-ca")
    unit = authority.issue("unit-far", "serverAuth", "IP:127.0.0.1,DNS:localhost")
    people = {name: authority.issue(name, "clientAuth") for name in ("haddad", "nasser", "stranger")}
    return authority, {"unit": unit} | people


@pytest.fixture
def unit(hosts: Callable[[Path], Host], tmp_path: Path, clinicians) -> Iterator[FarUnit]:
    authority, people = clinicians
    oximeters = [NoninOximeter(vitals=Vitals(saturation=97, pulse=70)), NoninOximeter(vitals=CANARY)]
    for oximeter in oximeters:
        oximeter.start()
    host = hosts(tmp_path / "unit").configure({
        f"oximeter-{place}": {"profile": "nonin/oem-iii-df2", "line": oximeter.line}
        for place, oximeter in enumerate(oximeters, 1)})
    presets = host.directory / "presets"
    presets.mkdir()
    (presets / "site.yaml").write_text(SITE)
    port = free_port()
    let_in(
        host, presets="presets", patients="patients",
        beds={f"chair-{place}": {
            "name": f"Chair {place}", "name-arabic": f"كرسي {place}", "preset": "site",
            "devices": [f"oximeter-{place}"]} for place in (1, 2)},
        console={"port": free_port(), "far": {
            "address": "127.0.0.1", "port": port, "authority": str(authority.certificate),
            "certificate": str(people["unit"].certificate), "key": str(people["unit"].key),
            "clinicians": {
                "dr-haddad": {"name": "Dr. Haddad", "certificate": digest(people["haddad"].certificate)},
                "dr-nasser": {"name": "Dr. Nasser", "certificate": digest(people["nasser"].certificate)}}}})
    host.start()
    host.wait_for_sample(SATURATION, timeout=30)
    wait_until(lambda: listening(port), 20, "the port for far clinicians")
    yield FarUnit(host, port, authority, people["haddad"], people["nasser"], people["stranger"])
    host.kill()
    for oximeter in oximeters:
        oximeter.stop()


def cut(stream: FarStream, within: float = CUT) -> float:
    """How long after now a stream is cut."""
    began = time.monotonic()
    assert stream.ended.wait(within + 5), "nobody cut the stream"
    return max(0.0, stream.ended_at - began)


def test_while_it_is_open_a_clinician_looks_and_everybody_is_told(unit: FarUnit):
    haddad = unit.client(unit.haddad)
    assert haddad.request("/").code == "closed", "before anybody opened it"
    number = unit.open("--minutes", "10")
    page = haddad.request("/")
    assert page.status in (200, 503) and page.code in ("", "files"), "the screen's files may not be there yet"
    stream = haddad.stream("/live?waves=all")
    picture = stream.wait("picture").data
    assert {bed["bed"] for bed in picture["beds"]} == {"chair-1", "chair-2"} and picture["far"] == {
        "consultation": number}
    stream.wait("beat", count=3)
    # The bedside screen says so, with who and until when.
    (one,) = picture["consultations"]
    assert one["clinician"] == "Dr. Haddad" and one["by"] == ["layla"] and one["viewers"] == 1
    assert abs(one["until"] / 1000 - time.time() - 600) < 30
    unit.close(number)
    assert cut(stream) <= CUT
    assert haddad.request("/").code == "closed"
    opened, joined, closed = unit.told()
    assert opened["by"] == ["layla"] and opened["name"] == "Dr. Haddad"
    assert opened["certificate"] == digest(unit.haddad.certificate)
    assert joined["event"] == "consultationJoined" and joined["from"] == "127.0.0.1"
    assert closed["by"] == ["omar"] and closed["consultation"] == opened["sequence"] == number


def test_nobody_else_comes_in(unit: FarUnit, pki: Pki):
    unit.open("--minutes", "10")
    assert unit.client(unit.haddad).request("/history?streams=x").status == 400, "the right one is let in"
    # Of the authority, and not named; named, and nothing open.
    for identity in (unit.stranger, unit.nasser):
        for target in ("/", "/live", "/history", "/streams", "/log", "/technical"):
            time.sleep(0.5)  # the door lets no more of them begin
            refused = unit.client(identity).request(target)
            assert (refused.status, refused.code) == (403, "closed"), target
    # No certificate, another authority's, an older TLS: not a byte of HTTP.
    for client in (unit.client(None), unit.client(pki.foreign_client),
                   unit.client(unit.haddad, version=ssl.TLSVersion.TLSv1_2)):
        with pytest.raises((ssl.SSLError, ConnectionError)):
            answer = client.request("/")
            raise AssertionError(f"answered with {answer.status}")
    assert [line["event"] for line in unit.told()] == ["consultationOpened", "consultationJoined"]


def test_an_expired_certificate_does_not_come_in(unit: FarUnit, clinicians):
    authority, _ = clinicians
    expired = authority.issue("expired", "clientAuth", days=-1)
    unit_file = yaml.safe_load(unit.host.config.read_text())
    unit_file["console"]["far"]["clinicians"]["dr-old"] = {
        "name": "Dr. Old", "certificate": digest(expired.certificate)}
    unit.host.config.write_text(yaml.safe_dump(unit_file))
    os.kill(unit.host.pid, signal.SIGHUP)
    wait_until(lambda: ask(unit.host, "consultation", "open", "dr-old").code == 0, 15, "the reload", every=0.5)
    with pytest.raises((ssl.SSLError, ConnectionError)):
        unit.client(expired).request("/")


def test_nothing_is_done_from_afar(unit: FarUnit):
    unit.open("--minutes", "10")
    haddad = unit.client(unit.haddad)
    body = b'{"ask":"beds","by":{"id":"layla","secret":"x"},"desk":1}'
    for method in ("POST", "PUT", "DELETE", "HEAD", "OPTIONS"):
        refused = haddad.request(
            "/ask", method, body, Content_Type="application/json", X_Nabd_Ask="1", X_Nabd_Once="a" * 32)
        assert refused.status == 405, method
    assert haddad.request("/ask").status == 405
    for target in ("/technical", "/log?from=0&to=1"):
        assert haddad.request(target).code == "far", target
    assert haddad.request("/live", Origin="https://elsewhere.example").code == "site"


def test_one_bed_is_one_bed(unit: FarUnit):
    unit.open("--bed", "chair-1", "--minutes", "10")
    haddad = unit.client(unit.haddad)
    stream = haddad.stream("/live?waves=all", gzip=False)
    picture = stream.wait("picture").data
    stream.wait("beat", count=10)
    assert [bed["bed"] for bed in picture["beds"]] == ["chair-1"]
    assert {device["device"] for device in picture["devices"]} == {"oximeter-1"}
    told = repr([event.data for event in stream.events])
    assert "'97'" in told, "what is at the bed is seen"
    for stranger in ("chair-2", "oximeter-2", "'83'", "'141'"):
        assert stranger not in told, stranger
    mine = {stream["n"] for stream in picture["streams"]}
    others = [number for number in range(1, max(mine) + 20) if number not in mine]
    until = int(time.time() * 1000)
    # As many as the door lets knock at once.
    for number in others[:6]:
        refused = haddad.request(f"/history?streams={number}&from=0&to={until}&columns=10")
        assert refused.status == 403, number
    stream.close()
    # The same from the inside of the fence: all beds are seen where all were opened.
    ask(unit.host, "consultation", "open", "dr-nasser", "--minutes", "5")
    everything = unit.client(unit.nasser).stream("/live?waves=none")
    assert len(everything.wait("picture").data["beds"]) == 2
    everything.close()


def test_it_ends_by_itself_while_somebody_looks(unit: FarUnit):
    began = time.monotonic()
    unit.open("--minutes", "1")
    haddad = unit.client(unit.haddad)
    stream = haddad.stream("/live?waves=all")
    stream.wait("picture")
    assert not stream.ended.wait(began + 58 - time.monotonic()), "it was cut before its time"
    assert stream.ended.wait(began + 61 + CUT - time.monotonic()), "it goes on after its time"
    assert haddad.request("/").code == "closed"
    closed = wait_until(lambda: unit.told("consultationClosed"), 10, "the end in the journal")
    assert closed[0]["reason"] == "expired" and "by" not in closed[0]


def test_a_restart_ends_it(unit: FarUnit):
    unit.open("--minutes", "30")
    haddad = unit.client(unit.haddad)
    haddad.stream("/live?waves=none").wait("picture")
    unit.host.kill()
    unit.host.start()
    wait_until(lambda: listening(unit.port), 30, "the port")
    unit.host.wait_for_sample(SATURATION, timeout=30)
    assert haddad.request("/").code == "closed"
    unit.open("--minutes", "30")
    assert haddad.request("/history?streams=x").status == 400, "opened anew, it is open"


def test_what_cannot_be_recorded_is_not_seen(unit: FarUnit):
    """The record of who looked comes first: with the people's door gone, nobody looks."""
    unit.open("--minutes", "10")
    (unit.host.directory / "people").unlink()
    refused = unit.client(unit.haddad).request("/live")
    assert (refused.status, refused.code) == (503, "unrecorded")
    assert not unit.told("consultationJoined")


def test_the_clinicians_certificate_is_taken_away(unit: FarUnit):
    unit.open("--minutes", "30")
    stream = unit.client(unit.haddad).stream("/live?waves=none")
    stream.wait("picture")
    unit_file = yaml.safe_load(unit.host.config.read_text())
    del unit_file["console"]["far"]["clinicians"]["dr-haddad"]
    unit.host.config.write_text(yaml.safe_dump(unit_file))
    os.kill(unit.host.pid, signal.SIGHUP)
    assert cut(stream, 10) < 10
    wait_until(lambda: unit.told("consultationClosed"), 10, "the end in the journal")
    assert unit.told("consultationClosed")[0]["reason"] == "removed"


def test_who_may_open_and_close(unit: FarUnit):
    told = ask(unit.host, "consultation", "open", "dr-haddad", by=ENGINEER)
    assert told.code == 1 and told.json["code"] == "role"
    number = unit.open("--minutes", "10")
    assert ask(unit.host, "consultation", "open", "dr-haddad").json["code"] == "alreadyOpen"
    assert ask(unit.host, "consultation", "open", "dr-nobody").json["code"] == "unknownClinician"
    assert ask(unit.host, "consultation", "open", "dr-nasser", "--bed", "chair-9").json["code"] == "unknownBed"
    listed = ask(unit.host, "consultation", "list", by=ENGINEER).json
    assert [one["consultation"] for one in listed["consultations"]] == [number] and listed["isListening"]
    assert [one["clinician"] for one in listed["clinicians"]] == ["dr-haddad", "dr-nasser"]
    unit.close(number, by=ENGINEER)
    assert ask(unit.host, "consultation", "close", number).json["code"] == "unknownConsultation"


def test_who_knocks_without_end_is_kept_out_and_costs_nobody(unit: FarUnit):
    unit.open("--minutes", "10")
    shut = 0
    for _ in range(60):
        with socket.create_connection(("127.0.0.1", unit.port), 5) as knock:
            knock.settimeout(0.3)
            try:
                knock.sendall(b"\x16\x03\x01")
                shut += knock.recv(1) == b""
            except TimeoutError:
                pass
            except ConnectionError:
                shut += 1
    assert shut > 20
    # Who knocked is of the same address here, and comes in again a moment later.
    wait_until(lambda: _comes_in(unit), 20, "the door to open again", every=1)


def _comes_in(unit: FarUnit) -> bool:
    try:
        return unit.client(unit.haddad).request("/history?streams=x").status == 400
    except OSError:
        return False


@pytest.mark.parametrize("gzip", [True, False], ids=["packed", "plain"])
def test_at_64_kbit_numbers_are_of_now_and_curves_come(unit: FarUnit, gzip: bool, record_property):
    unit.open("--minutes", "10")
    link = ThinLink(unit.port, THIN)
    client = FarClient(link.port, unit.authority.certificate, unit.haddad)
    began = time.monotonic()
    stream = client.stream("/live?waves=chair-1", gzip=gzip)
    first = stream.wait("picture", timeout=20).at - began
    time.sleep(30)
    stream.close()
    link.close()
    ages = sorted(beat.at - began for beat in stream.of("beat"))
    gaps = [after - before for before, after in zip(ages, ages[1:])]
    now = {event.data["utc"]: event.at for event in stream.of("beat")}
    wall = time.time() - time.monotonic()
    late = sorted(at + wall - utc / 1000 for utc, at in now.items())
    p95 = late[int(len(late) * 0.95)]
    record_property("first picture (s)", round(first, 2))
    record_property("numbers behind, p95 (s)", round(p95, 2))
    record_property("longest without a beat (s)", round(max(gaps), 2))
    record_property("bytes a second", round(link.carried / 30))
    print(f"first {first:.2f} s, behind p95 {p95:.2f} s, longest gap {max(gaps):.2f} s, {link.carried / 30:.0f} B/s")
    assert first < 5 and p95 < 2 and max(gaps) < 2
    assert len(stream.of("waves")) > 10


def test_at_hardly_any_link_numbers_go_first(unit: FarUnit):
    """8 kbit/s: curves are thinned, and left out, before a number is late."""
    rate = 1_000
    unit.open("--bed", "chair-1", "--minutes", "10")
    link = ThinLink(unit.port, rate)
    stream = FarClient(link.port, unit.authority.certificate, unit.haddad, timeout=60).stream("/live?waves=chair-1")
    stream.wait("picture", timeout=60)
    time.sleep(45)
    stream.close()
    link.close()
    wall = time.time() - time.monotonic()
    late = sorted(event.at + wall - event.data["utc"] / 1000 for event in stream.of("beat")[-10:])
    print(f"{rate} B/s: {len(stream.of('beat'))} beats, {len(stream.of('waves'))} waves, behind {late}")
    assert len(stream.of("beat")) >= 8 and late[len(late) // 2] < 3


def test_without_a_word_in_the_configuration_nothing_listens(hosts, tmp_path: Path):
    oximeter = NoninOximeter(vitals=Vitals(saturation=97, pulse=70))
    oximeter.start()
    host = hosts(tmp_path / "unit").configure({"oximeter": {"profile": "nonin/oem-iii-df2", "line": oximeter.line}})
    let_in(host)
    host.start()
    host.wait_for_sample(SATURATION, timeout=30)
    refused = ask(host, "consultation", "open", "dr-haddad")
    assert refused.json["code"] == "farOff"
    assert ask(host, "consultation", "list").json["isListening"] is False
    oximeter.stop()
