# SPDX-License-Identifier: LGPL-2.1-or-later
"""A terminal that a program believes in: a tmux of its own. What stands on it is read as text."""
import os
import pathlib
import shlex
import subprocess

from stage import Failure, expect, wait_for


class Screen:
    """Runs a command line; what ends it is in left(), which compares the settings of the line discipline before and after."""

    def __init__(self, stage, command, columns=80, rows=24, env=None, utf8=True):
        self.dir = stage.dir / f'terminal{stage.count("terminal")}'
        self.dir.mkdir()
        self.errors = self.dir / 'stderr'
        lines = [f'export {key}={shlex.quote(str(value))}' for key, value in {
            **stage.env, 'LC_ALL': 'C.UTF-8' if utf8 else 'C', **(env or {})}.items()]
        lines += [f'cd {self.dir}', 'set -m', 'stty -g >before', f'{shlex.join(map(str, command))} 2>stderr', 'status=$?',
                  'while [ "$(jobs -s)" ]; do printf "\\r\\nstopped\\r\\n"; read -r line; fg >/dev/null; status=$?; done',
                  'stty -g >after', 'echo $status >part; mv part status; echo left', 'exec cat']
        (self.dir / 'script').write_text('\n'.join(lines) + '\n')
        self.tmux('-u', '-f', '/dev/null', 'new-session', '-d', '-x', columns, '-y', rows, f'exec bash {self.dir}/script')
        self.tmux('set', '-g', 'status', 'off')
        self.tmux('resize-window', '-x', columns, '-y', rows)
        self.shell = int(self.tmux('display', '-p', '#{pane_pid}'))

    def __enter__(self):
        return self

    def __exit__(self, kind, value, traceback):
        if kind:
            print('\n'.join(f'# {line}' for line in [*self.lines(), *self.said().splitlines()]))
        self.close()

    def tmux(self, *args, check=True):
        done = subprocess.run(['tmux', '-S', str(self.dir / 'socket'), *map(str, args)], capture_output=True, text=True,
                              check=False, timeout=60, env={**os.environ, 'TERM': 'xterm'})
        if check and done.returncode != 0:
            raise Failure(f'tmux {args}: {done.stderr}')
        return done.stdout

    def close(self):
        """As if somebody closed the window."""
        self.tmux('kill-server', check=False)

    def lines(self, *options):
        """From the top, without what is blank at the end of each."""
        return [line.rstrip() for line in self.tmux('capture-pane', '-p', *options, check=False).splitlines()]

    def text(self):
        return '\n'.join(self.lines())

    def shows(self, *parts, within=None):
        """Waits until all of them stand on it at once; the text."""
        try:
            return wait_for(f'{parts} on the terminal', lambda: text if all(part in (text := self.text())
                                                                            for part in parts) else None)
        except Failure:
            raise Failure(f'{parts} not on the terminal:\n{self.text()}') from None

    def hides(self, part):
        wait_for(f'{part!r} to go', lambda: part not in self.text())

    def bottom(self, text):
        try:
            wait_for(f'{text!r} at the bottom', lambda: self.lines()[-1:] == [text])
        except Failure:
            raise Failure(f'{text!r} is not at the bottom:\n{self.text()}') from None

    def keys(self, *names):
        """Keys by tmux's names: Enter, Escape, C-z, a."""
        self.tmux('send-keys', *names)

    def type(self, text):
        self.tmux('send-keys', '-l', text)

    def resize(self, columns, rows):
        self.tmux('resize-window', '-x', columns, '-y', rows)

    def children(self):
        """Of its shell: the program, while it runs."""
        return [int(pid) for pid in pathlib.Path(f'/proc/{self.shell}/task/{self.shell}/children').read_text().split()]

    def said(self):
        return self.errors.read_text() if self.errors.exists() else ''

    def left(self):
        """Waits for the end; the status. The terminal must be as it was."""
        status = int(wait_for('the end', lambda: (self.dir / 'status').exists() and (self.dir / 'status').read_text()))
        expect((self.dir / 'after').read_text(), (self.dir / 'before').read_text(), 'the settings of the terminal')
        expect(self.tmux('display', '-p', '#{alternate_on} #{cursor_flag}').strip(), '0 1', 'second screen, cursor')
        return status
