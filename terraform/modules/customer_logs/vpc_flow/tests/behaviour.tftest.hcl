mock_provider "aws" {
  source = "../../../mocks/customer"
}

variables {
  vpc_ids = { main = "vpc-0123456789abcdef0", edge = "vpc-0123456789abcdef1" }
}

run "every_field_of_version_5_of_every_vpc" {
  command = plan

  assert {
    condition     = tomap({ for name, log in aws_flow_log.this : name => log.vpc_id }) == tomap(var.vpc_ids)
    error_message = "One flow log per VPC."
  }

  assert {
    condition     = length(split(" ", aws_flow_log.this["main"].log_format)) == 29 && startswith(aws_flow_log.this["main"].log_format, "$${version} $${account-id} ") && endswith(aws_flow_log.this["main"].log_format, " $${traffic-path}")
    error_message = "29 fields, in the order of their versions."
  }

  assert {
    condition     = aws_flow_log.this["main"].log_destination == "arn:aws:s3:::headwater-vpc-flow-111122223333-us-east-1" && output.source.prefix == "AWSLogs/"
    error_message = "The source is where the flow logs are written."
  }
}

run "parquet_below_a_prefix" {
  command = plan

  variables {
    file_format    = "parquet"
    format_version = 8
    prefix         = "network/flow/"
  }

  assert {
    condition     = aws_flow_log.this["main"].destination_options[0].file_format == "parquet" && endswith(aws_flow_log.this["main"].log_format, " $${reject-reason}")
    error_message = "Parquet, every field."
  }

  assert {
    condition     = endswith(aws_flow_log.this["main"].log_destination, "/network/flow/") && output.source.prefix == "network/flow/AWSLogs/"
    error_message = "AWS adds AWSLogs/ to the prefix."
  }
}
