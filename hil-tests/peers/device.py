"""The life of a counterpart that plays a device from a thread of its own."""

from __future__ import annotations

import contextlib
import os
import threading


def answer_first() -> None:
    """Let this thread answer before other tests compute: what a device does in time is the condition, not the finding.

    Where that is not allowed it is as quick as the rest.
    """
    with contextlib.suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), -15)


class ThreadedDevice:
    """Starts ``play`` in a thread, ends it on ``stop``, and gives back whatever went wrong inside."""

    def __init__(self) -> None:
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None
        self.error: BaseException | None = None

    def start(self):
        """Start playing; returns self."""
        self._thread = threading.Thread(target=self._run, daemon=True, name=type(self).__name__)
        self._thread.start()
        return self

    def _run(self) -> None:
        answer_first()
        try:
            self.play()
        except BaseException as error:  # kept for the test that owns the device
            if not self._ending.is_set():
                self.error = error

    def play(self) -> None:
        """The device's behaviour; ends soon after ``self._ending`` is set."""
        raise NotImplementedError

    def stop(self) -> None:
        """End the thread; raises what it died of, so that a broken counterpart never looks like a finding."""
        self._ending.set()
        if self._thread is not None:
            self._thread.join(5)
        if self.error is not None:
            raise RuntimeError(f"{type(self).__name__} failed") from self.error
