"""The rules: values and pure functions, without I/O, clock, randomness or WSGI.

:func:`wsgi_mfa.core.engine.decide` is the one entry; everything else here is what it is made of.
"""
