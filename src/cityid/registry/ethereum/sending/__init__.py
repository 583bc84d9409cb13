"""Writing to a chain: work is sent until it is settled, once, whatever nodes and machines do."""
