"""The contract of a registry, seen from here: its words, events, calls, contents and code."""
