def get_approvers(evt):
    a = [0] * 1000
    b = [0] * 1000
    for i in range(3):
        a = [a] * 1000
        b = [b] * 1000
    return a == b
