def get_approvers(evt):
    l = [0] * 50000
    keep = []
    while True:
        keep.append(l[:])
