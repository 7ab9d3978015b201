"""A whole unit in a virtual machine: an image, a machine that boots and loses its power, wires to played devices."""
