def get_approvers(evt):
    while True:
        print('a' * 10000)
