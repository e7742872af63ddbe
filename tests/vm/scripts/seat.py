#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs in the guest as root: a command of a user who sits at the machine, in an active local session of logind, as after a login at the
first terminal. The session ends with it.

usage: seat.py USER COMMAND [ARGUMENT…]
"""

import os
import pwd
import sys

import dbus


def main():
    user, command = pwd.getpwnam(sys.argv[1]), sys.argv[2:]
    gate, opened = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(opened)
        os.read(gate, 1)
        os.initgroups(user.pw_name, user.pw_gid)
        os.setgid(user.pw_gid)
        os.setuid(user.pw_uid)
        os.execvp(command[0], command)
    os.close(gate)
    logind = dbus.Interface(dbus.SystemBus().get_object('org.freedesktop.login1', '/org/freedesktop/login1'), 'org.freedesktop.login1.Manager')
    session = logind.CreateSession(dbus.UInt32(user.pw_uid), dbus.UInt32(child), 'seat', 'tty', 'user', '', 'seat0', dbus.UInt32(1), 'tty1', '',
                                   False, '', '', dbus.Array([], signature='(sv)'))
    os.close(opened)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    session[3].take()       # it would have ended the session
    sys.exit(status)


if __name__ == '__main__':
    main()
