#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Prints what the processes of the daemons hold, in a form that does not change from run to run.

usage: privs.py LAB NAME=PID...

One block per process: the daemon that it belongs to and its place in the tree of forks (0 is the
process itself, 0.0 its first child, ...). All threads of a process must agree.
"""
import os
import pwd
import re
import sys

FIELDS = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp")


def status(path):
    with open(path + "/status") as f:
        return dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)


def user(uid):
    return "root" if uid == 0 else pwd.getpwuid(uid).pw_name


def rights(path):
    s = status(path)
    uids, gids = s["Uid"].split("\t"), s["Gid"].split("\t")
    if len(set(uids)) != 1 or len(set(gids)) != 1:
        return "mixed ids %s %s" % (uids, gids)
    groups = s.get("Groups", "").split()
    return "user=%s groups=%s %s" % (
        user(int(uids[0])), len(groups), " ".join("%s=%s" % (k, s[k]) for k in FIELDS))


def descriptors(pid, lab):
    kinds = set()
    for fd in os.listdir("/proc/%s/fd" % pid):
        try:
            target = os.readlink("/proc/%s/fd/%s" % (pid, fd))
        except FileNotFoundError:
            continue
        target = target.replace(lab, "LAB")
        target = re.sub(r"^/proc/%s/" % pid, "/proc/self/", target)
        target = re.sub(r"^(socket|pipe):\[\d+\]$", r"\1", target)
        kinds.add(target)
    return sorted(kinds)


def children(pid):
    found = set()
    for task in os.listdir("/proc/%s/task" % pid):
        with open("/proc/%s/task/%s/children" % (pid, task)) as f:
            found.update(f.read().split())
    return sorted(found, key=int)


def show(name, place, pid, lab):
    threads = {rights("/proc/%s/task/%s" % (pid, t)) for t in os.listdir("/proc/%s/task" % pid)}
    print("%s %s" % (name, place))
    for line in sorted(threads):
        print("  " + line)
    for kind in descriptors(pid, lab):
        print("  fd " + kind)
    for i, child in enumerate(children(pid)):
        show(name, "%s.%d" % (place, i), child, lab)


def main():
    lab = sys.argv[1]
    for word in sys.argv[2:]:
        name, pid = word.split("=")
        show(name, "0", pid, lab)


main()
