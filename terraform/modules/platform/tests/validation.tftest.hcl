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

run "lookup_of_a_bucket" {
  command = plan

  variables {
    lookup_tables = { object_arns = ["arn:aws:s3:::reference-data"] }
  }

  expect_failures = [var.lookup_tables]
}

run "lookup_with_a_wildcard_inside" {
  command = plan

  variables {
    lookup_tables = { object_arns = ["arn:aws:s3:::reference-data/*/zones.csv"] }
  }

  expect_failures = [var.lookup_tables]
}

run "lookup_key_alias" {
  command = plan

  variables {
    lookup_tables = { kms_key_arns = ["arn:aws:kms:us-east-1:999988887777:alias/x"] }
  }

  expect_failures = [var.lookup_tables]
}

run "any_lookup_role" {
  command = plan

  variables {
    lookup_tables = { role_arns = ["arn:aws:iam::444455556666:role/*"] }
  }

  expect_failures = [var.lookup_tables]
}

run "any_topic" {
  command = plan

  variables {
    alert_destinations = { topic_arns = ["arn:aws:sns:us-east-1:999988887777:*"] }
  }

  expect_failures = [var.alert_destinations]
}

run "queue_by_url" {
  command = plan

  variables {
    alert_destinations = { queue_arns = ["https://sqs.us-east-1.amazonaws.com/999988887777/alerts"] }
  }

  expect_failures = [var.alert_destinations]
}

run "bus_by_name" {
  command = plan

  variables {
    alert_destinations = { event_bus_arns = ["security"] }
  }

  expect_failures = [var.alert_destinations]
}

run "alerts_into_a_bucket_without_key" {
  command = plan

  variables {
    alert_destinations = { object_arns = ["arn:aws:s3:::alerts"] }
  }

  expect_failures = [var.alert_destinations]
}

run "every_secret" {
  command = plan

  variables {
    alert_destinations = { secret_arns = ["arn:aws:secretsmanager:us-east-1:999988887777:secret:*"] }
  }

  expect_failures = [var.alert_destinations]
}

run "every_parameter" {
  command = plan

  variables {
    alert_destinations = { parameter_arns = ["arn:aws:ssm:us-east-1:999988887777:parameter/*"] }
  }

  expect_failures = [var.alert_destinations]
}

run "destination_key_alias" {
  command = plan

  variables {
    alert_destinations = { kms_key_arns = ["alias/x"] }
  }

  expect_failures = [var.alert_destinations]
}
