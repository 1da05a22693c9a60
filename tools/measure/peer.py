"""Runs a script that times PyTorch steps, for a workload that it has with another batch too.

    python3 peer.py SCRIPT [the script's options]

Where --only names one that SCRIPT's table WORKLOADS lacks, as in NAME-b256, it is added from the first whose name is
NAME-b and a number, with the batch (the third of its fields) replaced.
"""
import importlib.util
import re
import sys

script = sys.argv.pop(1)
spec = importlib.util.spec_from_file_location("peer", script)
peer = importlib.util.module_from_spec(spec)
sys.modules["peer"] = peer  # where torch.compile looks for its names
spec.loader.exec_module(peer)
only = sys.argv[sys.argv.index("--only") + 1] if "--only" in sys.argv else ""
sized = re.fullmatch(r"(.*-b)(\d+)", only)
if sized and only not in peer.WORKLOADS:
    for name, (teacher, student, _, *rest) in list(peer.WORKLOADS.items()):
        if re.fullmatch(re.escape(sized[1]) + r"\d+", name):
            peer.WORKLOADS[only] = (teacher, student, int(sized[2]), *rest)
            break
peer.main()
