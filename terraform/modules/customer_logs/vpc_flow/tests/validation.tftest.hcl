mock_provider "aws" {
  source = "../../../mocks/customer"
}

# One valid set; each run breaks one input.
variables {
  vpc_ids         = { main = "vpc-0123456789abcdef0" }
  bucket_name     = "payments-flow"
  prefix          = "flow/"
  reader_role_arn = "arn:aws:iam::111122223333:role/headwater-reader"
}

run "the_valid_set_plans" {
  command = plan
}

run "name_too_long_for_the_bucket" {
  command = plan

  variables {
    name = "a-very-long-name-of-a-team"
  }

  expect_failures = [var.name]
}

run "no_vpc" {
  command = plan

  variables {
    vpc_ids = {}
  }

  expect_failures = [var.vpc_ids]
}

run "subnet_as_vpc" {
  command = plan

  variables {
    vpc_ids = { main = "subnet-0123456789abcdef0" }
  }

  expect_failures = [var.vpc_ids]
}

run "one_vpc_twice" {
  command = plan

  variables {
    vpc_ids = { a = "vpc-0123456789abcdef0", b = "vpc-0123456789abcdef0" }
  }

  expect_failures = [var.vpc_ids]
}

run "version_that_has_no_fields" {
  command = plan

  variables {
    format_version = 6
  }

  expect_failures = [var.format_version]
}

run "unknown_file_format" {
  command = plan

  variables {
    file_format = "csv"
  }

  expect_failures = [var.file_format]
}

run "unknown_traffic" {
  command = plan

  variables {
    traffic_type = "DROP"
  }

  expect_failures = [var.traffic_type]
}

run "five_minutes" {
  command = plan

  variables {
    aggregation_interval_s = 300
  }

  expect_failures = [var.aggregation_interval_s]
}

run "bucket_with_dots" {
  command = plan

  variables {
    bucket_name = "flow.example.com"
  }

  expect_failures = [var.bucket_name]
}

run "prefix_that_aws_reserves" {
  command = plan

  variables {
    prefix = "AWSLogs/"
  }

  expect_failures = [var.prefix]
}

run "reader_that_is_a_name" {
  command = plan

  variables {
    reader_role_arn = "headwater-reader"
  }

  expect_failures = [var.reader_role_arn]
}

run "logs_that_expire_at_once" {
  command = plan

  variables {
    expiration_days = 0
  }

  expect_failures = [var.expiration_days]
}

run "no_time_to_undo" {
  command = plan

  variables {
    noncurrent_days = 0.5
  }

  expect_failures = [var.noncurrent_days]
}
