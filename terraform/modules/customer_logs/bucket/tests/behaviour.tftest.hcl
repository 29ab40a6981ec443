mock_provider "aws" {
  source = "../../../mocks/customer"
}

variables {
  bucket_name   = "payments-logs"
  bucket_policy = "{\"Version\":\"2012-10-17\",\"Statement\":[]}"
}

run "a_key_of_its_own" {
  command = plan

  assert {
    condition     = length(aws_kms_key.this) == 1 && one(aws_s3_bucket_server_side_encryption_configuration.this.rule).apply_server_side_encryption_by_default[0].sse_algorithm == "aws:kms"
    error_message = "SSE-KMS unless asked otherwise."
  }

  assert {
    condition     = aws_s3_bucket_public_access_block.this.restrict_public_buckets && aws_s3_bucket_public_access_block.this.block_public_policy
    error_message = "Never public."
  }
}

run "no_key_with_sse_s3" {
  command = plan

  variables {
    encryption = "s3"
  }

  assert {
    condition     = length(aws_kms_key.this) == 0 && output.kms_key_arn == null
    error_message = "SSE-S3 has no key to name."
  }
}
