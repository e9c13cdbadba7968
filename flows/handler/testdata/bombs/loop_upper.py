def get_approvers(evt):
    s = 'a' * 100000
    keep = []
    while True:
        keep.append(s.upper())
