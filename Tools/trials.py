"""Imported by the tools that try to make Kura lose something: what they need, the real kura, and the seed."""
import argparse
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

TOOLS = Path(__file__).resolve().parent
REPOSITORY = TOOLS.parent
KURA = REPOSITORY / ".build/release/kura"

# Exit codes of kura.
DONE, FAILED, WARNINGS, NOT_FOUND, LOCKED, DAMAGED, NO_SPACE, INTERRUPTED = 0, 1, 3, 10, 11, 12, 13, 130
# Exit code of a tool that cannot do its work here.
SKIPPED = 77


class Lost(Exception):
    """A promise that was not kept."""


class Skip(Exception):
    """Something that this machine does not have."""


def parser(doc, seed=None):
    """The options that these tools have in common."""
    options = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawTextHelpFormatter)
    options.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    options.add_argument("--kura", type=Path, default=KURA, help="default: a release build, made when it is missing")
    return options


def sourced(file, command, *arguments):
    """Runs a function of one of the files that tools source; its standard output."""
    done = subprocess.run(
        ["bash", "-c", f'source "$1" && shift && {command} "$@"', "bash", str(TOOLS / file), *arguments],
        stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise Skip(f"{command} {' '.join(arguments)} failed")
    return done.stdout.strip()


def need(*packages):
    """After it, every Debian package is installed."""
    sourced("needs", "need", *packages)


def why_no_mounts():
    """Why this machine cannot mount disk images; nothing where it can."""
    return sourced("disk-parts", "why_no_mounts")


def private_mounts():
    """Goes on in a name space of its own: its mounts vanish with the process, however it ends."""
    if os.environ.get("KURA_MOUNTS") != "private":
        os.environ["KURA_MOUNTS"] = "private"
        os.execvp("unshare", ["unshare", "-m", "--propagation", "private", sys.executable, *sys.argv])


def program(path):
    """The kura to try. The default one is built when it is missing."""
    if path == KURA and not path.exists():
        sourced("needs", "need_swift")
        sourced("needs", 'need "${build_needs[@]}" #')
        subprocess.run(
            ["swift", "build", "--package-path", str(REPOSITORY), "-c", "release", "--product", "kura"],
            stdout=sys.stderr, check=True)
    if not path.exists():
        raise Skip(f"there is no {path}")
    # A stack trace of a program that is killed all the time takes longer than the program.
    os.environ["SWIFT_BACKTRACE"] = "enable=no"
    return path.resolve()


def faults(folder):
    """Compiles faults.c into a folder: a library that makes calls fail, as its environment says."""
    compiler = next((found for found in map(shutil.which, ("cc", "gcc", "clang")) if found), None)
    if not compiler:
        raise Skip("there is no C compiler")
    library = folder / "faults.so"
    subprocess.run([compiler, "-O1", "-shared", "-fPIC", "-o", library, TOOLS / "faults.c", "-ldl"], check=True)
    return library
