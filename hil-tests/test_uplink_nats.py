"""A stream of NATS JetStream as destination: real servers, answers that are lost, kills, streams that are full, missing
or another's. Nothing is lost, nothing is there twice for whoever reads as readers are told to.
"""

from __future__ import annotations

import os
import shutil
import socket
import ssl
import threading
import time

import pytest

from peers import delivery, journal
from peers.counting_relay import CountingRelay
from peers.durable import dice
from peers.host import json_lines, nabd
from peers.nats import BINARIES, STREAM, SUBJECT, TO_PUBLISH, AnswersLost, NATSServer, Reader
from peers.nonin import UNPLUGGED
from peers.waiting import wait_until

pytestmark = [pytest.mark.host, pytest.mark.timeout(240)]

WINDOW = 2
# A handshake with both certificates, and the answers to some bundles. Unit: bytes.
SOME = 4_000
OLDER = (b'INFO {"server_id":"older","version":"2.9.10","proto":1,"headers":true,"tls_required":true,'
         b'"max_payload":1048576}\r\n')


@pytest.fixture(params=sorted(BINARIES))
def server(request, tmp_path, pki):
    """Each real server; its stream is the test's to make."""
    made = NATSServer(tmp_path / "nats", pki, request.param).start()
    yield made
    made.kill()


@pytest.fixture
def newest(tmp_path, pki):
    """The newer server alone, where the version is no matter."""
    made = NATSServer(tmp_path / "nats", pki, "pypi").start()
    yield made
    made.kill()


def begin(bench, host, server, pki, port: int | None = None, **uplink):
    nats = {"stream": STREAM, "subject": SUBJECT}
    host.configure(
        bench.devices(), f"nats://127.0.0.1:{port or server.port}", pki.authority.certificate, pki.client,
        f"{WINDOW}s", uplink={"nats": nats, **uplink}
    ).start()
    return host


def status(host) -> dict:
    found = json_lines(nabd("uplink", "status", "--config", host.config).stdout)
    return found[0] if found else {}


def wait_for_problem(host, words: str) -> None:
    wait_until(lambda: words in status(host).get("problem", ""), 40, f"“{words}” as what is wrong", every=0.5)


def alerts(host, event: str, name: str = "NABD_UPLINK_FAILING") -> list[dict]:
    return [one for one in journal.events(host.export()) if one["event"] == event and one.get("alert") == name]


def is_whole(bench, host, server, tail: float = WINDOW + 3) -> tuple[int, Reader]:
    """In the end the stream has what the journal has, for a reader once. Gives how many numbers, and the reader."""
    time.sleep(WINDOW + 15)
    delivery.wait_until_through(host, 2 * WINDOW)
    host.stop()
    reader = Reader().read(server.messages())
    numbers = delivery.assert_each_once(host.export(), reader.of_type("Observation"), undelivered_tail=tail)
    assert bench.pump.effects == []
    return numbers, reader


def assert_no_id_twice(server) -> None:
    ids = [one.id for one in server.messages()]
    assert all(ids), "a message without an id"
    assert len(ids) == len(set(ids)), "an id twice within the stream's window"


def test_delivery_is_whole(bench, host, server, pki):
    server.make_stream()
    begin(bench, host, server, pki)
    host.wait_for_sample("MDC_PULS_OXIM_SAT_O2")
    numbers, reader = is_whole(bench, host, server)
    assert_no_id_twice(server)
    messages = server.messages()
    assert reader.repeated == 0 and numbers > 1000
    # What an observation refers to is before it in the stream.
    names: dict[str, int] = {}
    for one in messages:
        kind, name = one.body["resourceType"], one.body["id"]
        assert one.subject == f"{SUBJECT}.{kind}.{name.replace('-', '.', 1)}"
        if kind == "Observation" and "valueSampledData" in one.body:
            assert one.body["device"]["reference"] in names
        names.setdefault(f"{kind}/{name}", one.sequence)
    told = status(host)
    assert told["destination"] == f"{server.url}/{STREAM}/{SUBJECT}" and told["stored"] == len(messages)
    # It is noted every quarter of a minute.
    assert told["reach"]["stream"] == STREAM and 0 < told["reach"]["sequence"] <= messages[-1].sequence
    print(f"{server.binary}: {numbers} numbers in {len(messages)} messages")


