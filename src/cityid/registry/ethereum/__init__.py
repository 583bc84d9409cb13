"""The registry on an Ethereum chain: the same records, ordered by many nodes.

Everything that speaks to a chain lives in this package, and `rpc` alone knows web3.
"""
