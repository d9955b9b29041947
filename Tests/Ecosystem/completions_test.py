"""Asks bash, zsh and fish what they offer behind TAB, with the scripts that "make
install" writes.

Usage: completions_test.py TOOL DIRECTORY

bash and fish are asked by their own functions; zsh runs in a terminal, for it completes
nowhere else. The expected values are those that the tool itself accepts or lists.
"""

import json
import os
import pty
import re
import select
import subprocess
import sys
import time

tool, directory = os.path.realpath(sys.argv[1]), sys.argv[2]
folder = os.path.join(directory, "completions")
os.makedirs(os.path.join(folder, "bin"))
os.makedirs(os.path.join(folder, "here", "folder"))
os.symlink(tool, os.path.join(folder, "bin", "dmamatrix"))
for name in ("one.db", "two.db", "notes.txt"):
    open(os.path.join(folder, "here", name), "w").close()
scripts = {}
for shell in ("bash", "zsh", "fish"):
    scripts[shell] = os.path.join(folder, "_dmamatrix" if shell == "zsh" else shell)
    text = subprocess.run([tool, "--generate-completion-script", shell], check=True,
                          capture_output=True, text=True).stdout
    with open(scripts[shell], "w") as file:
        file.write(text)
environment = {"PATH": f"{folder}/bin:{os.environ['PATH']}", "HOME": folder, "TERM": "dumb",
               "LC_ALL": "C.UTF-8"}
here = os.path.join(folder, "here")


def bash(line):
    """The words that the function of a line's first word replies."""
    program = f"""
      source {scripts['bash']}
      COMP_LINE={json.dumps(line)}; COMP_POINT=${{#COMP_LINE}}; COMP_TYPE=9; COMP_KEY=9
      read -ra COMP_WORDS <<<"$COMP_LINE"
      [[ "$COMP_LINE" = *' ' ]] && COMP_WORDS+=('')
      COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
      _dmamatrix dmamatrix "${{COMP_WORDS[COMP_CWORD]}}" "${{COMP_WORDS[COMP_CWORD-1]}}"
      printf '%s\\n' "${{COMPREPLY[@]}}" """
    return subprocess.run(["bash", "--norc", "-c", program], env=environment, cwd=here,
                          capture_output=True, text=True, check=True).stdout.split("\n")


def fish(line):
    program = f"source {scripts['fish']}; complete -C {json.dumps(line)}"
    told = subprocess.run(["fish", "--no-config", "-c", program], env=environment, cwd=here,
                          capture_output=True, text=True, check=True).stdout
    return [word.split("\t")[0] for word in told.split("\n")]


class Terminal:
    """An interactive zsh that lists what it would offer, one word a line."""

    def __init__(self):
        process, self.file = pty.fork()
        if process == 0:
            os.chdir(here)
            os.execvpe("zsh", ["zsh", "-f", "-i"], dict(environment, COLUMNS="200", LINES="50"))
        # All matches go to a file instead of the screen.
        self.list = os.path.join(folder, "list")
        for command in (
                "PS1='ready> '", "unsetopt zle_bracketed_paste prompt_cr", "stty -echo",
                f"fpath=({folder} $fpath)", "autoload -Uz compinit && compinit -u -D",
                "zmodload zsh/zutil",
                # Every match of every group, as compadd is given it.
                "compadd() { local -a seen; builtin compadd -O seen \"$@\" 2>/dev/null;"
                f" print -rl -- $seen >>{self.list}; builtin compadd \"$@\" }}",
                "bindkey '^I' complete-word", "echo 'al''l set'"):
            os.write(self.file, (command + "\n").encode())
        self.wait("all set")

    def wait(self, mark, seconds=30):
        seen, end = "", time.monotonic() + seconds
        while mark not in seen:
            assert time.monotonic() < end, f"zsh: {seen[-400:]!r}"
            if select.select([self.file], [], [], 0.2)[0]:
                seen += os.read(self.file, 65536).decode(errors="replace")
        return seen

    def offered(self, line):
        open(self.list, "w").close()
        # Behind the TAB the line is thrown away, and a mark is printed.
        os.write(self.file, (line + "\t").encode())
        end, words = time.monotonic() + 20, []
        while time.monotonic() < end:
            time.sleep(0.3)
            with open(self.list) as file:
                now = file.read().split("\n")
            if now == words and len(now) > 1:
                break
            words = now
        os.write(self.file, b"\x15")
        time.sleep(0.2)
        os.write(self.file, b"echo 'do''ne'\n")
        self.wait("done")
        return words


zsh = Terminal()


def accepted(*arguments):
    """What an error says that an option takes."""
    told = subprocess.run([tool, *arguments], cwd=here, capture_output=True, text=True).stderr
    return re.search(r"accepted: (.*)", told)[1].split(", ")


help_text = json.loads(subprocess.run([tool, "--experimental-dump-help"], check=True,
                                      capture_output=True, text=True).stdout)["command"]
commands = [command["commandName"] for command in help_text["subcommands"]
            if command["commandName"] != "help"]
platforms = accepted("explain", "--kernel", "7.3", "--platform", "nothing")
cases = [
    ("dmamatrix compare --format ", accepted("compare", "v6", "v7", "--format", "?"), ["html"]),
    ("dmamatrix check --format ", accepted("check", "--format", "?"), ["html"]),
    ("dmamatrix query --format c", ["csv"], ["json"]),
    ("dmamatrix generate --platform se", ["sev"], ["tdx"]),
    ("dmamatrix generate --platform sev,", ["sev,tdx", "sev,x86"], ["sev,sev", "tdx"]),
    ("dmamatrix generate --platform sev,tdx,x86-sme5", ["sev,tdx,x86-sme51"], ["x86-sme51"]),
    ("dmamatrix check --lint mask-monotone,alloc", ["mask-monotone,alloc-agrees"], []),
    ("dmamatrix generate --kernel v6,v", ["v6,v7"], ["v7"]),
    ("dmamatrix query -d ", ["one.db", "two.db"], ["notes.txt"]),
    ("dmamatrix merge -o new.db o", ["one.db"], ["notes.txt"]),
    ("dmamatrix help ", commands, ["csv"]),
    ("dmamatrix help expo", ["export"], ["query"]),
    ("dmamatrix help export ", ["csv", "datasette"], ["query"]),
    ("dmamatrix report vers", ["versions"], []),
    ("dmamatrix compare v6+P0", ["v6+P03"], []),
]
assert len(platforms) > 10 and set(platforms) > {"sev", "tdx"}, platforms
wrong = []
for shell, ask in (("bash", bash), ("zsh", zsh.offered), ("fish", fish)):
    for line, wanted, unwanted in cases:
        words = ask(line)
        lacking = [word for word in wanted if word not in words]
        extra = [word for word in unwanted if word in words]
        if lacking or extra:
            wrong.append(f"{shell}: {line!r} lacks {lacking}, has {extra}: {words[:30]}")
assert not wrong, "\n".join(wrong)
print(f"completions: {len(cases)} lines in bash, zsh and fish: ok")
