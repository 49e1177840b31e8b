"""Replays people, phones, clocks and a network from YAML files, in virtual time, against the real middleware."""
