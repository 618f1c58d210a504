"""The command line: arguments in, the assembly called, an exit code out."""
