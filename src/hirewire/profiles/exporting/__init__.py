"""The part of `profiles` of what a person exports."""
