import cProfile,pstats,sys
from simulate.patches import installed
from simulate.history import run
from simulate.plan import draw
W=frozenset("savepoint,caught,away,introduce,replay".split(','))
with installed():
    run(draw(1,without=W))
    p=cProfile.Profile(); p.enable()
    for s in range(100,160): run(draw(s,without=W))
    p.disable()
pstats.Stats(p).sort_stats('tottime').print_stats(35)
