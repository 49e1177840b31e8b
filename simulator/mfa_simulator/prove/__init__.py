"""Every life of one account up to a number of commands, decided by the very function that the middleware runs.

Nothing is drawn by chance: a breadth-first search tries each action in each state, so that the first counter-example is
the shortest. States that differ only in names of ids and in the date are one state.
"""
