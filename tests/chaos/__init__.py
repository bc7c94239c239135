"""Chaos: the product's own processes under load while everything around them breaks.

``python -m tests.chaos --seed 7 --minutes 2`` (``make chaos SEED=7 MINUTES=2``) sells over HTTP on
two API processes, a worker and the sandbox gateway while PostgreSQL, Redis and the processes
themselves are killed, frozen and cut off by a plan that follows from the seed. Afterwards
everything is compared with what buyers were told and with what the gateway captured.
"""
