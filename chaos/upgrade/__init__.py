"""`./dev upgrade`: two versions side by side under load, forwards, back and forwards again."""
