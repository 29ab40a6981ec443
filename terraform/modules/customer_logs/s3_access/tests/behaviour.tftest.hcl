mock_provider "aws" {
  source = "../../../mocks/customer"
}

variables {
  buckets = { invoices = "payments-invoices", uploads = "uploads.example.com" }
}

run "every_bucket_logs_into_the_one" {
  command = plan

  assert {
    condition     = tomap({ for name, logging in aws_s3_bucket_logging.this : name => logging.bucket }) == tomap(var.buckets)
    error_message = "One logging per bucket."
  }

  assert {
    condition     = alltrue([for logging in aws_s3_bucket_logging.this : logging.target_bucket == output.source.bucket && logging.target_prefix == output.source.prefix])
    error_message = "The source is where the logs are written."
  }

  assert {
    condition     = output.source == { name = "s3-access", bucket = "headwater-s3-access-111122223333-us-east-1", prefix = "s3-access/", region = "us-east-1", kms_key_arn = null, notifications = "sns" }
    error_message = "Without a key."
  }
}
