"""A link that is paid for by the byte: passes connections on to a server, and counts what went both ways."""

from __future__ import annotations

import socket
import threading
import time


class CountingRelay:
    """``sent`` and ``received`` are the bytes of all connections as the client has them; ``opened`` counts these."""

    def __init__(self, port: int) -> None:
        self.sent = self.received = self.opened = 0
        self._upstream = port
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self._upstream))
            except OSError:
                client.close()
                continue
            with self._lock:
                self.opened += 1
            for source, target, is_sent in ((client, server, True), (server, client, False)):
                threading.Thread(target=self._pass, args=(source, target, is_sent), daemon=True).start()

    def _pass(self, source: socket.socket, target: socket.socket, is_sent: bool) -> None:
        came = 0
        try:
            while data := source.recv(65536):
                came += len(data)
                with self._lock:
                    if is_sent:
                        self.sent += len(data)
                    else:
                        self.received += len(data)
                    is_lost = not is_sent and self._loses(came)
                if is_lost:
                    # What is under way the other way is still taken.
                    time.sleep(0.3)
                    self._end(source, target)
                    return
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            self._end(source, target)

    def _loses(self, came: int) -> bool:
        """Whether what the server just said is swallowed, and the connection ends; ``came``: its bytes so far."""
        return False

    @staticmethod
    def _end(*ends: socket.socket) -> None:
        for end in ends:
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            end.close()

    def stop(self) -> None:
        """No more connections; those that are there go on."""
        self._listener.close()
