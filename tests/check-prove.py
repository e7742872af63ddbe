#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""tools/prove, tried out on programs that print what tests print: which of it counts as proved; and that what its table names is there."""
import os
import pathlib
import re
import sys

TOP = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(TOP / 'tools'))
import prove                    # noqa: E402

# What a program prints, its exit status, whether it should have cases: how many are good, and bad.
RUNS = [
    ('1..2\nok 1 - /a\nok 2 - /b\n', 0, True, (2, 0)),
    ('1..2\nok 1 - /a\nnot ok 2 - /b\n', 1, True, (1, 1)),
    ('1..2\nok 1 - /a\nok 2 - /b # SKIP no root\n', 0, True, (1, 1)),
    ('1..1\nBail out! no guest\n', 1, True, (0, 1)),
    ('1..1\nok 1 - /a\n', 1, True, (1, 1)),
    ('1..3\nok 1 - /a\n', 0, True, (1, 2)),
    ('RSS idle      6.52 MiB  8  5  ok\nCPU at 400/s  1.10 %  1  MISSED\n', 1, True, (1, 1)),
    ('1..0\n', 0, True, (0, 1)),
    ('', 0, True, (0, 1)),
    ('', 0, False, (1, 0)),
    ('', 1, False, (0, 1)),
]


def is_there(kind, what, part):
    """Whether a source has the case: by its path in GLib's tests, by the name of its function in others. True for what names no source."""
    if kind in ('unit', 'sanitized', 'bus'):
        path = TOP / f'tests/{"bus" if kind == "bus" else "unit"}/test-{what}.c'
        return path.exists() and (not part or f'"{part}"' in path.read_text())
    if kind in ('integration', 'vm'):
        module, _, function = what.partition('.') if kind == 'vm' else (f'test_{what}', '', part)
        path = TOP / f'tests/{kind}/{module}.py'
        return path.exists() and bool(re.search(rf'^def test_.*{function.removeprefix("test_")}', path.read_text(), re.M))
    return True


def main():
    wrong = []
    for text, status, has_cases, expected in RUNS:
        found = prove.run(['sh', '-c', 'printf %s "$1"; exit "$2"', 'sh', text, status], dict(os.environ), has_cases)
        if found != expected:
            wrong.append(f'{text!r} and status {status}: {found}, expected {expected}')
    wrong += [f'there is no {kind} {what} {part}'.rstrip() for _, kind, what, part, *_ in prove.TESTS if not is_there(kind, what, part)]
    if wrong:
        sys.exit('\n'.join(wrong))


if __name__ == '__main__':
    main()
