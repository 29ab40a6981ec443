mock_provider "aws" {
  source = "../../../mocks/customer"
}

# One valid set; each run breaks one input.
variables {
  bucket_name     = "payments-logs"
  bucket_policy   = "{\"Version\":\"2012-10-17\",\"Statement\":[]}"
  reader_role_arn = "arn:aws:iam::111122223333:role/headwater-reader"
}

run "the_valid_set_plans" {
  command = plan
}

run "bucket_with_dots" {
  command = plan

  variables {
    bucket_name = "logs.example.com"
  }

  expect_failures = [var.bucket_name]
}

run "bucket_policy_that_is_no_json" {
  command = plan

  variables {
    bucket_policy = "Allow"
  }

  expect_failures = [var.bucket_policy]
}

run "key_policy_without_statements" {
  command = plan

  variables {
    key_policy = "{}"
  }

  expect_failures = [var.key_policy]
}

run "unknown_encryption" {
  command = plan

  variables {
    encryption = "none"
  }

  expect_failures = [var.encryption]
}

run "reader_with_a_wildcard" {
  command = plan

  variables {
    reader_role_arn = "arn:aws:iam::111122223333:role/*"
  }

  expect_failures = [var.reader_role_arn]
}

run "reader_of_another_account" {
  command = plan

  variables {
    reader_role_arn = "arn:aws:iam::444455556666:role/headwater-reader"
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
