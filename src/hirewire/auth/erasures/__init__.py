"""The deletion of accounts, and its receipts."""
