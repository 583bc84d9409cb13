"""Registries under torture: killed, cut, garbled, crowded, out of room, lied to, compared.

``python -m torture`` (with ``tests`` on the path) runs the long form and prints what was seen;
the tests in ``scenarios/test_registry_torture.py`` and ``scenarios/test_chain_torture.py`` run the
short one. Everything asks the public interface, treats the files as bytes, and the chain as what a
real node says of it.
"""
