"""What `hirewire run` needs: the embedded engines, the supervisor, the doctor, the demo."""
