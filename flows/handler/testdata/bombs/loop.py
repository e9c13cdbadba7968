def get_approvers(evt):
    while True:
        pass
