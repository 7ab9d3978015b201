"""Results: from devices that call the host, answered once for each message, told once, of now or not."""

from __future__ import annotations

import socket
from datetime import datetime, timedelta

import hl7.client
import pytest

from peers.analyser import ACK, ENQ, EOT, NAK, frames
from peers.host import Host
from peers.waiting import free_port, wait_until

pytestmark = [pytest.mark.host, pytest.mark.timeout(90)]


def stamp(ago: timedelta = timedelta()) -> str:
    return (datetime.now() - ago).strftime("%Y%m%d%H%M%S")


def samples(host: Host, metric: str) -> list[dict]:
    return [line for line in host.export() if line.get("metric") == metric]


class Caller:
    """An analyser on TCP that goes by LIS2-A2: each frame is said once, and exactly one answer is due to it."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), 5)
        self.socket.settimeout(3)

    def say(self, data: bytes) -> bytes:
        """Say something; all that is answered within a while after the first answer."""
        self.socket.sendall(data)
        heard = self.socket.recv(64)
        self.socket.settimeout(0.25)
        try:
            heard += self.socket.recv(64)
        except TimeoutError:
            pass
        self.socket.settimeout(3)
        return heard

    def send(self, records: list[str]) -> list[bytes]:
        """A whole message; what each frame was answered."""
        assert self.say(ENQ) == ACK
        answers = [self.say(frame) for frame in frames(records)]
        self.socket.sendall(EOT)
        return answers

    def close(self) -> None:
        self.socket.close()


def message(*results: str) -> list[str]:
    return ["H|\\^&|||Analyser|||||||P|1", "P|1", "O|1||S-1|^^^CBC", *results, "L|1|N"]


def result(number: int, test: str, value: str, unit: str, flag: str = "N", at: str = "") -> str:
    return f"R|{number}|^^^^{test}^1|{value}|{unit}||{flag}||F||||{at}"


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def listening_host(host: Host, port: int) -> Host:
    host.configure({"lab": {"profile": "astm/lis2-a2", "listen": f"tcp://127.0.0.1:{port}"}}).start()

    def is_there() -> bool:
        try:
            socket.create_connection(("127.0.0.1", port), 0.5).close()
            return True
        except OSError:
            return False

    wait_until(is_there, 15, "the host to listen")
    return host


def test_row_65_an_analyser_that_calls_is_answered_once_for_each_frame(listening_host, port, table):
    caller = Caller(port)
    answers = caller.send(
        message(result(1, "WBC", "5.5", "10*3/uL", at=stamp()), result(2, "HGB", "12.1", "g/dL", at=stamp()))
    )
    assert answers == [ACK] * len(answers), "each good frame is acknowledged once, and its line end is no damage"
    spoilt = bytearray(frames(["R|1|^^^^PLT^1|99|10*3/uL||N||F||||"])[0])
    spoilt[10] ^= 1
    assert caller.say(ENQ) == ACK
    assert caller.say(bytes(spoilt)) == NAK
    caller.close()
    wait_until(lambda: len(samples(listening_host, "MDC_CONC_HB_GEN")) == 1, 10, "the results")
    assert [(s["value"], s["validity"]) for s in samples(listening_host, "NABD_LEUKOCYTES")] == [(5.5, "valid")]
    assert samples(listening_host, "NABD_PLATELETS") == []
    table.row(
        65, "the standard's own bytes after a frame", "CR LF after each frame, by an analyser that calls over TCP",
        "one answer a frame", f"{len(answers)} frames, {len(answers)} acknowledgements, one refusal of a spoilt frame",
    )


def test_row_64_results_are_told_once_and_only_those_of_now_are_valid(listening_host, port, table):
    now, later, yesterday = stamp(), stamp(timedelta(minutes=-1)), stamp(timedelta(days=1))
    first = message(result(1, "PLT", "99", "10*3/uL", at=now))
    for records in [
        first, first, message(result(1, "PLT", "99", "10*3/uL", at=later)),
        message(result(1, "PLT", "99", "10*3/uL", at=yesterday)),
        message(result(1, "PLT", "98", "10*3/uL", flag="W", at=later)),
    ]:
        caller = Caller(port)
        assert set(caller.send(records)) == {ACK}
        caller.close()
    wait_until(lambda: len(samples(listening_host, "NABD_PLATELETS")) == 4, 10, "the results")
    told = [(s["value"], s["validity"], s.get("reason")) for s in samples(listening_host, "NABD_PLATELETS")]
    assert told == [
        (99, "valid", None), (99, "valid", None), (99, "questionable", "storedResult"),
        (98, "questionable", "deviceStatus"),
    ]
    table.row(
        64, "a result repeated, equal twice, stored, doubted", "five messages of an analyser",
        "told once; two are two; doubt is a validity",
        "2 valid, 1 of yesterday and 1 doubted questionable, the repeated one not told",
    )


def test_a_frame_longer_than_4096_bytes_is_read(listening_host, port):
    caller = Caller(port)
    records = (
        [result(n, f"X{n}", "1.0", "g/dL", at=stamp()) for n in range(120)]
        + [result(200, "HGB", "11.9", "g/dL", at=stamp())]
    )
    whole = frames(records, one_frame=True, longest=60_000)
    assert len(whole) == 1 and len(whole[0]) > 4341
    assert caller.say(ENQ) == ACK and caller.say(whole[0]) == ACK
    caller.close()
    wait_until(
        lambda: len(samples(listening_host, "MDC_CONC_HB_GEN")) == 1, 10, "the result at the end of the long frame"
    )


def test_nobody_but_the_device_may_call(host, port):
    host.configure({
        "lab": {"profile": "astm/lis2-a2", "listen": f"tcp://127.0.0.1:{port}", "from": "192.0.2.7"}
    }).start()
    def turned_away() -> bool:
        try:
            with socket.create_connection(("127.0.0.1", port), 0.5) as call:
                call.settimeout(2)
                call.sendall(ENQ)
                return call.recv(8) == b""
        except (ConnectionResetError, BrokenPipeError):
            return True
        except OSError:
            return False

    wait_until(turned_away, 15, "the stranger to be turned away")


# HL7 v2 over MLLP, sent by a library that others wrote.

OBX = "OBX|{n}|NM|{test}||{value}|{unit}||{flag}|||F|||{at}"


def oru(control: str, *results: str) -> str:
    return (
        "\r".join([
            f"MSH|^~\\&|Analyser|Lab|||{stamp()}||ORU^R01|{control}|P|2.4", "PID||1", f"OBR||||OBS|||{stamp()}",
            *results,
        ])
        + "\r"
    )


def test_an_hl7_message_is_acknowledged_once_with_its_own_number(host, port):
    host.configure({"lab": {"profile": "hl7/oru-mllp", "listen": f"tcp://127.0.0.1:{port}"}}).start()
    answers: list[bytes] = []

    def send() -> bool:
        try:
            with hl7.client.MLLPClient("127.0.0.1", port) as client:
                client.socket.settimeout(5)
                for number in ("A-17", "A-18"):
                    value = "5.5" if number == "A-17" else "6.5"
                    answers.append(
                        client.send_message(
                            oru(number, OBX.format(n=1, test="WBC", value=value, unit="10*3/uL", flag="", at=stamp()))
                        )
                    )
                client.socket.settimeout(0.5)
                try:
                    answers.append(client.socket.recv(100))
                except TimeoutError:
                    pass
            return True
        except OSError:
            return False

    wait_until(send, 20, "the host to take the call")
    assert len(answers) == 2, "one answer a message"
    for number, answer in zip(("A-17", "A-18"), answers):
        parsed = hl7.parse(answer.decode().strip("\x0b\x1c\r"))
        assert str(parsed.segment("MSA")[1]) == "AA" and str(parsed.segment("MSA")[2]) == number
        assert str(parsed.segment("MSH")[9]).startswith("ACK")
    wait_until(
        lambda: [s["value"] for s in samples(host, "NABD_LEUKOCYTES") if s["validity"] == "valid"] == [5.5, 6.5], 10,
        "both results",
    )
