"""What runs in the container: argv -> handler -> result document -> exit code."""
