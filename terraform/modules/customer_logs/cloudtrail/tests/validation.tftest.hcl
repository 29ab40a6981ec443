mock_provider "aws" {
  source = "../../../mocks/customer"
}

# One valid set; each run breaks one input.
variables {
  name             = "headwater"
  bucket_name      = "payments-trail"
  prefix           = "trail/"
  data_event_types = ["AWS::S3::Object"]
  insight_types    = ["ApiCallRateInsight"]
  reader_role_arn  = "arn:aws:iam::111122223333:role/headwater-reader"
}

run "the_valid_set_plans" {
  command = plan
}

run "name_in_capitals" {
  command = plan

  variables {
    name = "Trail"
  }

  expect_failures = [var.name]
}

run "organization_id_without_prefix" {
  command = plan

  variables {
    organization_id = "exampleorgid"
  }

  expect_failures = [var.organization_id]
}

run "bucket_with_dots" {
  command = plan

  variables {
    bucket_name = "trail.example.com"
  }

  expect_failures = [var.bucket_name]
}

run "prefix_without_its_slash" {
  command = plan

  variables {
    prefix = "trail"
  }

  expect_failures = [var.prefix]
}

run "management_account_without_an_organization" {
  command = plan

  variables {
    management_account_id = "999988887777"
  }

  expect_failures = [var.management_account_id]
}

run "data_events_of_a_service" {
  command = plan

  variables {
    data_event_types = ["s3"]
  }

  expect_failures = [var.data_event_types]
}

run "unknown_insight" {
  command = plan

  variables {
    insight_types = ["Everything"]
  }

  expect_failures = [var.insight_types]
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
