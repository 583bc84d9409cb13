"""The registry on an Ethereum chain: the same records, ordered by many nodes.

From the ground up: `nodes` read a chain, `sending` writes to it, `contract` knows the one that
keeps the registry, and the modules here make of all that a registry. `nodes.rpc` alone knows web3.
"""
