"""Fixtures of the bench tests. Every one cleans up after itself, whatever the test did."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest

from peers import canaries
from peers.bench import Bench
from peers.clockwork import Clockwork
from peers.durable import DurableHost, Rig, rig_and_host
from peers.hardware import HardwareBench, bench_named
from peers.host import Host, binary
from peers.pki import Pki, make_pki
from peers.records import RecordsServer
from peers.scenarios import Runs, Scenario, Timeline
from peers.validators import validate

HERE = Path(__file__).parent
# Where the private keys of the session are, once there are any.
KEYS = pytest.StashKey[Path]()
pytest_plugins = ["peers.fault_table", "peers.grouping", "peers.screen_fixtures", "vm.report", "vm.fixtures"]


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Put the JUnit report into hil-tests/results, from whatever directory pytest was started."""
    if not config.option.xmlpath:
        (HERE / "results").mkdir(exist_ok=True)
        config.option.xmlpath = str(HERE / "results" / "hil.xml")


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo):
    """Show the end of each host's log beside a failure: without it a black-box failure says little."""
    outcome = yield
    report = outcome.get_result()
    if report.failed:
        for host in getattr(item.session, "hosts", []):
            if host.log():
                report.sections.append((f"nabd log of {host.directory.name}", host.log_tail()))


@pytest.fixture(scope="session")
def pki(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Pki:
    """The unit's and a foreign certificate authority, with their certificates."""
    request.config.stash[KEYS] = folder = tmp_path_factory.mktemp("pki")
    return make_pki(folder)


@pytest.fixture(scope="module")
def module_hosts(request: pytest.FixtureRequest) -> Iterator[Callable[[Path], Host]]:
    """Makes hosts that live as long as a module."""
    yield from _hosts(request)


@pytest.fixture
def hosts(request: pytest.FixtureRequest) -> Iterator[Callable[[Path], Host]]:
    """Makes hosts that live as long as a test."""
    yield from _hosts(request)


def _hosts(request: pytest.FixtureRequest) -> Iterator[Callable[[Path], Host]]:
    made: list[Host] = []

    def make(directory: Path) -> Host:
        binary()  # says at once, and in one sentence, when there is nothing to test
        made.append(Host(directory))
        request.session.hosts = made
        return made[-1]

    yield make
    for host in made:
        host.kill()
    request.session.hosts = []
    _tells_nothing(made, request)


def _tells_nothing(made: Iterable[Host], request: pytest.FixtureRequest) -> None:
    """Whatever a test was about: neither a patient of a device nor a private key is in what a host says of itself."""
    folder = request.config.stash.get(KEYS, None)
    keys = tuple(sorted(folder.rglob("*.key"))) if folder else ()
    leaked = [
        f"{place.name} of {host.directory} holds {', '.join(found)}"
        for host in made for place in (host.log_path, host.summary_path)
        if place.exists() and (found := canaries.found(place.read_bytes(), keys))
    ]
    assert not leaked, "; ".join(leaked)


@pytest.fixture
def host(hosts: Callable[[Path], Host], tmp_path: Path) -> Host:
    """One host in a directory of its own."""
    return hosts(tmp_path / "unit")


@pytest.fixture
def rigged(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[tuple[Rig, DurableHost]]:
    """A rig of two devices and the host whose journal is watched."""
    with rig_and_host(tmp_path) as (rig, host):
        request.session.hosts = [host]
        yield rig, host
    request.session.hosts = []
    _tells_nothing([host], request)


@pytest.fixture
def servers(pki: Pki, tmp_path: Path) -> Iterator[Callable[..., RecordsServer]]:
    """Makes records servers; they are not started yet."""
    made: list[RecordsServer] = []

    def make(**options) -> RecordsServer:
        made.append(RecordsServer(tmp_path / f"records-{len(made)}", pki, **options))
        return made[-1]

    yield make
    for server in made:
        server.stop()


@pytest.fixture
def records(servers: Callable[..., RecordsServer]) -> RecordsServer:
    """A records server that runs."""
    return servers().start()


@pytest.fixture
def bench() -> Iterator[Bench]:
    """The four devices, switched on."""
    made = Bench()
    try:
        yield made.start()
    finally:
        made.stop()


@pytest.fixture(scope="session")
def hardware() -> HardwareBench:
    """What is plugged where."""
    return bench_named()


@pytest.fixture(scope="module")
def runs(
    request: pytest.FixtureRequest, module_hosts, hardware: HardwareBench, tmp_path_factory: pytest.TempPathFactory
) -> Runs:
    """The module's SCENARIOS, as far as its chosen tests ask for them and the bench can play them."""
    scenarios: dict[str, Scenario] = request.module.SCENARIOS
    marks = [
        mark for item in request.session.items if item.path == request.path for mark in item.iter_markers("scenario")
    ]
    chosen = {
        name: scenarios[name]
        for mark in marks
        for name in mark.args
        if not hardware.lacks(scenarios[name].carries, scenarios[name].needs)
    }
    timeline = getattr(request.module, "TIMELINE", Timeline())
    return Runs(chosen, timeline, hardware, module_hosts, tmp_path_factory.mktemp("faults"))


@pytest.fixture
def outcomes(request: pytest.FixtureRequest, runs: Runs, hardware: HardwareBench) -> list:
    """What came of the scenarios that the test is marked with; skipped where the bench cannot play one of them."""
    names = [name for mark in request.node.iter_markers("scenario") for name in mark.args]
    for name in names:
        scenario = request.module.SCENARIOS[name]
        if (lacking := hardware.lacks(scenario.carries, scenario.needs)) is not None:
            pytest.skip(lacking)
    return [runs.of(name) for name in names]


@pytest.fixture
def outcome(outcomes: list):
    """What came of the test's only scenario."""
    (only,) = outcomes
    return only


@pytest.fixture(scope="session")
def validated() -> Callable[[list[dict]], list[dict]]:
    """Gives what the two validators find wrong with resources."""
    return validate


@pytest.fixture
def clockwork() -> Iterator[Clockwork]:
    """The one thread that plays devices."""
    made = Clockwork().start()
    yield made
    made.stop()
