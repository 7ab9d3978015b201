# Two commands do everything on a fresh Debian 12 with Swift 6.3: `make demo` and `make test`.

SHELL := /bin/bash
SWIFT_BUILD := swift build --quiet
NABD := .build/debug/nabd
export SWIFT_BACKTRACE := enable=no

.PHONY: help demo test check unit-test vectors fuzz fuzz-build hil-test fault-test durability bench deb setup build lint format clean

help: ## What can be made.
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

demo: program ## Run a whole unit on this machine for 30 s: played devices, host, records service.
	@$(NABD) demo --for $${FOR:-30s}

test: setup build fuzz-build lint proofs models hil-test unit-test-vm-short ## Everything that must pass: about an hour after the build; a quarter more where a PC can be emulated.

check: lint unit-test ## Formatting, profiles, Swift tests: about four minutes after the build.

setup: ## Install what is missing: Debian packages, Python environments.
	@scripts/setup

build: setup-packages ## Build the program and its tests.
	@scripts/build

.PHONY: program
program: setup-packages
	@scripts/build program

.PHONY: setup-packages
setup-packages:
	@scripts/setup packages

lint: build ## Formatting, and what is wrong with profiles and presets.
	@echo "== formatting"
	@swift format lint --strict --recursive --parallel Package.swift Sources Tests Benchmarks
	@echo "== device profiles"
	@$(NABD) profile lint device-profiles
	@echo "== presets of alarms"
	@$(NABD) preset lint presets

vectors: build ## The profiles' vectors, and damaged copies of them.
	@echo "== vectors of the device profiles, and damaged copies of them (about half a minute)"
	@$(NABD) profile test device-profiles

# A few at a time: a thousand at once keep each other waiting for minutes on a small machine.
SWIFT_TEST := swift test --experimental-maximum-parallelization-width 6

unit-test: build ## The Swift tests.
	@echo "== Swift tests"
	@$(SWIFT_TEST) 2>&1 | scripts/quiet-tests

fuzz-build: setup-packages
	@echo "== building the fuzzer (the first time takes about two minutes)"
	@Tests/Fuzz/run --build

fuzz: fuzz-build ## Every parser of bytes under the fuzzer, for a few seconds each; Tests/Fuzz/run 300 looks longer.
	@echo "== fuzzing, $${FUZZ_SECONDS:-5} s each"
	@Tests/Fuzz/run $${FUZZ_SECONDS:-5}

.PHONY: proofs
proofs: build
	@echo "== Swift tests; beside them the profiles' vectors, and damaged copies of them (about four minutes)"
	@scripts/beside .build/vectors.log nice $(NABD) profile test device-profiles -- bash -c '$(SWIFT_TEST) 2>&1 | scripts/quiet-tests'

.PHONY: monitor-only
monitor-only: build ## The program without the command path, in .build/monitor-only, and that nothing of it is in there: a second build, which `make test` does not make.
	@scripts/setup python
	@swift build --disable-default-traits --product nabd --scratch-path .build/monitor-only
	@NABD_MONITOR_ONLY=$$PWD/.build/monitor-only/debug/nabd $(PYTEST) hil-tests/test_monitor_only.py --junitxml=hil-tests/results/monitor-only.xml

.PHONY: models
models: setup-packages ## The model of the command path: every state, and every mutant found (about half a minute).
	@Tests/Models/run

.PHONY: command-test
command-test: setup-packages ## What the tests of commands are worth, and the rigs that commands are tried on: about a quarter of an hour.
	@scripts/setup python
	@$(PYTEST) $(DRIVEN) --junitxml=hil-tests/results/driven.xml
	@echo "== ten thousand commands and two thousand kills, in virtual time (about a minute)"
	@NABD_LONG=1 $(SWIFT_TEST) --filter PumpDeskTests 2>&1 | scripts/quiet-tests
	@Tests/Mutation/run

PYTEST := .venv-hil/bin/python -m pytest -c hil-tests/pytest.ini --rootdir hil-tests -q

# What compares the time of every sample, or asks for a run without a gap: a machine full of played devices blurs it.
STEADY := hil-tests/test_outage.py hil-tests/test_demo.py

# What is not to run beside tests that must be in time.
COMPUTING := hil-tests/test_durability*.py hil-tests/test_faults_late*.py hil-tests/test_faults_ten_thousand.py

# The package, which must have been built, and is large.
PACKAGE := hil-tests/test_packaging.py hil-tests/test_packaging_upgrade.py

# The unit in a virtual machine: under half an hour by itself.
VIRTUAL := hil-tests/test_unit_vm*.py

# Browsers take a core each, and what is late on a screen is measured.
SCREENS := hil-tests/test_screen_*.py hil-tests/test_console*.py hil-tests/test_consultation*.py

# Rigs that commands are tried on, tried by themselves.
DRIVEN := hil-tests/test_driven_*.py