def test_lost_acknowledgements_double_nothing_within_the_window(bench, host, server, pki):
    chance, seed = dice()
    server.make_stream()
    lost = AnswersLost(server.port)
    lost.after = SOME
    begin(bench, host, server, pki, port=lost.port)
    host.wait_for_sample("MDC_PULS_OXIM_SAT_O2")
    for _ in range(12):
        before = lost.lost
        lost.after = SOME + chance.randrange(2_000)
        lost.loses = 1
        wait_until(lambda count=before: lost.lost > count, 60, "an answer that is lost")
    numbers, _ = is_whole(bench, host, server)
    assert_no_id_twice(server)
    again = host.log().count("nothing is delivered now")
    assert again > 0, "nobody noticed a lost answer: nothing was tried"
    print(f"seed {seed}: {lost.lost} answers lost, {numbers} numbers each once")
    lost.stop()


def test_a_reader_takes_nothing_twice_beyond_the_window(bench, host, newest, pki):
    newest.make_stream(duplicate_window=0.1)
    lost = AnswersLost(newest.port)
    lost.after = SOME
    begin(bench, host, newest, pki, port=lost.port)
    host.wait_for_sample("MDC_PULS_OXIM_SAT_O2")
    for _ in range(8):
        before = lost.lost
        lost.loses = 1
        wait_until(lambda count=before: lost.lost > count, 60, "an answer that is lost")
    numbers, reader = is_whole(bench, host, newest)
    assert reader.repeated > 0, "nothing came twice: nothing was tried"
    print(f"{lost.lost} answers lost, {reader.repeated} messages twice in the stream, {numbers} numbers each once")
    lost.stop()


def test_kills_of_the_host_lose_and_double_nothing(bench, host, server, pki):
    chance, seed = dice()
    server.make_stream()
    begin(bench, host, server, pki)
    for _ in range(8):
        time.sleep(chance.uniform(0.5, 5))
        host.kill()
        host.start()
    numbers, _ = is_whole(bench, host, server, tail=30 * WINDOW)
    assert_no_id_twice(server)
    print(f"seed {seed}: 8 kills, {numbers} numbers each once")


def test_a_server_that_is_down_is_waited_for(bench, host, server, pki):
    server.make_stream()
    begin(bench, host, server, pki, **{"alarm-after": "5s"})
    host.wait_for_sample("MDC_PULS_OXIM_SAT_O2")
    wait_until(lambda: status(host).get("stored", 0) > 0, 30, "something stored", every=0.5)
    server.kill()
    wait_for_problem(host, "no connection to a NATS server")
    wait_until(lambda: alerts(host, "alertStart"), 40, "the alarm", every=0.5)
    server.start()
    wait_until(lambda: alerts(host, "alertEnd"), 60, "the alarm's end", every=0.5)
    is_whole(bench, host, server)
    assert_no_id_twice(server)
    assert status(host)["parked"] == 0


def test_an_alarm_goes_before_what_is_left(bench, host, newest, pki):
    bench.oximeter.varying = False
    newest.make_stream()
    begin(bench, host, newest, pki)
    host.wait_for_sample("MDC_PULS_OXIM_SAT_O2")
    wait_until(lambda: status(host).get("stored", 0) > 0, 30, "something stored", every=0.5)
    newest.kill()
    time.sleep(30)
    bench.oximeter.vitals = UNPLUGGED
    wait_until(
        lambda: [one for one in journal.events(host.export())
                 if one["event"] == "alertStart" and one.get("device") == "spo2-1"], 60, "an alarm", every=0.5)
    newest.start()
    is_whole(bench, host, newest)
    messages = newest.messages()
    begun = journal.events(host.export())
    down = next(journal.seconds(one["time"]) for one in reversed(begun)
                if one["event"] == "alertStart" and one.get("device") == "spo2-1")
    alarm = min(one.sequence for one in messages
                if one.subject.startswith(f"{SUBJECT}.Observation.evt.")
                and journal.seconds(one.body["effectivePeriod"]["start"] if "effectivePeriod" in one.body
                                    else one.body["effectiveDateTime"]) >= down - 1)
    left = [one.sequence for one in messages
            if "valueSampledData" in one.body and "effectivePeriod" in one.body
            and down - 25 < journal.seconds(one.body["effectivePeriod"]["start"]) < down - 5]
    # Its connection is made while the first of what is left goes on another.
    assert left and sum(one > alarm for one in left) >= 0.75 * len(left), (alarm, left)


