mock_provider "aws" {
  source = "../../mocks/central"
}

# One valid set; each run breaks one input.
variables {
  organization_id = "o-exampleorgid"
}

run "the_valid_set_plans" {
  command = plan
}

run "name_in_capitals" {
  command = plan

  variables {
    name = "Headwater"
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

run "customer_id_of_eleven_digits" {
  command = plan

  variables {
    customer_account_ids = ["11112222333"]
  }

  expect_failures = [var.customer_account_ids]
}

run "topic_with_a_wildcard" {
  command = plan

  variables {
    topic_arns = ["arn:aws:sns:us-east-1:111122223333:*"]
  }

  expect_failures = [var.topic_arns]
}

run "eventbridge_id_that_is_an_arn" {
  command = plan

  variables {
    eventbridge_account_ids = ["arn:aws:iam::111122223333:root"]
  }

  expect_failures = [var.eventbridge_account_ids]
}

run "opt_in_region_that_is_a_zone" {
  command = plan

  variables {
    opt_in_regions = ["me-south-1a"]
  }

  expect_failures = [var.opt_in_regions]
}

run "visibility_of_a_second" {
  command = plan

  variables {
    visibility_timeout_s = 1
  }

  expect_failures = [var.visibility_timeout_s]
}

run "one_receive" {
  command = plan

  variables {
    max_receive_count = 1
  }

  expect_failures = [var.max_receive_count]
}
