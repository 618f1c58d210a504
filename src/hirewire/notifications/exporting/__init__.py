"""The part of `notifications` of what a person exports."""
