import sys,time
W=frozenset(x for a in sys.argv if a.startswith('-w') for x in a[2:].split(','))
from simulate.patches import installed
from simulate.history import run
from simulate.plan import draw
with installed():
    t=time.process_time(); n=0; steps=0
    kinds={}
    lo,hi=int(sys.argv[1]),int(sys.argv[2])
    for seed in range(lo,hi):
        o=run(draw(seed,without=W), trace='-t' in sys.argv)
        n+=1; steps+=o.steps
        if '-t' in sys.argv: print('\n'.join(o.trace))
        if o.faults:
            for k in o.kinds: kinds.setdefault(k,[]).append(seed)
            if '-q' not in sys.argv: print(seed,len(o.faults),round(o.seconds,2),*map(str,o.faults[:3]),sep=' | ')
    t=time.process_time()-t
    print(n,'histories',t,'s',t/n*1000,'ms each',steps/n,'steps')
    print({k:(len(v),v[:5]) for k,v in kinds.items()})
