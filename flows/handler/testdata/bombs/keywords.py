def f(**kw):
    return kw

def get_approvers(evt):
    d = dict([("k" + str(i), i) for i in range(3000)])
    keep = []
    while True:
        keep.append(f(**d))
