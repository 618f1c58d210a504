"""The messaging as TLA+ models, and the runner that checks them with TLC."""
