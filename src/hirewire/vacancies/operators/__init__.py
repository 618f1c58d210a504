"""Operators of the board, as `auth` names them."""
