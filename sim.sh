cd /tmp/h/simulate; PYTHONHASHSEED=0 PYTHONPATH=${CORE:-$PWD/src}:$PWD timeout ${T:-100} /work/main/.venv/bin/python try.py "$@"
