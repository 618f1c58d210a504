"""API keys of companies begin with `hwk_`. See `secret_texts`."""

from hirewire.kit.secret_texts import Form

_KEYS = Form("hwk_")
new = _KEYS.new
is_one = _KEYS.is_one
is_well_formed = _KEYS.is_well_formed
