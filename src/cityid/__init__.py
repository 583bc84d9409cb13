"""cityid: decentralized identity for cities."""
