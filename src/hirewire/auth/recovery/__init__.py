"""A new password for somebody who has forgotten the old one."""
