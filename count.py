from collections import Counter
from simulate.patches import installed
from simulate.history import run
from simulate.plan import draw
W=frozenset("savepoint,caught,away,introduce,replay".split(','))
c=Counter(); secs=[]; calm=[]
with installed():
    for s in range(200,260):
        o=run(draw(s,without=W),trace=True)
        for l in o.trace:
            if 'log:' in l or len(l.split())<3: continue
            c[' '.join(l.split()[2:])[:70]]+=1
            if 'nothing goes' in l: calm.append(float(l.split()[0]))
        secs.append(o.seconds)
for k,v in c.most_common(45): print(v/60,k)
print(sum(c.values())/60, sum(secs)/60, sum(calm)/60, sorted(secs)[::6])
