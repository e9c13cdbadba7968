def f(*args):
    return args

def get_approvers(evt):
    keep = []
    for i in range(1000):
        keep.append(f(*range(90000)))
