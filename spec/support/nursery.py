#!/usr/bin/python3
"""Runs a script of servers again and again without loading Python each time: nursery.py SCRIPT PIPE, see nursery.lua.

SCRIPT is a module with main(), which reads sys.argv; its prepare(), if it has one, loads what all runs need. PIPE: each
line is a JSON object, {"arguments": [...], "out": PATH, "pid": PATH, "parent": PID}. For each, a process like this one
runs main(). It is a child of this one's parent, ends with it at the latest, has `out` as its output, and `pid` names it
in the file of that name."""

import ctypes
import json
import os
import platform
import signal
import sys
import traceback
from importlib import util

CALLS = {"x86_64": 56, "aarch64": 220}  # of clone(2), by machine
CLONE_PARENT = 0x8000
PR_SET_PDEATHSIG = 1

python = ctypes.pythonapi
libc = ctypes.PyDLL(None, use_errno=True)


def load(path):
    sys.path[0] = os.path.dirname(os.path.abspath(path))
    spec = util.spec_from_file_location("script", path)
    module = util.module_from_spec(spec)
    spec.loader.exec_module(module)
    getattr(module, "prepare", lambda: None)()
    return module


def clone():
    """As os.fork(), but the child is a sister."""
    python.PyOS_BeforeFork()
    pid = libc.syscall(CALLS[platform.machine()], CLONE_PARENT | signal.SIGCHLD, 0, 0, 0, 0)
    if pid == 0:
        python.PyOS_AfterFork_Child()
    else:
        python.PyOS_AfterFork_Parent()
    if pid < 0:  # a caller would signal -1, which is every process
        raise OSError(ctypes.get_errno(), "clone")
    return pid


def redirect(path):
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(file, 1)
    os.dup2(file, 2)
    os.close(file)


def live(module, asked):
    """In the new process: leaves it."""
    status = 1
    try:
        libc.prctl(PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)
        redirect(asked["out"])
        sys.argv[1:] = asked["arguments"]
        if os.getppid() == asked["parent"]:  # else it has ended meanwhile
            module.main()
            status = 0
    except SystemExit as leaving:
        if isinstance(leaving.code, str):
            print(leaving.code, file=sys.stderr)
        status = leaving.code if isinstance(leaving.code, int) else int(leaving.code is not None)
    except BaseException:
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def serve(module, lines):
    for line in lines:
        asked = json.loads(line)
        pid = clone()
        if pid == 0:
            lines.close()
            live(module, asked)
        with open(asked["pid"] + ".new", "w", encoding="ascii") as file:
            file.write(f"{pid}\n")
        os.rename(asked["pid"] + ".new", asked["pid"])


def main():
    module, path = load(sys.argv[1]), sys.argv[2]
    sys.argv[0:3] = sys.argv[1:2]
    platform.machine()  # it may ask a program, once
    with open(os.open(path, os.O_RDWR), encoding="utf-8") as lines:  # it is a writer too: they do not end
        serve(module, lines)


main()
