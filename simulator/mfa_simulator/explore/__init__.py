"""Random lives: nothing is expected of them, and the invariants judge.

A life is a story that was never written. Each is drawn by a seed, step by step, from what is possible at that
moment. What an invariant finds in it is shrunk to the steps that matter, and written as a scenario file.
"""
