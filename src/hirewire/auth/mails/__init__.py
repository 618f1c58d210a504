"""The mails of `auth`: `texts.toml` has what they say."""
