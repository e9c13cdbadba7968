"""A file with most of the language in it."""
import breakglass

LIMIT = 3; NAMES = ["a", "b"]
total: int = 0
if LIMIT > 2 and not NAMES == []:
    KIND = "big"
elif LIMIT == 2:
    KIND = "two"
else:
    KIND = "small"

def classify(n: int, *, strict=False, **rest) -> str:
    """Says how big n is."""
    if n is None: return "none"
    if 0 <= n < LIMIT: return "low"
    elif n == 0x10 or n == 0b11: return 'sixteen or three'
    return "high" if not strict else "HIGH"

def get_approvers(evt):
    x = y = 4
    x += 2 ** 3; y -= 1
    y //= 2
    d = {"a": 1}
    d["a"] += 10
    lists = [[1], [2]]
    lists[-1] += [3]
    items = {k: v for k, v in d.items() if v > 0}
    n = 0
    while True:
        n += 1
        if n % 2: continue
        if n > 5: break
    (a, b), [c] = (1, 2), [3]
    print(KIND, classify(None), classify(1), classify(16), classify(9, strict=True, other=1))
    print(x, y, d, lists, items, n, a, b, c)
    print("adjacent " 'text' f" and {x!r} {d['a']:} {{}}")
    print(r"raw\n", "esc\x41\u00e9\t|", """two
lines""", 'a\
b', b"bytes")
    print([i * j for i in range(3) for j in range(3) if i != j], any(n > 1 for n in [1, 2]), sum([1, 2, 3]), sum(x for x in [1]))
    print("a" in "cat", 2 not in [1], sorted([3, 1, 2], reverse=True), max([1, 5]), min(4, 2), list(zip([1], [2])), sep="|")
    print((lambda p, q=2: p + q)(1), NAMES[0:1], NAMES[-1], "abc"[1:], isinstance(3, int), isinstance("x", (list, str)))
    print("%s is %d" % ("x", 3), "{} {k}".format(1, k=2), ",".join(["a", "b"]), " x ".strip().upper(), "a,b".split(","))
    print(True is True, 1 is True, None is not None, not None, -x, ~x, 7 / 2, 7 // 2, 1.5e3, 1_000)
    assert x == 12, "x is %d" % x
    broken = "é"[0:1]; print(broken)
    print(getattr(evt, "nothing", "default"), hasattr(evt, "user"), getattr("a,b", "split")(","))
    # ünïcödé
    größe = "ö"; print(größe, len(NAMES), str(1) + repr("a"), type(1), bool(0), int("7"), float("1.5"))
    assert x == 13, f"x is {x}"
# want:
# print: big none low sixteen or three HIGH
# print: 12 1 {"a": 11} [[1], [2, 3]] {"a": 11} 6 1 2 3
# print: adjacent text and 12 11 {}
# print: raw\n escAé	| two
lines ab b"bytes"
# print: [0, 0, 0, 2, 0, 2] True 6 1
# print: True|True|[3, 2, 1]|5|2|[(1, 2)]
# print: 3 ["a"] b bc True True
# print: x is 3 1 2 a,b X ["a", "b"]
# print: True False False True -12 -13 3.5 3 1500.0 1000
# print: �
# print: default True ["a", "b"]
# print: ö 2 1"a" int False 7 1.5
# fault: prod.py:51:5: assertion failed: x is 12
