"""Real clocks that show in an application although the time of the process is frozen."""
