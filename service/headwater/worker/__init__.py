"""The drivers that keep the pipeline fed: the SQS loop, and files on disk."""
