"""The server of the screens over a real unit: what is shown is what is recorded, at each commit; whatever becomes of
the journal or the host it comes back by itself; and who may ask it nothing.
"""

from __future__ import annotations

import re
import shutil
import stat
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml

from peers import journal
from peers.host import Host
from peers.nonin import NoninOximeter, Vitals
from peers.people import ask as ask_in_words
from peers.people import let_in, secret
from peers.screens import PAGE, SCRIPT, Local, Screen, ask, fetch, serve_screens, wait_reached
from peers.waiting import wait_until
from test_alarms import told, wait_for
from test_presets import SITE

pytestmark = [pytest.mark.host, pytest.mark.timeout(240)]

SATURATION, PLETH, LOW = "MDC_PULS_OXIM_SAT_O2", "MDC_PULS_OXIM_PLETH", "MDC_EVT_LO_VAL_LT_LIM"
WELL, ILL = Vitals(saturation=97, pulse=70), Vitals(saturation=88, pulse=70)


@pytest.fixture
def bedside(hosts: Callable[[Path], Host], tmp_path: Path) -> Iterator[tuple[Host, NoninOximeter, int]]:
    """A configured host with one bed, an oximeter at it and one at none, people, and screens; nothing runs."""
    oximeter, other = NoninOximeter(vitals=WELL), NoninOximeter(vitals=WELL)
    oximeter.start()
    other.start()
    host = hosts(tmp_path / "unit").configure({
        name: {"profile": "nonin/oem-iii-df2", "line": device.line}
        for name, device in (("oximeter", oximeter), ("spare", other))})
    (host.directory / "presets").mkdir()
    (host.directory / "presets" / "site.yaml").write_text(SITE)
    let_in(host, presets="presets", patients="patients", beds={"chair-1": {
        "name": "Chair 1", "name-arabic": "كرسي 1", "preset": "site", "devices": ["oximeter"]}})
    port = serve_screens(host)
    yield host, oximeter, port
    host.kill()
    oximeter.stop()
    other.stop()


@pytest.fixture
def screens() -> Iterator[Callable[..., Screen]]:
    opened: list[Screen] = []

    def open_one(*arguments, **more) -> Screen:
        opened.append(Screen(*arguments, **more))
        return opened[-1]

    yield open_one
    for screen in opened:
        screen.close()


@pytest.fixture
def unit(bedside) -> tuple[Host, NoninOximeter, int]:
    """The same, running."""
    host, _, port = bedside
    host.start()
    host.wait_for_sample(SATURATION, timeout=30)
    wait_reached(port)
    return bedside


def roles(host: Host, hosts: Callable[[Path], Host], folder: Path) -> Host:
    """The console as a process of its own, of the same unit; not started."""
    console = hosts(folder)
    console.config, console.journal = host.config, host.journal
    return console


# What is shown


