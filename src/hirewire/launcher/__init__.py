"""Starting the platform: embedded engines, supervisor, startup page, doctor."""
