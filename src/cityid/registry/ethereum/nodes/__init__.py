"""Reading a chain through nodes of which any may lie: what they say, and how much of it counts."""
