def get_approvers(evt):
    x = 1
    keep = []
    for i in range(100000):
        y = -x
        x = x - y
        keep.append(x)
