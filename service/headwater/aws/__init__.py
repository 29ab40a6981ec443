"""Everything that speaks to AWS while the service runs: sessions, S3, SQS, SNS."""
