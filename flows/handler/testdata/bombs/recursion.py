def f(n):
    return f(n + 1)

def get_approvers(evt):
    return f(0)
