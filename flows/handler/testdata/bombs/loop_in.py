def get_approvers(evt):
    l = ['a'] * 100000
    while True:
        'b' in l
