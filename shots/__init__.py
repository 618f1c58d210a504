"""Pictures of the main pages, taken from the running platform with the content of the demo."""
