"""Run a module with the settings of the tests: `python -m tests.with_settings django check`."""

import os
import runpy
import sys

import tests.environment  # noqa: F401  (sets the environment)

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ec2mon.settings")
sys.argv = sys.argv[1:]
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
