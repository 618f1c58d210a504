"""What operators do about people: find, block, help, and see what was done."""
