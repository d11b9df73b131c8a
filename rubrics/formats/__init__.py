"""Outside formats, one file each: what they hold is read into ours, and ours is written back."""
