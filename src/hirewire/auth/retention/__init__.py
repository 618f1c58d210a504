"""Mails that ask people before old data is deleted: the other services know no addresses."""
