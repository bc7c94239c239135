"""The benchmarks the README quotes: ratios within one run, on throw-away engines."""
