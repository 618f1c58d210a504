"""Live updates of open pages: server-sent events from the broker.

Each process consumes every event from its start on (a broadcast without a stored queue) and sends
it to the streams of the people concerned. It sends only ids, never the content of the event. A page
reads its content from the services. After `catch-up` it reads everything again, because events may
have been missed.
"""
