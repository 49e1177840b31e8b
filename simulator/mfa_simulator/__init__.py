"""Replays what happens to people, phones, clocks and a network from YAML files, in virtual time, against the real code."""
