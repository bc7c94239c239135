"""The kernel: what every context stands on and none of them owns."""
