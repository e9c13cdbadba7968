def f(a=1, b=2, c=3, d=4, e=5, g=6, h=7, i=8):
    return [a, b, c, d, e, g, h, i]

def get_approvers(evt):
    keep = []
    while True:
        keep.append(f())
