"""Canonical forms: of JSON, and of the graph that JSON-LD stands for."""
