"""The search in a cluster of OpenSearch, which all processes of the service share.

A process writes the index while it holds a lock (`search/leading.py`); all of them search it. Words
are split and stemmed by the board itself, as for the embedded engine: the cluster gets stems.
"""
