mock_provider "aws" {
  source = "../../../mocks/customer"
}

run "the_account_is_covered_and_files_are_validated" {
  command = plan

  assert {
    condition     = aws_cloudtrail.this.is_multi_region_trail && aws_cloudtrail.this.enable_log_file_validation && !aws_cloudtrail.this.is_organization_trail
    error_message = "Every region, with digests."
  }

  assert {
    condition     = aws_cloudtrail.this.s3_key_prefix == null && output.source.bucket == "headwater-cloudtrail-111122223333" && output.source.prefix == "AWSLogs/"
    error_message = "The source is where the trail writes."
  }
}

run "an_organization_has_one_trail" {
  command = plan

  variables {
    organization_id  = "o-exampleorgid"
    prefix           = "org/trail/"
    data_event_types = ["AWS::S3::Object", "AWS::Lambda::Function"]
  }

  assert {
    condition     = aws_cloudtrail.this.is_organization_trail && aws_cloudtrail.this.s3_key_prefix == "org/trail" && output.source.prefix == "org/trail/AWSLogs/"
    error_message = "The prefix ends with '/' for readers, without for CloudTrail."
  }

  assert {
    condition = [for f in flatten(aws_cloudtrail.this.advanced_event_selector[*].field_selector[*]) : f.not_starts_with[0] if length(coalesce(f.not_starts_with, [])) > 0] == [
      "arn:aws:s3:::headwater-cloudtrail-111122223333/"
    ]
    error_message = "The trail does not record its own writing."
  }
}
