def get_approvers(evt):
    l = []
    while True:
        l.append([[], [], [], [], [], []])
