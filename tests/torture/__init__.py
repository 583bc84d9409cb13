"""The registry in a file under torture: killed, cut, garbled, crowded, out of room, compared.

``python -m torture`` (with ``tests`` on the path) runs the long form and prints what was seen;
the tests in ``scenarios/test_registry_torture.py`` run the short one. Everything asks the public
interface, and treats the files as bytes.
"""
