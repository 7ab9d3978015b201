"""Carries one connection of the machine to a port of this one: ``relay.py PORT``, its bytes on stdin and stdout."""

from __future__ import annotations

import os
import select
import socket
import sys


def carry(port: int) -> None:
    """Until either end is done."""
    with socket.create_connection(("127.0.0.1", port)) as far:
        while True:
            ready, _, _ = select.select([0, far], [], [])
            if 0 in ready:
                data = os.read(0, 65536)
                if not data:
                    return
                far.sendall(data)
            if far in ready:
                data = far.recv(65536)
                if not data:
                    return
                while data:
                    data = data[os.write(1, data):]


if __name__ == "__main__":
    carry(int(sys.argv[1]))
