def f(*args):
    return args

def get_approvers(evt):
    return f(*range(100000), *[1])
