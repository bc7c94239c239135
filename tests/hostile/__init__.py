"""Hostile requests by the thousand: generated from a seed, sent to a real process, and looked at.

``make hostile CASES=100000 SEED=7`` runs as many as one likes; the suite runs a few. A case is what
some client could send: nothing is repaired on its way by a library that means well.
"""
