# SPDX-License-Identifier: LGPL-2.1-or-later
"""What many tests begin with, made once a run."""

import fcntl


def enter(guest, name, make):
    """What make(guest) leaves. The first test that asks for it makes it and saves the machine, and all of them go on from there, that one too. A guest in which
    something was done already is not given up for it."""
    if guest.scenes is None or guest.touched:
        make(guest)
        return
    state = guest.scenes / name
    with open(f'{state}.lock', 'wb') as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not state.exists():
            make(guest)
            guest.save(state)
    guest.stop()
    guest.restore(state)
