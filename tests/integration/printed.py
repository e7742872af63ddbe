# SPDX-License-Identifier: LGPL-2.1-or-later
"""Documents whose lines work as printed: their console blocks are typed into one shell, in order, and what comes must be what is printed.

A block is fenced as ```console. A line that begins with "$ " is typed, with the lines that begin with "> " behind it; what follows, up to the
next, is what it must print, on stdout and stderr. There … stands for anything within a line, and on a line of its own for any lines. A
command for which nothing is printed must succeed.
"""
import os
import pathlib
import re
import secrets
import select
import shlex
import signal
import subprocess
import time

from stage import DEADLINE_SEC, SANITIZER_WORDS, Failure

ROOT = pathlib.Path(__file__).resolve().parents[2]


def blocks(text, language):
    """The fenced blocks of a language: (number of the first line within, lines) each."""
    inside, begin = None, 0
    for number, line in enumerate(text.splitlines(), 1):
        if inside is None and line.startswith('```'):
            inside, begin, lines = line[3:].strip(), number + 1, []
        elif inside is not None and line == '```':
            if inside == language:
                yield begin, lines
            inside = None
        elif inside is not None:
            lines.append(line)


def commands(text, language='console', prompt='$ '):
    """(number of its line, what is typed, what must be printed) each."""
    found = []
    for begin, lines in blocks(text, language):
        for number, line in enumerate(lines, begin):
            if line.startswith(prompt):
                found.append((number, [line[2:]], []))
            elif line.startswith('> ') and found and not found[-1][2]:
                found[-1][1].append(line[2:])
            elif found and number > begin:
                found[-1][2].append(line)
            else:
                raise Failure(f'line {number}: a console block begins with "{prompt}"')
    return [(number, '\n'.join(typed), printed) for number, typed, printed in found]


def matches(printed, came):
    pattern = ''.join(r'(?:.*\n)*?' if line.strip() == '…' else '.*?'.join(map(re.escape, line.rstrip().split('…'))) + r'\n' for line in printed)
    return re.fullmatch(pattern, ''.join(f'{line.rstrip()}\n' for line in came)) is not None


class Shell:
    """One bash, which keeps its variables from line to line. All that it has started ends with it."""

    def __init__(self, cwd, env):
        self.mark = secrets.token_hex(8)
        self.child = subprocess.Popen(['bash', '--norc'], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd=cwd,
                                      env=env, start_new_session=True)

    def __enter__(self):
        return self

    def __exit__(self, kind, value, traceback):
        self.child.stdin.close()
        try:
            os.killpg(self.child.pid, signal.SIGTERM)
        except ProcessLookupError:
            pass
        self.child.wait(DEADLINE_SEC)
        self.child.stdout.close()

    def type(self, command):
        """Returns the exit status and the lines that came."""
        self.child.stdin.write(f'eval {shlex.quote(command)} </dev/null\necho "{self.mark} $?"\n'.encode())
        self.child.stdin.flush()
        came, end = b'', time.monotonic() + DEADLINE_SEC
        while True:
            # What a command prints last may lack its line feed.
            text, mark, status = came.decode(errors='replace').rpartition(f'{self.mark} ')
            if mark and status.endswith('\n'):
                return int(status), text.splitlines()
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.child.stdout], [], [], left)[0]:
                raise Failure(f'gave up waiting for the end of: {command}\n{came.decode(errors="replace")}')
            part = os.read(self.child.stdout.fileno(), 65536)
            if not part:
                raise Failure(f'the shell ended at: {command}\n{came.decode(errors="replace")}')
            came += part


def as_it_is_read(stage):
    """The source tree, with the build in it where the documents say that it is."""
    tree = stage.dir / 'tree'
    (tree / 'build').mkdir(parents=True)
    for path in ROOT.iterdir():
        if path.name != 'build':
            (tree / path.name).symlink_to(path)
    (tree / 'build' / 'dev').symlink_to(stage.build.resolve())
    return tree


def run_text(stage, name, text, tree):
    """Types all that a document says and returns how many commands it were."""
    env = {**os.environ, **stage.env, 'LC_ALL': 'C.UTF-8', 'TMPDIR': str(stage.dir)}
    found = commands(text)
    with Shell(tree, env) as shell:
        for number, typed, printed in found:
            status, came = shell.type(typed)
            if not matches(printed, came) or (status != 0 and not printed):
                raise Failure('\n'.join([f'{name}:{number}: {typed}', f'status {status}; expected:', *printed, 'came:', *came]))
    return len(found)


def run_document(stage, name):
    """Types all that docs/NAME says, on a stage; returns how many commands it were. What they leave in $(mktemp -d) is looked at too."""
    count = run_text(stage, name, (ROOT / 'docs' / name).read_text(), as_it_is_read(stage))
    for log in stage.dir.rglob('*.log'):
        if any(word in log.read_text(errors='replace') for word in SANITIZER_WORDS):
            raise Failure(f'{log.name}: {log.read_text(errors="replace")}')
    return count
