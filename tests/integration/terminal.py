# SPDX-License-Identifier: LGPL-2.1-or-later
"""needlectl on a terminal of its own."""
import fcntl
import os
import pty
import re
import select
import shutil
import struct
import subprocess
import termios
import time

from stage import DEADLINE_SEC, Failure, SANITIZER_WORDS, expect


class Terminal:
    """needlectl, or another program, on a terminal of its own, maybe another user's."""

    def __init__(self, stage, *args, user=None, rows=0, env=None, program=None):
        program = program or stage.binary('client/needlectl')
        if user:        # who may not look into the folder of the build
            program = shutil.copy(program, stage.dir / 'needlectl')
        self.master, slave = pty.openpty()
        self.text = ''
        if rows:
            fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack('HHHH', rows, 80, 0, 0))
        self.child = subprocess.Popen([str(program), *args], stdin=slave, stdout=slave, stderr=slave, cwd='/',
                                      env={**os.environ, **stage.env, **(env or {})}, start_new_session=True, user=user,
                                      preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        os.close(slave)

    def read(self):
        """Takes what has come; False at the end."""
        try:
            data = os.read(self.master, 4096) if select.select([self.master], [], [], 0.05)[0] else None
        except OSError:  # EIO: the other side is closed
            return False
        self.text += (data or b'').decode(errors='replace').replace('\r\n', '\n')
        return True

    def expect(self, pattern):
        """Waits until it says so, and returns the match; what came before is done with."""
        end = time.monotonic() + DEADLINE_SEC
        while not (found := re.search(pattern, self.text)):
            if not self.read() or time.monotonic() > end:
                raise Failure(f'needlectl never said {pattern!r}: {self.text!r}')
        self.text = self.text[found.end():]
        return found

    def type(self, text):
        os.write(self.master, text.encode())

    def end(self, status):
        """Waits for its end, and returns what it said last."""
        while self.read():
            pass
        os.close(self.master)
        expect(self.child.wait(DEADLINE_SEC), status, f'exit status of needlectl, which said {self.text!r}')
        if any(word in self.text for word in SANITIZER_WORDS):
            raise Failure(self.text)
        return self.text
