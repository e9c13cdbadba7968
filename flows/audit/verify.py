#!/usr/bin/env python3
"""Verify a proof export of Breakglass without anything of Breakglass.

    python3 verify.py EXPORT KEY [CHECKPOINTS ...]
    python3 verify.py --entry PROOF STORY KEY [CHECKPOINTS ...]

PROOF is an answer of /v1/audit/proof and STORY one of /v1/audit/requests/ID: together
they show one entry. EXPORT is what "breakglass audit export --proof" wrote, KEY the public key that the
auditor pinned, CHECKPOINTS files with checkpoints that were kept outside of the
database. Python 3.8 or newer and its standard library are all it needs. It exits with
0 if everything holds, with 3 if not, and names the first place. What is checked and
how things are written: README.md beside this file.
"""
import base64
import hashlib
import json
import re
import sys

# Ed25519 as in RFC 8032, section 6: slow and plain.
P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT = pow(2, (P - 1) // 4, P)


def add(p, q):
    a, b = (p[1] - p[0]) * (q[1] - q[0]) % P, (p[1] + p[0]) * (q[1] + q[0]) % P
    c, d = 2 * p[3] * q[3] * D % P, 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(n, p):
    q = (0, 1, 1, 0)
    while n:
        if n & 1:
            q = add(q, p)
        p, n = add(p, p), n >> 1
    return q


def same(p, q):
    return (p[0] * q[2] - q[0] * p[2]) % P == 0 and (p[1] * q[2] - q[1] * p[2]) % P == 0


def point(raw):
    y = int.from_bytes(raw, "little")
    sign, y = y >> 255, y & (1 << 255) - 1
    xx = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(xx, (P + 3) // 8, P)
    if (x * x - xx) % P:
        x = x * ROOT % P
    if y >= P or (x * x - xx) % P or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = P - x
    return x, y, 1, x * y % P


BASE = point((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


def signed(public, message, signature):
    a, r, s = point(public), point(signature[:32]), int.from_bytes(signature[32:], "little")
    if a is None or r is None or s >= L or len(signature) != 64:
        return False
    h = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % L
    return same(times(s, BASE), add(r, times(h, a)))


def parse_key(text):
    name, number, key = text.strip().split("+", 2)
    raw = base64.b64decode(key, validate=True)
    if raw[0] != 1 or len(raw) != 33 or hashlib.sha256(name.encode() + b"\n" + raw).digest()[:4].hex() != number:
        raise ValueError("this is no public key of a checkpoint")
    return name, bytes.fromhex(number), raw[1:]


def open_note(text, key):
    """The size and the root of a checkpoint that the key signed."""
    name, number, public = key
    body, mark, signatures = text.partition("\n\n")
    body += "\n"
    lines = body.split("\n")
    if not mark or len(lines) != 4 or lines[0] != name or not re.fullmatch("[1-9][0-9]*", lines[1]):
        raise ValueError("it is not of this log")
    match = re.fullmatch("\u2014 (\\S+) (\\S+)\n", signatures)
    raw = base64.b64decode(match[2], validate=True) if match else b""
    if not match or match[1] != name or base64.b64encode(raw).decode() != match[2]:
        raise ValueError("it has not one signature of the key")
    root = base64.b64decode(lines[2], validate=True)
    if raw[:4] != number or not signed(public, body.encode(), raw[4:]):
        raise ValueError("its signature does not hold")
    return int(lines[1]), root


def node(left, right):
    return hashlib.sha256(b"\1" + left + right).digest()


class Tree:
    """The right edge of a Merkle tree, RFC 6962."""

    def __init__(self):
        self.size, self.edge = 0, []

    def add(self, data):
        right, size = hashlib.sha256(b"\0" + data).digest(), self.size
        leaf = right
        while size & 1:
            right, size = node(self.edge.pop(), right), size >> 1
        self.edge.append(right)
        self.size += 1
        return leaf.hex()

    def root(self):
        if not self.edge:
            return hashlib.sha256(b"").digest()
        right = self.edge[-1]
        for left in reversed(self.edge[:-1]):
            right = node(left, right)
        return right


def unique(pairs):
    if len({k for k, _ in pairs}) != len(pairs):
        raise ValueError("a name stands twice")
    return dict(pairs)


def whole(text):
    if "." in text or not -2**63 <= int(text) < 2**63:
        raise ValueError("a number is not a whole one: " + text)
    return int(text)


def load(text):
    return json.loads(text, object_pairs_hook=unique, parse_int=whole, parse_float=whole, parse_constant=whole)


def dump(value, sort=False):
    return json.dumps(value, sort_keys=sort, separators=(",", ":"), ensure_ascii=False)


def plain(text):
    """Text that comes from a file, without what a terminal obeys."""
    return "".join(c if c.isprintable() else "?" for c in text)


def commitments(value, path="", depth=0):
    if depth > 64:
        raise ValueError("the entry is nested too deep")
    if isinstance(value, dict):
        if list(value) == ["commit"] and str(value["commit"]).startswith("sha256:"):
            yield path, value["commit"]
            return
        for k, v in value.items():
            yield from commitments(v, path + "." + k if path else k, depth + 1)
    elif isinstance(value, list):
        for i, v in enumerate(value):
            yield from commitments(v, path + "." + str(i), depth + 1)


def commit(path, salt, value):
    h = hashlib.sha256()
    for part in (b"breakglass commitment v1", path.encode(), salt, value.encode()):
        h.update(str(len(part)).encode() + b":" + part)
    return "sha256:" + h.hexdigest()


class Verifier:
    def __init__(self, key, kept):
        self.key, self.kept = key, sorted(kept)
        self.tree, self.ends, self.found = Tree(), {}, []
        self.heads, self.signed, self.witnessed, self.lost, self.erased = 0, 0, 0, [], set()
        self.last = None  # what stood before: nothing, the line that begins, or the one that ends

    def find(self, what):
        self.found.append("place %d: %s" % (self.tree.size, what))

    def line(self, line):
        first, end = self.last is None, '{"end":true,"entries":%d,"checkpoints":%d}' % (self.tree.size, self.heads)
        if self.last == "end":
            self.find("something stands after the end")
        elif first:
            self.last = "begin"
            if line != '{"breakglass":"audit proof","v":1}':
                raise ValueError("the first line is not that of an export")
        elif line.startswith('{"leaf":'):
            self.leaf(line)
        elif line == end:
            self.last = "end"
        else:
            got = load(line)
            if dump(got) != line or list(got) != ["checkpoint"]:
                raise ValueError("a line is not what comes here, or not as an export writes it")
            self.checkpoint(got["checkpoint"])

    def leaf(self, line):
        head, mark, raw = line.partition(',"entry":')
        raw = raw[:-1]
        head = load(head + "}")
        try:
            if head["leaf"] != self.tree.size:
                self.find("the entry says it is at place %d" % head["leaf"])
            openings = [{"path": o["path"], "salt": bytes.fromhex(o["salt"]).hex(), "value": o["value"]} for o in head["openings"]]
            if dump({"leaf": int(head["leaf"]), "openings": openings})[:-1] + mark + raw + "}" != line:
                raise ValueError("the line is not as an export writes it")
            entry = load(raw)
            kinds = [type(entry[k]) for k in ("at", "chain", "prev", "seq", "v", "verb")]
            if dump(entry, sort=True) != raw or kinds != [int, str, str, int, int, str] or min(entry["seq"], entry["v"]) < 1:
                raise ValueError("the entry is not in the canonical form")
            self.entry(entry, openings, hashlib.sha256(b"\0" + raw.encode()).hexdigest())
        finally:
            self.tree.add(raw.encode())
            self.witness()

    def entry(self, entry, openings, leaf):
        name = "%s/%d" % (entry["chain"], entry["seq"])
        seq, prev = self.ends.get(entry["chain"], (0, ""))
        if (entry["seq"], entry["prev"]) != (seq + 1, prev):
            self.find("%s does not follow entry %d of its chain" % (name, seq))
        self.ends[entry["chain"]] = (entry["seq"], leaf)
        if entry["verb"] == "erased" and isinstance(entry.get("facts"), dict) and isinstance(entry["facts"].get("openings"), list):
            self.erased.update(o for o in entry["facts"]["openings"] if isinstance(o, str))
        want = dict(commitments(entry))
        if [o["path"] for o in openings] != sorted({o["path"] for o in openings}, key=str.encode):
            self.find("the openings of %s are not in their order" % name)
        for o in openings:
            if want.pop(o["path"], None) != commit(o["path"], bytes.fromhex(o["salt"]), o["value"]):
                self.find("an opening of %s opens nothing: %s" % (name, o["path"]))
        self.lost += [(self.tree.size, "%s/%s" % (name, path)) for path in want]

    def checkpoint(self, text):
        self.heads += 1
        try:
            size, root = open_note(text, self.key)
        except ValueError as e:
            self.find("the checkpoint that stands here: %s" % e)
            return
        if (size, root) != (self.tree.size, self.tree.root()):
            self.find("the checkpoint of %d entries is of others than the %d before it" % (size, self.tree.size))
        else:
            self.signed = size

    def witness(self):
        while self.kept and self.kept[0][0] <= self.tree.size:
            size, root = self.kept.pop(0)
            if root == self.tree.root():
                self.witnessed = size
            else:
                self.find("the kept checkpoint of %d entries is of others: something from place %d on was changed" % (size, self.witnessed))

    def end(self):
        if self.last != "end":
            self.find("the export ends in the middle")
        if self.kept:
            self.find("a kept checkpoint is of %d entries, and there are %d: some were removed" % (self.kept[-1][0], self.tree.size))
        for place, path in self.lost:
            if path not in self.erased:
                self.found.append("place %d: a value cannot be opened, and nothing says that it was erased: %s" % (place, path))


def kept_in(text, key):
    for note in re.findall("(?m)^\\S+\n[0-9]+\n[A-Za-z0-9+/]{43}=\n\n\u2014 \\S+ \\S+\n", text):
        yield open_note(note, key)
    for name, size, root in re.findall("Audit log (\\S+): ([0-9]+) entries, root ([A-Za-z0-9+/]{43}=)\\.", text):
        if name == key[0]:
            yield int(size), base64.b64decode(root)


def included(leaf, index, size, path):
    """The root that an inclusion proof leads to (RFC 9162, 2.1.3.2)."""
    fn, sn, h = index, size - 1, leaf
    for p in path:
        if sn == 0:
            raise ValueError("the proof is too long")
        if fn & 1 or fn == sn:
            h = node(p, h)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            h = node(h, p)
        fn, sn = fn >> 1, sn >> 1
    if sn or not 0 <= index < size:
        raise ValueError("the proof is too short")
    return h


def grown(old, old_root, size, path):
    """The root of the newer tree that goes on from the older one (RFC 9162, 2.1.4.2)."""
    if old == size and not path:
        return old_root
    if not 0 < old < size:
        raise ValueError("a tree of %d entries does not go on from one of %d" % (size, old))
    path = list(path) if old & old - 1 else [old_root] + list(path)
    fn, sn = old - 1, size - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    fr = sr = path[0]
    for p in path[1:]:
        if sn == 0:
            raise ValueError("the proof of growth is too long")
        if fn & 1 or fn == sn:
            fr, sr = node(p, fr), node(p, sr)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = node(sr, p)
        fn, sn = fn >> 1, sn >> 1
    if sn or fr != old_root:
        raise ValueError("the newer tree does not go on from the older one")
    return sr


def one_entry(proof, story, key, kept):
    """What is wrong with the proof of one entry; the words to say if nothing is."""
    raw = [e["bytes"].encode() for e in story["entries"] if e["hash"] == proof["hash"]]
    if len(raw) != 1:
        raise ValueError("the story has no entry with the hash that was proved")
    entry = json.loads(raw[0])
    root = base64.b64decode(proof["root"], validate=True)
    leaf = hashlib.sha256(b"\0" + raw[0]).digest()
    path = [base64.b64decode(h, validate=True) for h in proof.get("inclusion", [])]
    if leaf.hex() != proof["hash"] or included(leaf, proof["leaf"], proof["size"], path) != root:
        raise ValueError("entry %d of %s is not in the tree of %d entries" % (entry["seq"], entry["chain"], proof["size"]))
    if open_note(proof["checkpoint"], key) != (proof["size"], root):
        raise ValueError("the checkpoint is of another tree")
    growth, witnessed = [base64.b64decode(h, validate=True) for h in proof.get("growth", [])], 0
    for size, was in kept:
        if size == proof["size"] and was != root or size == proof.get("from") and grown(size, was, proof["size"], growth) != root:
            raise ValueError("the kept checkpoint of %d entries is of another log" % size)
        witnessed += size in (proof["size"], proof.get("from"))
    return "entry %d of %s (%s) is at place %d of %d, signed; held to %d kept checkpoints" % (
        entry["seq"], entry["chain"], entry["verb"], proof["leaf"], proof["size"], witnessed)


def read(file):
    with open(file, encoding="utf-8", newline="\n") as f:
        return f.read()


def main(args):
    single = args[:1] == ["--entry"]
    if len(args) < (4 if single else 2):
        print(__doc__)
        return 2
    key = parse_key(args[3 if single else 1])
    kept = []
    for file in args[4 if single else 2:]:
        found = list(kept_in(read(file), key))
        if not found:
            raise ValueError("there is no checkpoint of this log in %s" % file)
        kept += found
    if single:
        print(plain(one_entry(json.loads(read(args[1])), json.loads(read(args[2])), key, kept)))
        return 0
    v = Verifier(key, kept)
    with open(args[0], encoding="utf-8", newline="\n") as f:
        for line in f:
            try:
                v.line(line[:-1] if line.endswith("\n") else line + " (without its end)")
            except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as e:
                v.find(str(e))
    v.end()
    print("%d entries, %d checkpoints; %d are signed for, %d by a checkpoint from outside" % (v.tree.size, v.heads, v.signed, v.witnessed))
    for what in v.found[:20]:
        print("NOT AS IT WAS SIGNED: " + plain(what))
    return 3 if v.found else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except (OSError, ValueError, KeyError, TypeError) as e:
        print("NOT AS IT WAS SIGNED: it cannot be read, or does not hold: %s" % plain(str(e)))
        sys.exit(3)
