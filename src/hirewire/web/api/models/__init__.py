"""Answers of the services, with the fields that the pages read.

Fields have their names on the wire. Unknown fields are ignored, because a newer service adds some;
fields that an older service lacks have defaults.
"""
