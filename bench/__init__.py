"""What it costs, beside the floor that the machine sets: ``make bench``, docs/performance.md."""
