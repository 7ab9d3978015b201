"""Somebody on the way between the unit and the records service who has no key of either."""

from __future__ import annotations

import socket
import struct
import threading

PORTAL = (b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/portal\r\nContent-Length: 0\r\n"
          b"Connection: close\r\n\r\n")
CLIENT_HELLO, APPLICATION_DATA = 1, 23


class Middle:
    """Passes the records of TLS on, or does wrong by ``mode`` with connections that begin from then on:

    * ``pass``;
    * ``older``: the client's offer of TLS 1.3 is changed to one of TLS 1.2;
    * ``flip up``, ``flip down``: a bit of a record of application data is changed;
    * ``replay``: such a record of the server's is sent twice;
    * ``cut``: the connection ends in the middle of such a record of the server's;
    * ``portal``: what the client says is answered in plain HTTP.

    ``done`` counts how often.
    """

    # The first records of application data are the handshake's own in TLS 1.3: certificates, tickets.
    LATER = 6

    def __init__(self, port: int) -> None:
        self.mode = "pass"
        self.done = 0
        self._upstream = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client, self.mode), daemon=True).start()

    def _serve(self, client: socket.socket, mode: str) -> None:
        if mode == "portal":
            self.done += 1
            client.recv(65_536)
            client.sendall(PORTAL)
            client.close()
            return
        try:
            server = socket.create_connection(("127.0.0.1", self._upstream))
        except OSError:
            client.close()
            return
        threading.Thread(target=self._pass, args=(client, server, mode, True), daemon=True).start()
        self._pass(server, client, mode, False)

    def _pass(self, source: socket.socket, target: socket.socket, mode: str, is_up: bool) -> None:
        number = 0
        try:
            with source.makefile("rb") as records:
                while len(head := records.read(5)) == 5:
                    kind, _, length = struct.unpack(">BHH", head)
                    body = records.read(length)
                    number += kind == APPLICATION_DATA
                    target.sendall(self._changed(head, body, mode, is_up, number))
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        if mode != "pass":
            for end in (source, target):
                try:
                    end.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def _changed(self, head: bytes, body: bytes, mode: str, is_up: bool, number: int) -> bytes:
        if mode == "older" and is_up and head[0] == 22 and body[:1] == bytes([CLIENT_HELLO]):
            self.done += 1
            # The extension supported_versions, which alone says 1.3.
            return head + body.replace(b"\x03\x04", b"\x03\x03")
        if head[0] != APPLICATION_DATA or number < self.LATER:
            return head + body
        if mode in ("flip up", "flip down") and is_up == (mode == "flip up") and number == self.LATER:
            self.done += 1
            return head + body[:-1] + bytes([body[-1] ^ 1])
        if mode == "replay" and not is_up and number == self.LATER:
            self.done += 1
            return (head + body) * 2
        if mode == "cut" and not is_up:
            self.done += 1
            raise OSError("the way ends here")
        return head + body

    def stop(self) -> None:
        """No more connections; those that are there go on."""
        self._listener.close()
