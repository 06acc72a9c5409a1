#!/usr/bin/env python3
"""Runs the published test vectors over this verifier: vectors.py FOLDER. Exit code 1 if one is not as it should be."""

import base64
import hashlib
import json
import sys
from pathlib import Path

import verifier
from certificate import Certificate
from verifier import Refused, Trust, decode, encode

# What a verifier of steps 1 to 7 passes on: these are decided by the order memory (step 8).
LATER = {"begins", "done-before", "running", "interrupted", "busy", "cannot-record"}


def state_of(state, certificates):
    highest = {one["server"]: (one["generation"], decode(one["x5t#S256"])) for one in state["highest"]}
    return Trust(Certificate(certificates[state["certificate"]]), tuple(certificates[name] for name in state["bundle"]),
                 decode(state["owner"]), state["server"], highest[state["server"]][0], highest)


def first_trust(case, _):
    try:
        trust = verifier.first_trust(base64.b64decode(case["certificate"]))
    except ValueError:
        return "refused", case["expect"]
    return {"owner": encode(trust.owner), "server": trust.server, "generation": trust.generation}, case["expect"]


def rule_a(case, file):
    trust = state_of(file["states"][case["state"]], file["certificates"])
    bundle = [file["certificates"][name] for name in case["bundle"]]
    try:
        after = verifier.rule_a(trust, bundle, frozenset(map(decode, case["distrusted"])))
    except Refused as refused:
        return str(refused), case["expect"]
    return ("accepted", after.held()), (case["expect"], case.get("after"))


def judged(case, file, text, parse):
    trust = state_of(file["states"][case["state"]], file["certificates"])
    try:
        message = parse(text)
    except (ValueError, RecursionError):
        return None, trust, ("malformed", trust, False)
    fresh = message.payload["challenge"] in case["challenges"]
    return message, trust, verifier.judge(trust, message, file["agent"], case["clock"], fresh,
                                          frozenset(map(decode, case["distrusted"])))


def orders(case, file):
    _, _, (verdict, after, used) = judged(case, file, case["order"], verifier.parse_order)
    expect = case["expect"]
    wanted = None if expect["verdict"] in LATER else expect["verdict"]
    oh = encode(hashlib.sha256(verifier.signing_input(case["order"])).digest())
    return (verdict, used, after.held(), oh), (wanted, expect["challenge_used"], expect["held"], case["oh"])


def replies(case, file):
    message, _, (verdict, after, used) = judged(case, file, case["reply"], verifier.parse_reply)
    expect, inner = case["expect"], []
    if verdict is None:
        for text in message.payload["orders"]:
            inner.append(verifier.judge_inner(after, text, message, file["agent"], case["clock"],
                                              frozenset(map(decode, case["distrusted"]))))
    wanted = [None if one["verdict"] in LATER else one["verdict"] for one in expect.get("orders", [])]
    return (verdict, used, after.held(), inner), (
        None if expect["verdict"] == "passes" else expect["verdict"], expect["challenge_used"], expect["held"], wanted)


def main(folder):
    wrong = 0
    for name, run in (("first_trust", first_trust), ("rule_a", rule_a), ("orders", orders), ("replies", replies)):
        file = json.loads((Path(folder) / f"{name}.json").read_text())
        if file["format"] != "countersign vectors 1":
            sys.exit(f"{name}: unknown format")
        file["certificates"] = {key: base64.b64decode(der) for key, der in file.get("certificates", {}).items()}
        for case in file["cases"]:
            found, wanted = run(case, file)
            if found != wanted:
                wrong += 1
                print(f"{name}: {case['name']}:\n  found  {found}\n  wanted {wanted}")
        print(f"{name}: {len(file['cases'])} cases")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
