"""TLA+ models of the messaging, and the runner that checks them with TLC."""
