mock_provider "aws" {
  source = "../../mocks/central"
}

# One valid set; each run breaks one input.
variables {
  organization_id = "o-exampleorgid"
  worker_on       = "elsewhere" # the modules test themselves; these plans are to be quick
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

run "customer_role_with_a_wildcard" {
  command = plan

  variables {
    customer_role_name = "*"
  }

  expect_failures = [var.customer_role_name]
}

run "worker_nowhere" {
  command = plan

  variables {
    worker_on = "lambda"
  }

  expect_failures = [var.worker_on]
}

run "image_with_a_blank" {
  command = plan

  variables {
    image = "headwater latest"
  }

  expect_failures = [var.image]
}

run "cpu_that_fargate_has_not" {
  command = plan

  variables {
    tasks = { worker = { command = ["run"], cpu = 1000 } }
  }

  expect_failures = [var.tasks]
}

run "unknown_architecture" {
  command = plan

  variables {
    cpu_architecture = "arm"
  }

  expect_failures = [var.cpu_architecture]
}

run "environment_of_another_program" {
  command = plan

  variables {
    environment = { AWS_ENDPOINT_URL = "http://192.0.2.1" }
  }

  expect_failures = [var.environment]
}

run "boundary_that_is_a_role" {
  command = plan

  variables {
    permissions_boundary_arn = "arn:aws:iam::999988887777:role/x"
  }

  expect_failures = [var.permissions_boundary_arn]
}

run "one_zone" {
  command = plan

  variables {
    network = { zone_count = 1 }
  }

  expect_failures = [var.network]
}

run "unknown_engine" {
  command = plan

  variables {
    database = { engine = "mysql" }
  }

  expect_failures = [var.database]
}

run "no_time_to_undo" {
  command = plan

  variables {
    lake = { noncurrent_days = 0 }
  }

  expect_failures = [var.lake]
}

run "age_of_a_second" {
  command = plan

  variables {
    alarms = { max_age_s = 1 }
  }

  expect_failures = [var.alarms]
}
