"""Live updates of open pages: server-sent events from the broker.

Each process consumes every event from its start on (a broadcast without a stored queue) and sends
it to the streams of the people concerned. It sends ids only, never the content of the event. A page
reads its content from the services, and reads it again after `catch-up`, which means that events
may have been missed.
"""
