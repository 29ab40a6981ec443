mock_provider "aws" {
  source = "../../../mocks/customer"
}

# One valid set; each run breaks one input.
variables {
  buckets     = { invoices = "payments-invoices" }
  bucket_name = "payments-access"
  prefix      = "access/"
}

run "the_valid_set_plans" {
  command = plan
}

run "the_log_bucket_by_its_default_name" {
  command = plan

  variables {
    bucket_name = null
    buckets     = { itself = "headwater-s3-access-111122223333-us-east-1" }
  }

  expect_failures = [var.buckets]
}

run "the_log_bucket_itself" {
  command = plan

  variables {
    buckets = { invoices = "payments-invoices", itself = "payments-access" }
  }

  expect_failures = [var.buckets]
}

run "no_bucket" {
  command = plan

  variables {
    buckets = {}
  }

  expect_failures = [var.buckets]
}

run "bucket_that_is_an_arn" {
  command = plan

  variables {
    buckets = { a = "arn:aws:s3:::payments-invoices" }
  }

  expect_failures = [var.buckets]
}

run "one_bucket_twice" {
  command = plan

  variables {
    buckets = { a = "payments-invoices", b = "payments-invoices" }
  }

  expect_failures = [var.buckets]
}

run "name_in_capitals" {
  command = plan

  variables {
    name = "Payments"
  }

  expect_failures = [var.name]
}

run "bucket_with_dots" {
  command = plan

  variables {
    bucket_name = "access.example.com"
  }

  expect_failures = [var.bucket_name]
}

run "no_prefix" {
  command = plan

  variables {
    prefix = ""
  }

  expect_failures = [var.prefix]
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
