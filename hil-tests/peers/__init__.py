"""Independent counterparts for the bench tests: devices, the records server, its TLS front and its validators.

Nothing in this package uses Nabd's code or its device profiles. Each device is written from the protocol's published
facts, so that an error in a profile or a decoder shows up as a disagreement instead of being mirrored.
"""
