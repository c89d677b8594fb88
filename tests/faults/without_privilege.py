"""Runs a command of ec2mon for which the rights of files hold, though root runs the tests."""

import ctypes
import os
import sys

PR_CAPBSET_DROP, CAP_DAC_OVERRIDE = 24, 1

if __name__ == "__main__":
    # What is out of the bounding set, the next program of root does not get.
    if os.geteuid() == 0 and ctypes.CDLL(None, use_errno=True).prctl(PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "root could not give up to write what is read-only")
    os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
