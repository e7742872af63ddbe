# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the shells propose after needlectl, asked of the shells themselves."""
import os
import pathlib
import subprocess

from stage import expect
from test_record import recorded

COMPLETIONS = pathlib.Path(__file__).resolve().parents[2] / 'client' / 'completions'

# As bash does it: the words of the line, then the function, then what it left in COMPREPLY.
BASH = r'''
source /usr/share/bash-completion/bash_completion
source "$1"
COMP_LINE=$2 COMP_POINT=${#2}
compopt() { :; }
# Readline breaks words at "=" and ":" too.
line=${2//=/ = }
read -ra COMP_WORDS <<<"${line//:/ : }"
[[ $2 == *[\ =:] ]] && COMP_WORDS+=('')
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
_needlectl
printf '%s\n' "${COMPREPLY[@]}"
'''

# zsh completes only where somebody types: a terminal of its own.
ZSH = r'''
zmodload zsh/zpty
zpty z 'zsh -f -i'
send() { zpty -w z "$1"; }
send 'PS1="<asks"">"; unsetopt zle_bracketed_paste; fpath=('"${1:h}"' $fpath); autoload -Uz compinit; compinit -u -d '"$3"'/zcompdump'
send 'LISTMAX=10000; setopt list_rows_first; zstyle ":completion:*" list-packed no; bindkey "^I" complete-word; echo REA""DY'
zpty -r z out '*READY*<asks>*'
zpty -w -n z "$2"$'\t'
send $'\x15echo DO""NE'
zpty -r z out '*DONE*'
print -r -- "$out"
'''


def words_of(stage, *words):
    """Those that needlectl proposes, without their meanings."""
    status, out, _ = stage.ctl('complete', '--', *words)
    expect(status, 0, 'status')
    return [line.split('\t')[0] for line in out.splitlines()]


def shell(stage, *command):
    path = f'{stage.build}/client:{os.environ["PATH"]}'
    done = subprocess.run(command, env={**os.environ, **stage.env, 'PATH': path, 'TERM': 'dumb', 'COLUMNS': '200', 'LINES': '200'},
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=120, check=False)
    return done.stdout


def bash(stage, line):
    return shell(stage, 'bash', '-c', BASH, 'bash', COMPLETIONS / 'needlectl.bash', line).split()


def fish(stage, line):
    script = f'source {COMPLETIONS / "needlectl.fish"}; complete -C "{line}"'
    return [row.split('\t')[0] for row in shell(stage, 'fish', '--no-config', '-c', script).splitlines()]


def test_what_needlectl_proposes(stage):
    session = str(recorded(stage)['id'])
    expect(words_of(stage, 'ses'), ['sessions'], 'a verb')
    expect('complete' in words_of(stage, ''), False, 'what is for the shells alone')
    expect('--seconds=' in words_of(stage, 'search', '--s'), True, 'an option of the verb')
    expect('--seconds=' in words_of(stage, 'devices', '--s'), False, 'an option of another verb')
    expect(words_of(stage, 'export', '--format=j'), ['--format=json'], 'the value of an option')
    expect(words_of(stage, 'export', '-f', 'c'), ['csv'], 'the value of a short option')
    expect(session in words_of(stage, 'log', '-f', ''), True, 'what is no argument of this verb\'s option')
    expect(words_of(stage, 'forget', ''), ['pen'], 'devices')
    expect(words_of(stage, '-q', 'sessions', '-d', ''), ['pen'], 'devices of an option')
    expect(words_of(stage, 'show', ''), ['latest', session], 'sessions, and the word for the newest')
    expect(words_of(stage, 'report', 'la'), ['latest'], 'the newest')
    expect(words_of(stage, 'finish', 'la'), [], 'which is no live one')
    expect(words_of(stage, 'delete', session, session[0]).count(session), 1, 'as many as one wants')
    expect(words_of(stage, 'show', session, ''), [], 'one alone')
    expect(words_of(stage, 'area', 'cheek-l'), ['cheek-left'], 'areas')
    expect(words_of(stage, 'stage', 'n'), ['numb', 'needling', 'none'], 'stages')
    expect(words_of(stage, 'set', 'zone_l'), ['zone_low_mn='], 'parameters')
    expect(words_of(stage, 'annotate', session, 'ra'), ['rating='], 'labels')
    expect(words_of(stage, 'autoconnect', 'pen', 'o'), ['on', 'off'], 'on and off')
    expect(words_of(stage, 'nonsense', ''), [], 'after a verb that there is not')
    expect(words_of(stage, 'import', ''), [], 'files are the shell\'s')


def test_what_is_more_than_a_word_is_not_proposed(stage):
    """Who adopts a device calls it what they like, and bash inserts what it is given as it is."""
    recorded(stage)
    address = stage.json('devices')['devices'][0]['address']
    alias = 'pen'
    for name in ('$(reboot)', '`reboot`', 'a;reboot', 'a&b', 'a|b', 'a>b', '"a', "it's", 'a\\b', '~', '*', 'a b', 'a\u00a0b', '-y', '#a', 'a=b', 'a:b', '!!', '{a,b}',
                 'a\u202eb', 'a\u2028b'):
        expect(stage.ctl('alias', '--', alias, name)[0], 0, f'alias {name!r}')
        expect(words_of(stage, 'forget', ''), [address], f'what is proposed for {name!r}')
        expect(bash(stage, 'needlectl forget '), [address], f'what bash proposes for {name!r}')
        alias = address
    expect(bash(stage, f'needlectl forget {address[:6]}'), [address[6:]], 'readline breaks words at ":"')
    expect(stage.ctl('alias', address, 'p\u00e4n_2.a')[0], 0, 'alias')
    expect(words_of(stage, 'forget', ''), ['p\u00e4n_2.a'], 'letters of any language')


def test_without_the_service_there_are_still_verbs(stage):
    expect(words_of(stage, 'ses'), ['sessions'], 'a verb')
    expect(words_of(stage, 'show', ''), [], 'sessions: there is no latest')


def test_bash(stage):
    recorded(stage)
    expect(bash(stage, 'needlectl ses'), ['sessions'], 'a verb')
    expect(bash(stage, 'needlectl forget '), ['pen'], 'a device')
    expect(bash(stage, 'needlectl show '), ['latest', '1'], 'sessions')
    expect(bash(stage, 'needlectl export 1 --format='), ['tape', 'json', 'csv'], 'values: what stands before "=" is there already')
    expect(bash(stage, 'needlectl export 1 --forc'), ['--force'], 'an option')


def test_fish(stage):
    recorded(stage)
    expect(fish(stage, 'needlectl ses'), ['sessions'], 'a verb')
    expect(fish(stage, 'needlectl forget '), ['pen'], 'a device')
    expect(fish(stage, 'needlectl show '), ['latest', '1'], 'sessions')
    expect(fish(stage, 'needlectl export 1 --format=j'), ['--format=json'], 'the value of an option')


def test_zsh(stage):
    recorded(stage)

    def zsh(line):
        return shell(stage, 'zsh', '-f', '-c', ZSH, 'zsh', str(COMPLETIONS / '_needlectl'), line, str(stage.dir))

    expect('sessions' in zsh('needlectl ses'), True, 'a verb')
    expect('pen' in zsh('needlectl forget '), True, 'a device')
    expect('--format=json' in zsh('needlectl export 1 --format=j'), True, 'the value of an option')
