"""Personal access tokens begin with `hw_`. See `secret_texts`."""

from hirewire.kit.secret_texts import Form

_TOKENS = Form("hw_")
new = _TOKENS.new
is_one = _TOKENS.is_one
is_well_formed = _TOKENS.is_well_formed
