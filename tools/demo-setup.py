#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""demo-setup.py NEEDLECTL CONTROL: what a new user does in `needlectl setup`, typed on a terminal of its own and shown as it happens.

CONTROL takes the words of the device in software, which is pressed when setup asks for it."""
import os
import pty
import re
import select
import sys
import time

DEADLINE_SEC = 120
TYPED_AFTER_SEC = 0.4           # so that one can read along
ANSWERS = [
        ('Which one? ', '\n'),
        ('What shall it be called? ', 'demo-pen\n'),
        ('Enter shows the rest: ', '\n'),
        ('Type yes to acknowledge it: ', 'yes\n'),
        ('Test demo-pen now? ', 'y\n'),
        ('Did it show itself, by light, sound or vibration? ', 'y\n'),
        ('and press Enter: ', '\n'),
        ('Press its tip once', None),
]


def show(data):
    if not sys.stdout.isatty():
        data = re.sub(rb'\x1b\[[0-9;?]*[A-Za-z]', b'', data.replace(b'\r\n', b'\n')).replace(b'\r', b'\n')
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def start(program):
    pid, master = pty.fork()
    if pid == 0:
        try:
            os.execv(program, [program, 'setup', f'--color={"auto" if sys.stdout.isatty() else "never"}'])
        finally:
            os._exit(127)
    return pid, master


def answer(master, text, control):
    if text is None:
        control.write('start\n')
        control.flush()
        return
    time.sleep(TYPED_AFTER_SEC)
    os.write(master, text.encode())


def follow(master, control):
    """Until its end, or the deadline: False."""
    said, left, deadline = '', list(ANSWERS), time.monotonic() + DEADLINE_SEC
    while time.monotonic() < deadline:
        if not select.select([master], [], [], 0.2)[0]:
            continue
        try:
            data = os.read(master, 4096)
        except OSError:         # EIO: it has ended
            return True
        if not data:
            return True
        show(data)
        said += data.decode(errors='replace')
        if left and left[0][0] in said:
            said = said.partition(left[0][0])[2]
            answer(master, left.pop(0)[1], control)
    return False


def main():
    program, control_path = sys.argv[1:]
    with open(control_path, 'w', encoding='utf-8') as control:
        pid, master = start(program)
        try:
            in_time = follow(master, control)
        except KeyboardInterrupt:
            in_time = None
        os.close(master)        # which hangs up on what still runs
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if in_time is None:
        return 130
    if not in_time:
        print(f'needlectl setup was not through after {DEADLINE_SEC} s.', file=sys.stderr)
        return 1
    return status


if __name__ == '__main__':
    sys.exit(main())
