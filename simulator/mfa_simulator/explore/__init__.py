"""Random lives: nothing is expected of them, and the invariants judge.

A life is a story that nobody wrote. Each is drawn by a seed, step by step, from what is possible at that moment; what
an invariant finds in it is shrunk to the steps that matter, and written as a scenario file.
"""
