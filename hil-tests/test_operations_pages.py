"""The operations pages say what the program says: alerts in both languages, commands, services, the status document."""

from __future__ import annotations

import re

import pytest

from peers.host import ROOT, nabd
from peers.pages import (
    DOCS, Command, alerts_of_page, alerts_of_reference, commands_of, dead_links, fault_of, unknown_services,
)

pytestmark = [pytest.mark.host, pytest.mark.timeout(90)]

PAGES = sorted((DOCS / "operations").glob("*.md")) + [DOCS / "install.md", DOCS / "operations.md"]
ALERTS = DOCS / "operations" / "alerts.md"
NURSES, NURSES_ARABIC = DOCS / "operations" / "for-nurses.md", DOCS / "operations" / "for-nurses.ar.md"
HOST = ROOT / "Sources" / "NabdHost"


def text_of(path):
    return path.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def reference():
    """The alerts by the program itself."""
    found = alerts_of_reference(nabd("journal", "events").stdout.decode())
    assert len(found) >= 22, sorted(found)
    return found


# Alerts


def test_every_alert_is_on_the_page_in_its_own_words(reference):
    assert alerts_of_page(text_of(ALERTS)) == reference


@pytest.mark.parametrize("before, after", [
    ("`NABD_SAFE_MODE`", "`NABD_SAVE_MODE`"), ("No current values from this device |", "No values from this device |"),
    ("طرف آخر يرسل", "طرف يرسل"), ("`NABD_SAFE_MODE`, high", "`NABD_SAFE_MODE`, low"),
])
def test_a_wrong_word_on_the_page_is_found(reference, before, after):
    page = text_of(ALERTS)
    assert page.count(before) == 1
    assert alerts_of_page(page.replace(before, after)) != reference


def test_an_alert_that_the_page_lacks_is_found(reference):
    page = "".join(line for line in text_of(ALERTS).splitlines(True) if "NABD_LINE_ECHO_LOST" not in line)
    assert reference.keys() - alerts_of_page(page).keys() == {"NABD_LINE_ECHO_LOST"}


def quoted(page, words):
    """The alerts whose words stand in bold at the beginning of a row; words of none are told as they are."""
    rows = re.findall(r"^\| \*\*(.+?)\*\*(?:<br>[^|]*>([^<|]+)</span>)? \|", page, re.M)
    return [(words.get(first, first), second) for first, second in rows]


def faults_of_nurses(english, arabic, reference):
    """What is wrong with the two pages for nurses."""
    told = [name for name, _ in quoted(english, {alert.english: name for name, alert in reference.items()})]
    arabic_told = quoted(arabic, {alert.arabic: name for name, alert in reference.items()})
    faults = [f"no alert says “{words}”" for words in told if words not in reference]
    faults += [f"no alert says “{words}” in Arabic" for words, _ in arabic_told if words not in reference]
    faults += [f"{name}: other words in English" for name, words in arabic_told
               if name in reference and reference[name].english != words]
    if told != [name for name, _ in arabic_told]:
        faults.append("the two pages have other alerts, or another order")
    faults += [f"{name} is urgent and is not there" for name, alert in reference.items()
               if alert.priority == "high" and name not in told]
    if [len(re.findall(p, english, re.M)) for p in (r"^#", r"^\|", r"^\d\.")] != [
            len(re.findall(p, arabic, re.M)) for p in (r"^#", r"^\|", r"^\d\.")]:
        faults.append("one page has a part, a row or a step that the other lacks")
    if not re.fullmatch(r'<div dir="rtl" lang="ar">\n\n.*\n\n</div>\n', arabic, re.S):
        faults.append("the Arabic page does not run from right to left as a whole")
    if re.search("[٠-٩۰-۹]", arabic):
        faults.append("the digits of the Arabic page are not those of the devices")
    return faults


def test_the_pages_for_nurses_have_the_alerts_own_words(reference):
    assert faults_of_nurses(text_of(NURSES), text_of(NURSES_ARABIC), reference) == []


@pytest.mark.parametrize("before, after, fault", [
    ("**لا توجد قيم حالية من هذا الجهاز**", "**لا توجد قيم من هذا الجهاز**", "in Arabic"),
    ("No current values from this device</span>", "No values</span>", "other words in English"),
    ('<div dir="rtl" lang="ar">', "<div>", "right to left"), ("3. ", "٣. ", "digits"),
    ("| الفني | | |\n", "", "the other lacks"),
])
def test_a_fault_of_the_arabic_page_is_found(reference, before, after, fault):
    page = text_of(NURSES_ARABIC)
    assert before in page
    assert any(fault in told for told in faults_of_nurses(text_of(NURSES), page.replace(before, after, 1), reference))