# MARK: What is in the way

@pytest.mark.parametrize("fault", ["full", "none", "another"])
def test_a_stream_that_does_not_take_it_is_the_moment(bench, host, server, pki, fault):
    """Nothing is parked, an alarm begins, and with the cure all goes on."""
    words = {"full": "is full", "none": "no stream listens", "another": "another stream"}[fault]
    if fault == "full":
        server.make_stream(max_msgs=20, discard="new")
    elif fault == "another":
        server.make_stream("OTHERS")
    begin(bench, host, server, pki, **{"alarm-after": "5s"})
    wait_for_problem(host, words)
    wait_until(lambda: alerts(host, "alertStart"), 60, "the alarm", every=0.5)
    assert status(host)["parked"] == 0
    if fault == "full":
        server.change_stream(max_msgs=-1, discard="new")
    else:
        if fault == "another":
            server._do(lambda stream: stream.delete_stream("OTHERS"))
        server.make_stream()
    wait_until(lambda: alerts(host, "alertEnd"), 90, "the alarm's end", every=0.5)
    is_whole(bench, host, server)
    assert status(host)["parked"] == 0
    assert_no_id_twice(server)


def test_who_may_not_publish_is_told_so(bench, host, server, pki):
    server.make_stream()
    server.kill()
    server.may = ["elsewhere.>"]
    server.start()
    begin(bench, host, server, pki, **{"alarm-after": "5s"})
    wait_for_problem(host, "does not let this unit publish")
    wait_until(lambda: alerts(host, "alertStart"), 60, "the alarm", every=0.5)
    assert status(host)["parked"] == 0 and server.last_sequence() == 0
    server.kill()
    # Without the right to ask: what was acknowledged counts as it is.
    server.may = TO_PUBLISH
    server.start()
    wait_until(lambda: alerts(host, "alertEnd"), 90, "the alarm's end", every=0.5)
    host.kill()
    shutil.rmtree(host.directory / "journal.delivery")
    host.start()
    is_whole(bench, host, server)
    assert_no_id_twice(server)


def test_what_is_too_large_goes_in_pieces(bench, host, server, pki):
    server.make_stream(max_msg_size=2_500)
    begin(bench, host, server, pki)
    host.wait_for_sample("MDC_PULS_OXIM_SAT_O2")
    _, reader = is_whole(bench, host, server)
    assert max(len(str(one)) for one in reader.of_type("Observation")) < 4_000
    assert status(host)["parked"] == 0


# MARK: Who is trusted

def test_a_server_of_another_authority_is_told_nothing(bench, host, tmp_path, pki, monkeypatch):
    """Not even where the machine trusts that authority."""
    server = NATSServer(tmp_path / "nats", pki, "pypi", identity=pki.foreign_server).start()
    monkeypatch.setitem(os.environ, "SSL_CERT_FILE", str(pki.foreign_authority.certificate))
    monkeypatch.setitem(os.environ, "SSL_CERT_DIR", str(pki.foreign_authority.directory))
    server.make_stream()
    begin(bench, host, server, pki)
    wait_for_problem(host, "not signed by the authority")
    assert status(host)["stored"] == 0 and server.last_sequence() == 0
    server.kill()


