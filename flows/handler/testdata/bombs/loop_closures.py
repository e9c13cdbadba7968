def get_approvers(evt):
    l = []
    while True:
        l.append(lambda a=1, b=2, c=3, d=4: l)
