"""Run the gabbi files of a folder as gabbi's documentation has it, by unittest: ``run_gabbi.py FOLDER``."""

from __future__ import annotations

import sys
import unittest

from gabbi import driver
from replay import application

tests = driver.build_tests(sys.argv[1], unittest.TestLoader(), intercept=application)
sys.exit(not unittest.TextTestRunner(verbosity=0).run(tests).wasSuccessful())