@pytest.mark.parametrize("who", ["of another authority", "nobody there"])
def test_a_unit_that_the_server_does_not_know_is_told_so(bench, host, newest, pki, who):
    newest.make_stream()
    mine = pki.foreign_client if who == "of another authority" else pki.authority.issue("stranger", "clientAuth")
    nats = {"stream": STREAM, "subject": SUBJECT}
    host.configure(
        bench.devices(), newest.url, pki.authority.certificate, mine, f"{WINDOW}s", uplink={"nats": nats}).start()
    words = "does it take this unit's certificate" if who == "of another authority" else "does not let this unit in"
    wait_for_problem(host, words)
    assert status(host)["stored"] == 0 and newest.last_sequence() == 0


def test_an_older_tls_is_no_way(bench, host, pki):
    """A server that greets as NATS does and has nothing newer than TLS 1.2."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(pki.server.certificate, pki.server.key)
    listener = socket.create_server(("127.0.0.1", 0))
    ends: list[str] = []

    def serve() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            try:
                client.sendall(OLDER)
                ends.append(context.wrap_socket(client, server_side=True).version() or "")
            except OSError:
                ends.append("refused")
            client.close()

    threading.Thread(target=serve, daemon=True).start()
    nats = {"stream": STREAM, "subject": SUBJECT}
    host.configure(
        bench.devices(), f"nats://127.0.0.1:{listener.getsockname()[1]}", pki.authority.certificate, pki.client,
        f"{WINDOW}s", uplink={"nats": nats}).start()
    wait_until(lambda: len(ends) >= 3, 60, "three handshakes")
    wait_for_problem(host, "does not speak TLS 1.3")
    assert set(ends) == {"refused"}
    listener.close()


# MARK: What was acknowledged

def test_a_stream_that_was_lost_gets_all_again(bench, host, newest, pki):
    newest.make_stream()
    begin(bench, host, newest, pki, **{"reconcile-every": "10s"})
    host.wait_for_sample("MDC_PULS_OXIM_SAT_O2")
    time.sleep(15)
    newest.delete_stream()
    newest.make_stream()
    wait_until(
        lambda: alerts(host, "alertStart", "NABD_UPLINK_CONTRADICTED"), 90, "the contradiction", every=0.5)
    is_whole(bench, host, newest)


def test_what_a_stream_lets_go_by_its_rules_is_no_contradiction(bench, host, newest, pki):
    newest.make_stream(max_msgs=10)
    begin(bench, host, newest, pki, **{"reconcile-every": "10s"})
    host.wait_for_sample("MDC_PULS_OXIM_SAT_O2")
    time.sleep(45)
    assert alerts(host, "alertStart", "NABD_UPLINK_CONTRADICTED") == []
    assert newest.last_sequence() > 50


def test_what_another_has_written_over_is_put_there_again(bench, host, newest, pki):
    """The book is lost and all goes again, within the stream's window: a repetition counts where it is the last of its
    name, and only there.
    """
    newest.make_stream()
    begin(bench, host, newest, pki)
    host.wait_for_sample("MDC_PULS_OXIM_SAT_O2")
    time.sleep(8)
    host.kill()
    unit = next(one for one in newest.messages() if one.subject.startswith(f"{SUBJECT}.Device.gw."))
    newest.publish(unit.subject, {"resourceType": "Device", "id": unit.body["id"], "status": "inactive"})
    before = newest.last_sequence()
    shutil.rmtree(host.directory / "journal.delivery")
    host.start()
    is_whole(bench, host, newest)
    messages = newest.messages()
    again = [one for one in messages if one.subject == unit.subject]
    assert again[-1].body == unit.body and again[-1].id == f"{unit.id}@{before}"
    # Nothing else was published a second time.
    assert len([one for one in messages if one.sequence <= before]) == before
    ids = [one.id for one in messages if one.id]
    assert len(ids) == len(set(ids))


def test_bytes_are_counted_as_they_go(bench, host, newest, pki):
    newest.make_stream()
    relay = CountingRelay(newest.port)
    begin(bench, host, newest, pki, port=relay.port, **{"each-month": "1 GB"})
    host.wait_for_sample("MDC_PULS_OXIM_SAT_O2")
    time.sleep(20)
    host.stop()
    counted, went = status(host)["monthBytes"], relay.sent + relay.received
    print(f"{counted} counted, {went} went")
    assert went <= counted <= 1.25 * went + 20_000
    relay.stop()
