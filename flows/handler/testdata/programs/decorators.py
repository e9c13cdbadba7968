from breakglass import prefetch, reducer, hook, slack
import breakglass.slack as s
import breakglass as bg

def traced(fn):
    def wrapper(*args, **kwargs):
        print("call", len(args), kwargs)
        return fn(*args, **kwargs)
    return wrapper

@prefetch(field_name="x")
def options(evt): return []

@hook
def on_request(evt):
    pass

@bg.reducer()
@traced
def get_approvers(evt):
    return s.user("U0SAM")
# want:
# print: call 1 {}
# stage: people=[T1/U0SAM]: named by the flow's handler
