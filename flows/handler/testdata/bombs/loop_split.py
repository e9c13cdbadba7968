def get_approvers(evt):
    s = 'a ' * 50000
    keep = []
    while True:
        keep.append(s.split())