def test_an_urgent_alert_that_nurses_are_not_told_is_found(reference):
    pages = ["".join(line for line in text_of(path).splitlines(True)
                     if reference["NABD_STOP_NOT_PROVEN"].english not in line) for path in (NURSES, NURSES_ARABIC)]
    assert faults_of_nurses(*pages, reference) == ["NABD_STOP_NOT_PROVEN is urgent and is not there"]


# Commands, services, links


def test_there_is_a_page_for_each():
    assert {path.stem for path in PAGES} >= {
        "install", "add-a-device", "clock", "certificates", "backup-and-replace", "alerts", "decommission",
        "for-nurses",
        "for-nurses.ar"}


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_every_command_of_a_page_is_one(path):
    faults = [fault for fault in map(fault_of, commands_of(text_of(path))) if fault]
    assert not faults, "\n".join(faults)


def test_commands_are_found_where_they_stand():
    page = """Say `nabd profile list`, or `sudo nabd ports /dev/ttyUSB0
--name pump-a`. Not a command: `apt remove nabd`, `chown root:nabd unit.yaml`.

```
# nabd status
   cd /tmp && nabd journal stat > stat.txt
nabd:   nabd check --config /etc/nabd/unit.yaml && systemctl restart nabd-acquire
nabd: checking the configuration
Setting up nabd (0.2.0) ...
```
"""
    assert [(command.text, command.whole) for command in commands_of(page)] == [
        ("nabd status", True), ("nabd journal stat", True), ("nabd check --config /etc/nabd/unit.yaml", True),
        ("nabd profile list", False), ("nabd ports /dev/ttyUSB0 --name pump-a", False)]
    count = sum(len(commands_of(text_of(path))) for path in PAGES)
    assert count >= 80, count


@pytest.mark.parametrize("text, fault", [
    ("nabd jurnal verify", "has no “jurnal”"), ("nabd journal verfy", "has no “verfy”"),
    ("nabd journal verify --certificat unit.pem", "has no --certificat"), ("nabd status --config", "has no value"),
    ("nabd uplink retire", "lacks --server"), ("nabd profile try --line /dev/nabd/a", "lacks what it is about"),
    ("nabd pump looked-at pump-a", "lacks --as"),
])
def test_a_command_that_is_none_is_found(text, fault):
    assert fault in (fault_of(Command(text, True)) or "")


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_services_and_links_of_a_page_are_there(path):
    page = text_of(path)
    assert not unknown_services(page)
    assert not dead_links(path, page)


def test_a_service_and_a_link_that_are_not_there_are_found():
    assert unknown_services("`systemctl restart nabd-aquire nabd-uplink`") == ["nabd-aquire"]
    page = "[a](clock.md) [b](clocks.md) [c](clock.md#time-zone) [d](clock.md#time-zones)"
    assert dead_links(DOCS / "operations" / "alerts.md", page) == ["clocks.md", "clock.md#time-zones"]


# What the host tells


def missing_words(page):
    """Members of the status document, states of health and metrics that the page does not name."""
    status, line = text_of(HOST / "UnitStatus.swift"), text_of(HOST / "LineSummary.swift")
    words = set(re.findall(r'"([a-zA-Z]\w*)":', status))
    words |= set(re.findall(r'"(\w+)":', line[line.index("package var members: KeyValuePairs"):]))
    words |= set(re.findall(r'case \.\w+(?:\(.*?\))?: "(\w+)"', status))
    words |= set(re.findall(r"^        case (\w+)$", text_of(HOST / "UnitHealth.swift"), re.M))
    metrics = text_of(HOST / "HostMetrics.swift").partition("extension HostSummary")[0]
    words |= set(re.findall(r'"(nabd_\w+)"', metrics))
    assert {"heldMilliseconds", "columnNanoseconds", "p99", "wrongDevice", "failing", "nabd_alerts"} <= words
    spans = re.findall(r"`([^`]+)`", re.sub(r"^```.*?^```", "", page, flags=re.S | re.M))
    told = set(re.findall(r"\w+", " ".join(spans)))
    return words - told


def test_the_status_document_is_described():
    assert missing_words(text_of(DOCS / "operations.md")) == set()


def test_a_member_that_is_not_described_is_found():
    page = text_of(DOCS / "operations.md")
    assert missing_words(page.replace("`columnNanoseconds`", "").replace("nabd_build_info", "")) == {
        "columnNanoseconds", "nabd_build_info"}
