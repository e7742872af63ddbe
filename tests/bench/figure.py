# SPDX-License-Identifier: LGPL-2.1-or-later
"""A measured figure beside its target, and the three ways to print many: table, JSON, TAP."""
import dataclasses
import json


@dataclasses.dataclass
class Figure:
    name: str
    value: float
    unit: str = ''
    target: float = None        # at most; None: told, not judged
    stretch: float = None       # what we would like
    gate: bool = False          # does not depend on how busy the machine is: fails the suite
    notes: list = dataclasses.field(default_factory=list)

    @property
    def good(self):
        return self.target is None or self.value <= self.target

    @property
    def verdict(self):
        if self.target is None:
            return ''
        if not self.good:
            return 'MISSED'
        return 'stretch' if self.stretch is not None and self.value <= self.stretch else 'ok'


def number(value):
    if value is None:
        return ''
    if value == int(value):
        return f'{int(value):,}'
    return f'{value:,.0f}' if value >= 1000 else f'{value:,.2f}'


def print_table(figures):
    rows = [('figure', 'value', 'target', 'stretch', '')]
    rows += [(f.name, f'{number(f.value)} {f.unit}'.strip(), number(f.target), number(f.stretch), f.verdict) for f in figures]
    widths = [max(len(row[i]) for row in rows) for i in range(5)]
    for figure, row in zip([None, *figures], rows):
        print(f'{row[0]:<{widths[0]}}  {row[1]:>{widths[1]}}  {row[2]:>{widths[2]}}  {row[3]:>{widths[3]}}  {row[4]}'.rstrip())
        for note in figure.notes if figure else []:
            print(f'    {note}')


def print_json(figures):
    print(json.dumps({'figures': [{**dataclasses.asdict(f), 'good': f.good} for f in figures]}, indent=1))


def tap_line(index, f):
    target = '' if f.target is None else f' (at most {number(f.target)})'
    lines = [f'{"ok" if f.good else "not ok"} {index} - {f.name}: {number(f.value)} {f.unit}'.rstrip() + target]
    return '\n'.join(lines + [f'# {note}' for note in f.notes])
