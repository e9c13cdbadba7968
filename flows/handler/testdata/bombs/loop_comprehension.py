def get_approvers(evt):
    return [[{i: j} for i in range(1000)] for j in range(100000)]
