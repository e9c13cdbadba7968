def get_approvers(evt):
    evt.fields["ticket"] = "other"
# want:
# fault: prod.py:2:15: cannot insert into frozen hash table