hil-test: build fuzz-build ## The program as a black box against devices and a records service that others wrote; the fuzzer beside what only waits.
	@scripts/setup python
	@echo "== independent devices, lines that misbehave, a FHIR server (about half an hour); the table of faults: hil-tests/results/faults.md"
	@$(PYTEST) hil-tests $(patsubst %,--ignore-glob '%',$(COMPUTING) $(STEADY) $(SCREENS) $(DRIVEN) $(PACKAGE) $(VIRTUAL) hil-tests/test_profile_players.py hil-tests/test_real_time.py) \
		--junitxml=hil-tests/results/hil.xml
	@echo "== the journal's faults and thousands of late answers, which compute more than they wait (about a minute and a half)"
	@NABD_TABLE=add $(PYTEST) $(COMPUTING) --junitxml=hil-tests/results/durability.xml
	@echo "== a service that is away, and the demonstration (about a minute); meanwhile every parser of bytes under the fuzzer, $${FUZZ_SECONDS:-5} s each"
	@scripts/beside hil-tests/results/outage.log $(PYTEST) $(STEADY) --junitxml=hil-tests/results/outage.xml -- Tests/Fuzz/run $${FUZZ_SECONDS:-5}
	@scripts/setup browser
	@echo "== the screens, their server and far clinicians, in a real browser (about ten minutes)"
	@$(PYTEST) -n 2 $(SCREENS) --junitxml=hil-tests/results/screens.xml
	@echo "== played devices read by independent clients (many at once: by themselves, so that they delay nobody)"
	@$(PYTEST) hil-tests/test_profile_players.py --junitxml=hil-tests/results/players.xml
	@echo "== keeping time: what the lines' threads do, by itself (about a minute)"
	@$(PYTEST) -n 0 hil-tests/test_real_time.py --junitxml=hil-tests/results/real-time.xml

fault-test: build ## Lines and devices that misbehave in every way; writes hil-tests/results/faults.md.
	@scripts/setup python
	@echo "== the fault suite (about five minutes); its table: hil-tests/results/faults.md"
	@$(PYTEST) hil-tests/test_fault*.py hil-tests/test_durability*.py --junitxml=hil-tests/results/faults.xml

.PHONY: unit-test-vm unit-test-vm-short
unit-test-vm: ## The package on a whole unit in a virtual machine: boots, 20 power cuts, every role stopped: under half an hour on a machine with nothing else to do. NABD_DEB: a package that is there.
	@scripts/setup python
	@scripts/setup virtual
	@[ -n "$$NABD_DEB" ] || $(MAKE) --no-print-directory deb
	@echo "== a unit in a virtual machine (under half an hour on a quiet machine); its table: hil-tests/results/unit-vm.md"
	@NABD_VM=required NABD_VM_CUTS=$${NABD_VM_CUTS:-20} $(PYTEST) -n 0 $(VIRTUAL) --junitxml=hil-tests/results/unit-vm.xml

unit-test-vm-short: ## One boot, the exposures, one power cut: a minute and a half once image and package are there; skipped, with the reason, where nothing emulates a PC.
	@scripts/setup python
	@if reason=$$(cd hil-tests && ../.venv-hil/bin/python -m vm.image --lacking); then echo "== the virtual unit is skipped: $$reason"; exit 0; fi; \
		[ -n "$$NABD_DEB" ] || $(MAKE) --no-print-directory deb || exit 1; \
		echo "== a unit in a virtual machine, in short (a minute and a half once the image is there); its table: hil-tests/results/unit-vm.md"; \
		NABD_VM_CUTS=1 $(PYTEST) -n 0 -m short $(VIRTUAL) --junitxml=hil-tests/results/unit-vm.xml

durability: build ## The journal under 1,000 kills, each system call's kill, 200 power cuts, every damaged block: about half an hour.
	@scripts/setup python
	@NABD_KILLS=1000 NABD_KILL_POINTS=300 NABD_CUTS=200 NABD_DAMAGE=all $(PYTEST) -n 0 hil-tests/test_durability*.py --junitxml=hil-tests/results/durability.xml

.PHONY: pump-kills
pump-kills: build ## Two thousand kills of the host under commands, and one before each system call of their path: some hours.
	@scripts/setup python
	@NABD_PUMP_KILLS=2000 NABD_PUMP_KILL_POINTS=500 $(PYTEST) hil-tests/test_pumps_kills.py --junitxml=hil-tests/results/pump-kills.xml

.PHONY: lost-answers
lost-answers: build ## A thousand answers lost after the service has stored, with kills of the host, four units at a time: about ten minutes.
	@scripts/setup python
	@NABD_LOST_ANSWERS=1000 $(PYTEST) -n 4 hil-tests/test_uplink_lost_answers.py --junitxml=hil-tests/results/lost-answers.xml

.PHONY: alarm-kills
alarm-kills: build ## A story of alarms, with one kill of the host before each write and sync of the file of events: about forty minutes.
	@scripts/setup python
	@NABD_ALARM_POINTS=all $(PYTEST) hil-tests/test_alarm_kills.py --junitxml=hil-tests/results/alarm-kills.xml

bench: setup-packages ## Measure side by side with C floors; prints a table, writes bench-results.json.
	@Benchmarks/run

.PHONY: screenshots
screenshots: ## Pictures of the screen in Arabic and English, to be looked at by whoever changes it: hil-tests/results/screen.
	@scripts/setup python
	@scripts/setup browser
	@.venv-hil/bin/python hil-tests/benches/screenshots.py

.PHONY: screen-bench
screen-bench: ## Frames, processor time and lateness of the live screens, read from the pixels: some six minutes.
	@scripts/setup python
	@scripts/setup browser
	@.venv-hil/bin/python hil-tests/benches/screen.py

deb: setup-packages ## The Debian package, in .build/deb; the first time some eight minutes, for a build with Swift's runtime in it.
	@scripts/setup packaging
	@scripts/deb

.PHONY: package-test
package-test: deb ## What is in the package, and the ways to install, replace and remove it: about seven minutes.
	@scripts/setup python
	@$(PYTEST) -n 0 $(PACKAGE) --junitxml=hil-tests/results/package.xml

format: ## Format the sources.
	@swift format --in-place --recursive --parallel Package.swift Sources Tests Benchmarks

clean: ## Remove what was built.
	@rm -rf .build .venv-hil .venv-fhir bench-results.json hil-tests/results
