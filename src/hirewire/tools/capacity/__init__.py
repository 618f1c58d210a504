"""What a board of a given size needs, computed from measured figures: `hirewire plan`."""
