"""A service's part of what a person exports: made in the background, stored encrypted, handed out.

The part is a list of files. `auth` asks for it by `user.export_requested`, and `web` puts the parts
of all services into one ZIP when the person downloads it.
"""
