"""What the user hands over: the case, its file, its batches, its loss; running the user's code."""
