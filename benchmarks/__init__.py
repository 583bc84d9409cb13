"""How fast cityid is, as ratios within one run: ``python -m benchmarks``."""
