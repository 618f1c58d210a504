import time,sys
from simulate.patches import installed
from simulate.history import run
from simulate.plan import draw
W=frozenset("savepoint,caught,away,introduce,replay".split(','))
plans=[draw(s,without=W) for s in range(200,320)]
plans=[p for p in plans if p.broker=='rabbitmq']
with installed():
    t=time.process_time(); st=0
    for r in range(int(sys.argv[1])):
        for p in plans: st+=run(p).steps
    t=time.process_time()-t
    n=len(plans)*int(sys.argv[1])
    print(t/n*1000,'ms', st/n)
