"""What a live run needs beside the stages: which frames it takes, and what it says about itself."""
