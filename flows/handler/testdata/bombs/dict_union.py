def get_approvers(evt):
    d = dict([(i, i) for i in range(5000)])
    keep = []
    while True:
        keep.append(d | {'x': 1})
