"""What the services answer, as the pages read it.

Members have their names on the wire. Unknown members are ignored, because a newer service adds
some; members that an older service lacks have defaults.
"""
