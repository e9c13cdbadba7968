def get_approvers(evt):
    l = [0] * 100000 + [1]
    while True:
        l.remove(1)
        l.append(1)