def contradictions(shown: list[list], picture: dict, lines: list[dict]) -> list[str]:
    """Values on a screen that the journal does not have: each by its stream and time."""
    streams = {one["n"]: (one["device"], one["vmd"], one["metric"]) for one in picture["streams"]}
    known: dict[tuple, set] = {}
    for line in journal.samples(lines):
        if "values" not in line:
            value = line.get("value")
            known.setdefault((line["device"], line.get("vmd"), line["metric"]), set()).add((
                line["monotonicNanoseconds"] // 1000, None if value is None else float(value), line["validity"]))
    return [f"{streams[number]} {text} at {at}" for number, at, text, validity, _ in shown
            if (round(at * 1000), None if text is None else float(text), validity) not in known[streams[number]]]


def test_the_first_picture_is_whole_and_each_commit_is_a_beat(unit, screens):
    host, _, port = unit
    time.sleep(3)
    screen = screens(port)
    assert screen.answer.status == 200 and screen.answer.getheader("content-type") == "text/event-stream"
    (picture,) = screen.wait("picture")
    assert screen.times("picture")[0] < 0.5
    assert screen.events[0][1] == "picture"
    assert picture["form"] == 1 and picture["mark"] == "test" and picture["recording"] is True
    assert [bed["bed"] for bed in picture["beds"]] == ["chair-1"] and picture["commitEvery"] == 250
    assert "/" in picture["zone"] or picture["zone"] in ("UTC", "GMT")
    waves = screen.wait("waves", 2)
    assert sorted(one["bed"] for one in waves[:2]) == ["", "chair-1"]
    pleth = {one["n"] for one in picture["streams"] if one["metric"] == PLETH}
    assert len(pleth) == 2
    for one in waves[:2]:
        samples = sum(len(run[4]) for run in one["waves"])
        assert {run[0] for run in one["waves"]} < pleth and samples > 150, samples
    screen.wait("beat", 24)
    assert screen.of("failure") == []
    times = screen.times("beat")
    gaps = sorted(after - before for before, after in zip(times, times[1:]))
    # The host commits every 250 ms, events besides; without a commit it is 500 ms.
    assert 0.1 < gaps[len(gaps) // 2] < 0.35 and gaps[-1] < 1.5, gaps
    committed = [one["committed"] for one in screen.of("beat")]
    assert committed == sorted(committed) and committed[-1] - committed[0] > 2_000
    shown = picture["values"] + [value for one in screen.of("beat") for value in one.get("values", [])]
    assert len(shown) > 20
    lines = host.export()
    assert contradictions(shown, picture, lines) == []
    spoilt = [[number, at, "1", "valid", ""] for number, at, *_ in shown]
    assert len(contradictions(spoilt, picture, lines)) == len(spoilt), "it would find nothing"


def test_a_screen_has_the_waves_that_it_asks_for(unit, screens):
    _, _, port = unit
    all_, bed, none = (screens(port, waves) for waves in ("all", "chair-1", "none"))
    for screen in (all_, bed, none):
        screen.wait("beat", 8)
    assert {one["bed"] for one in all_.of("waves")} == {"", "chair-1"}
    assert {one["bed"] for one in bed.of("waves")} == {"chair-1"}
    assert none.of("waves") == []
    # The same bytes for all: what one was told of a moment, the others were told.
    by_time = {one["mono"]: one for one in all_.of("beat")}
    both = [(by_time[one["mono"]], one) for one in bed.of("beat") + none.of("beat") if one["mono"] in by_time]
    assert len(both) >= 10 and all(one == other for one, other in both)
    # Nothing twice and nothing missing.
    for number in {run[0] for one in all_.of("waves") for run in one["waves"]}:
        runs = [run for one in all_.of("waves") for run in one["waves"] if run[0] == number]
        ends = [run[1] + len(run[4]) for run in runs]
        assert [run[1] for run in runs[1:]] == ends[:-1]


def test_the_technical_page_asks_the_host_once_a_second_at_most(unit):
    host, _, port = unit
    told_ = []
    began = time.monotonic()
    while time.monotonic() - began < 3:
        answer = fetch(port, "/technical")
        assert answer.status == 200 and answer.header("cache-control") == "no-store"
        told_.append(answer.json["time"])
    assert len(told_) > 20 and 2 <= len(set(told_)) <= 5, (len(told_), len(set(told_)))
    assert fetch(port, "/technical").json["nabd"] == "status/1"


def test_the_past_is_answered(unit):
    host, _, port = unit
    time.sleep(2)
    now = int(time.time() * 1000)
    window = f"from={now - 60_000}&to={now}"
    streams = fetch(port, f"/streams?{window}")
    assert streams.status == 200, streams.body
    (number,) = [one["n"] for one in streams.json["streams"]
                 if (one["device"], one["metric"]) == ("oximeter", SATURATION)]
    history = fetch(port, f"/history?streams={number}&{window}&columns=60")
    assert history.header("content-type") == "application/x-ndjson"
    assert all(0 <= line["progress"] <= 1 for line in history.lines[:-1])
    (stream,) = history.lines[-1]["streams"]
    assert {float(value) for value in stream["low"] if value is not None} == {97.0}
    table = fetch(port, f"/history?streams={number}&{window}&columns=60&format=csv")
    assert table.header("content-type").startswith("text/csv") and "attachment" in table.header("content-disposition")
    assert table.body.count(b"\n") > 3
    log = fetch(port, f"/log?{window}&limit=50").json["events"]
    assert "hostStarted" in [one["event"] for one in log]
    for wrong in (f"/history?{window}", f"/history?streams={number}&from=2&to=1&columns=9",
                  f"/history?streams={number}&{window}&columns=0", f"/log?{window}&limit=9999999", "/streams"):
        assert fetch(port, wrong).status == 400, wrong


# What comes back by itself


def test_a_host_that_is_killed_is_shown_as_standing_and_back(bedside, hosts, screens, tmp_path):
    host, _, port = bedside
    console = roles(host, hosts, tmp_path / "console").start("console")
    wait_reached(port)
    screen = screens(port)
    # There is no journal yet: it is said again and again, on a stream that stays.
    failures = screen.wait("failure", 2)
    assert failures[0]["code"] == "journal" and "no journal" in failures[0]["failure"], failures[0]
    host.start("acquire")
    first = screen.wait("picture", timeout=30)[-1]
    host.wait_for_sample(SATURATION, timeout=30)
    host.kill()
    time.sleep(1)
    count = len(screen.of("beat"))
    screen.wait("beat", count + 6)
    last = screen.of("beat")[-3:]
    assert len({one["committed"] for one in last}) == 1 and len({one["mono"] for one in last}) == 3
    pictures = len(screen.of("picture"))
    host.start("acquire")
    again = screen.wait("picture", pictures + 1, timeout=30)[-1]
    wait_until(lambda: screen.of("picture")[-1]["session"] != first["session"], 20, "another session")
    count = len(screen.of("beat"))
    screen.wait("beat", count + 4)
    assert not screen.ended and again["recording"] is True
    console.stop()
    wait_until(lambda: screen.ended, 5, "the screen's end")


def test_another_journal_in_its_place_is_read_anew(bedside, hosts, screens, tmp_path):
    host, _, port = bedside
    console = roles(host, hosts, tmp_path / "console").start("console")
    host.start("acquire")
    host.wait_for_sample(SATURATION, timeout=30)
    wait_reached(port)
    screen = screens(port)
    before = screen.wait("picture")[-1]
    pid = console.pid
    host.stop()
    host.journal.rename(tmp_path / "journal-before")
    screen.wait("failure")
    host.start("acquire")
    host.wait_for_sample(SATURATION, timeout=30)
    wait_until(lambda: screen.of("picture")[-1]["session"] != before["session"], 20, "the other journal")
    host.stop()
    # The one of before, under the same names, at once.
    shutil.move(host.journal, tmp_path / "journal-other")
    shutil.copytree(tmp_path / "journal-before", host.journal)
    wait_until(lambda: screen.of("picture")[-1]["session"] == before["session"], 20, "the first journal")
    assert screen.of("picture")[-1]["recording"] is False
    assert console.running and console.pid == pid and not screen.ended


def test_a_port_that_is_taken_costs_the_screens_only_and_is_taken_later(bedside, hosts, screens):
    import socket
    host, _, port = bedside
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", port))
        taken.listen()
        host.start()
        host.wait_for_sample(SATURATION, timeout=30)
        wait_until(lambda: "is it taken?" in host.log(), 10, "why there is no screen")
    wait_reached(port)
    screens(port).wait("beat")
    host.stop()


def test_a_screen_that_takes_nothing_is_closed_and_others_go_on(unit, screens):
    import socket
    _, _, port = unit
    good = screens(port)
    stuck = socket.socket()
    stuck.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    stuck.connect(("127.0.0.1", port))
    stuck.sendall(f"GET /live HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
    inode = (stuck.getsockname()[1], port)

    def is_connected() -> bool:
        for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
            local, remote, state = line.split()[1:4]
            if (int(remote.split(":")[1], 16), int(local.split(":")[1], 16)) == inode and state == "01":
                return True
        return False

    wait_until(is_connected, 5, "the connection: this looks at nothing")
    wait_until(lambda: not is_connected(), 150, "the end of the screen that takes nothing", every=0.5)
    count = len(good.of("beat"))
    good.wait("beat", count + 4)
    times = good.times("beat")
    assert max(after - before for before, after in zip(times, times[1:])) < 1.5
    stuck.close()


# What is asked


def test_what_is_asked_is_decided_by_the_people_and_kept_nowhere(unit, screens):
    host, oximeter, port = unit
    screen = screens(port, "none")
    oximeter.vitals = ILL
    low = wait_for(host, LOW, presence="on", timeout=20)
    by = {"id": "layla", "secret": secret("layla")}
    seen = {"instances": [low["instance"]], "ask": "acknowledge"}
    wrong = "a wrong secret, never to be seen again"
    refused = ask(port, {**seen, "by": {"secret": wrong, "id": "layla"}})
    assert refused.status == 200 and refused.header("content-type") == "application/x-ndjson"
    assert [line["answer"] for line in refused.lines] == ["refused"] and wait_for(host, LOW, presence="on")
    done = ask(port, {**seen, "by": by})
    assert [line["answer"] for line in done.lines] == ["done"], done.lines
    wait_for(host, LOW, presence="ack", timeout=5)
    assert "acknowledged" in " ".join(told(host, low["instance"]))
    wait_until(lambda: any(alarm["presence"] == "ack" and alarm["acknowledgedBy"] == ["layla"]
                           for one in screen.of("beat") for alarm in one.get("alarms", [])), 5, "it on the screen")
    # The same answer as on a command line, to the byte of each member.
    (beds,) = ask(port, {"ask": "beds", "by": by}).lines
    assert beds == ask_in_words(host, "bed", "list").json and [bed["bed"] for bed in beds["beds"]] == ["chair-1"]
    host.stop()
    held = [path for path in host.directory.rglob("*") if path.is_file() and path.name != "operators.yaml"
            and (wrong.encode() in path.read_bytes() or secret("layla").encode() in path.read_bytes())]
    assert held == [], "a secret is kept"
    (host.directory / "proof").write_text(wrong)
    assert any(wrong.encode() in path.read_bytes() for path in host.directory.rglob("*") if path.is_file())


def test_a_press_is_handed_on_once(unit):
    host, _, port = unit
    by = {"id": "layla", "secret": secret("layla")}
    press = str(uuid.uuid4())
    pause = {"ask": "pause", "bed": "chair-1", "seconds": 1, "by": by}
    assert ask(port, pause, press).lines[0]["answer"] in ("done", "refused")
    again = ask(port, pause, press)
    assert (again.status, again.code) == (409, "twice")
    assert ask(port, pause).lines[0]["answer"] in ("done", "refused")
    assert ask(port, pause, None).code == "once" and ask(port, pause, "1").code == "once"
    # A stop may come twice, and in any form.
    for _ in range(2):
        stop = ask(port, {"device": "oximeter", "ask": "stop"}, press)
        assert stop.status == 200 and stop.lines[0]["answer"] == "stop", stop.body


def test_what_cannot_be_asked_is_said_and_nothing_is_done(unit):
    host, _, port = unit
    by = {"id": "layla", "secret": secret("layla")}
    for line, code in (({"ask": "delete"}, "unknownRequest"), ({"ask": "show"}, "notTheForm"),
                       ({"ask": "list", "force": True}, "notTheForm"), ({"ask": "list", "desk": 2}, "otherVersion")):
        answer = ask(port, {**line, "by": by})
        assert (answer.status, answer.code) == (400, code) and "layla" not in answer.body.decode()
    head = {"Content-Type": "application/json", "X-Nabd-Ask": "1", "X-Nabd-Once": str(uuid.uuid4())}
    assert fetch(port, "/ask", "POST", head, b"{").code == "notJSON"
    (host.directory / "people").rename(host.directory / "people-away")
    gone = ask(port, {"ask": "pause", "bed": "chair-1", "seconds": 1, "by": by})
    assert (gone.status, gone.code) == (503, "unreachable") and "Nothing was done" in gone.json["failure"]


def test_a_unit_without_people_shows_and_is_not_asked(bedside, screens):
    host, _, port = bedside
    unit = yaml.safe_load(host.config.read_text())
    del unit["people"]
    host.config.write_text(yaml.safe_dump(unit, allow_unicode=True))
    host.start()
    wait_reached(port)
    screens(port).wait("beat", timeout=30)
    assert ask(port, {"ask": "list"}).code == "people"


# Who is answered


def test_d1_no_answer_sets_a_cookie_and_each_has_its_fields(unit, screens):
    _, _, port = unit
    answers = [fetch(port, target) for target in ("/", "/main.js", "/technical", "/none", "/history", "/log?a=%")]
    answers.append(fetch(port, "/", headers={"Host": "evil.example", "Cookie": "a=b"}))
    answers.append(fetch(port, "/ask", "POST", {}, b"{}"))
    answers.append(ask(port, {"ask": "list"}))
    live = screens(port).answer
    for answer in answers + [live]:
        fields = {name.lower(): value for name, value in
                  (answer.headers if isinstance(answer.headers, list) else answer.getheaders())}
        assert "set-cookie" not in fields
        policy = dict(part.strip().split(" ", 1) for part in fields["content-security-policy"].split(";"))
        assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
        assert policy["script-src"] == policy["connect-src"] == "'self'" and policy["img-src"] == "'self' blob:"
        assert not re.search(r"unsafe|http|\*|data:", fields["content-security-policy"])
        assert (fields["x-content-type-options"], fields["referrer-policy"]) == ("nosniff", "no-referrer")
        assert fields["cross-origin-opener-policy"] == fields["cross-origin-resource-policy"] == "same-origin"
        assert fields["cache-control"] in ("no-store", "no-cache") and "server" not in fields
        assert not [name for name in fields if name.startswith("access-control")]
        if not fields["content-type"].startswith("text/html") and "javascript" not in fields["content-type"]:
            assert fields["cache-control"] == "no-store"


def test_d1_another_name_site_or_origin_is_refused(unit):
    _, _, port = unit
    own = f"127.0.0.1:{port}"
    for target in ("/", "/main.js", "/live", "/technical", "/streams?from=1&to=2"):
        for headers, code in (
                ({"Host": "evil.example"}, "host"), ({"Host": f"evil.example:{port}"}, "host"),
                ({"Host": f"127.0.0.1:{port + 1}"}, "host"), ({"Host": ""}, "host"),
                ({"Sec-Fetch-Site": "cross-site"}, "site"), ({"Sec-Fetch-Site": "same-site"}, "site"),
                ({"Origin": "http://evil.example"}, "site"), ({"Origin": "null"}, "site"),
                ({"Host": own, "Origin": f"http://127.0.0.1:{port + 1}"}, "site")):
            assert fetch(port, target, headers=headers).code == code, (target, headers)
    for headers in ({"Host": f"localhost:{port}"}, {"Host": f"[::1]:{port}"}, {"Sec-Fetch-Site": "none"},
                    {"Origin": f"http://{own}"}):
        assert fetch(port, "/main.js", headers=headers).status == 200
    for method in ("PUT", "DELETE", "OPTIONS", "HEAD", "PATCH"):
        assert fetch(port, "/", method).status == 405
    for headers in ({"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"X-Nabd-Ask": "2"},
                    {"Content-Type": "text/plain"}, {"Host": "evil.example"}):
        assert ask(port, {"ask": "stop", "device": "oximeter"}, **headers).status in (403, 415, 421), headers


def test_the_page_is_what_is_in_its_folder(unit):
    host, _, port = unit
    page, script = fetch(port, "/"), fetch(port, "/main.js")
    assert page.body.decode() == PAGE and page.header("content-type") == "text/html; charset=utf-8"
    assert script.body.decode() == SCRIPT and script.header("content-type") == "text/javascript; charset=utf-8"
    tag = script.header("etag")
    assert re.fullmatch(r'"[0-9a-f]{32}"', tag) and tag != page.header("etag")
    known = fetch(port, "/main.js", headers={"If-None-Match": tag})
    assert (known.status, known.body, known.header("etag")) == (304, b"", tag)
    assert fetch(port, "/main.js", headers={"If-None-Match": page.header("etag")}).status == 200
    (host.directory / "web" / "notes.txt").write_text("x")
    for target in ("/notes.txt", "/../unit.yaml", "/..%2funit.yaml", "/web/main.js", "//main.js", "/main.js/", "/%00"):
        assert fetch(port, target).status == 404, target


def test_behind_a_socket_a_proxy_is_answered_and_others_are_not(bedside, hosts, tmp_path):
    host, _, _ = bedside
    unit = yaml.safe_load(host.config.read_text())
    unit["console"] = {"socket": "screens", "web": "web", "hosts": ["unit.local"]}
    host.config.write_text(yaml.safe_dump(unit, allow_unicode=True))
    place = host.directory / "screens"
    roles(host, hosts, tmp_path / "console").start("console")
    wait_until(place.exists, 20, "the socket")
    # The proxy that systemd starts before it runs as another user of the socket's group.
    wait_until(lambda: stat.S_IMODE(place.stat().st_mode) == 0o660, 5, "the right of its group")

    def get(name: str) -> int:
        connection = Local(place)
        connection.request("GET", "/main.js", headers={"Host": name})
        return connection.getresponse().status

    assert [get(name) for name in ("127.0.0.1:8100", "unit.local", "unit.local:9", "evil.example")] == [
        200, 200, 200, 421]
    assert place.stat().st_mode & 0o007 == 0 or place.stat().st_mode & 0o002 == 0


def test_a_unit_that_serves_none_says_so(hosts, tmp_path, bench):
    host = hosts(tmp_path / "unit").configure(bench.devices())
    from peers.host import nabd
    result = nabd("run", "--config", host.config, "--role", "console")
    assert result.returncode == 6 and b"nothing to show" in result.stderr
    unit = yaml.safe_load(host.config.read_text())
    for console, words in (
            ({}, "give a “port”"), ({"port": 1, "socket": "s"}, "either"), ({"port": 0}, "1 to 65535"),
            ({"socket": "s" * 200}, "107 bytes"), ({"port": 1, "hosts": ["a b"]}, "a name is lower-case"),
            ({"port": 1, "hosts": [f"h{number}" for number in range(9)]}, "at most 8"), ({"prot": 1}, "prot")):
        unit["console"] = console
        host.config.write_text(yaml.safe_dump(unit, allow_unicode=True))
        found = nabd("check", "--config", host.config).stderr.decode()
        assert re.search(r"unit\.yaml:\d+:\d+: error: ", found) and words in found, (console, found)
