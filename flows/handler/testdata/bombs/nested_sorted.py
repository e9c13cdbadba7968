def get_approvers(evt):
    a = [0] * 1000
    b = [0] * 1000
    a, b = [a] * 1000, [b] * 1000
    a, b = [a] * 1000, [b] * 1000
    return sorted([a, b] * 1000)
