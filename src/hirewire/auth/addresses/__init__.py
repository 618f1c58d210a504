"""Changing the address of an account: confirmed by a mail to the new one."""
