"""Places, for whoever types one."""
