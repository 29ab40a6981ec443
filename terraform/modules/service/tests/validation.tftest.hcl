mock_provider "aws" {
  source = "../../mocks/central"
}

# One valid set; each run breaks one input.
variables {
  queue_arn             = "arn:aws:sqs:us-east-1:999988887777:headwater-intake"
  queue_url             = "https://sqs.us-east-1.amazonaws.com/999988887777/headwater-intake"
  dead_letter_queue_arn = "arn:aws:sqs:us-east-1:999988887777:headwater-dead-letters"
  dead_letter_queue_url = "https://sqs.us-east-1.amazonaws.com/999988887777/headwater-dead-letters"
  queue_kms_key_arn     = "arn:aws:kms:us-east-1:999988887777:key/00000000-0000-4000-8000-000000000000"
  lake_bucket_name      = "headwater-lake-999988887777"
  lake_warehouse        = "s3://headwater-lake-999988887777/lake"
  lake_writer_policy    = "{\"Version\":\"2012-10-17\",\"Statement\":[]}"
  state_url             = "postgresql://headwater@state.example.com:5432/headwater?sslmode=require"
  image                 = "999988887777.dkr.ecr.us-east-1.amazonaws.com/headwater:0.1.0"
  subnet_ids            = ["subnet-0123456789abcdef0"]
  security_group_ids    = ["sg-0123456789abcdef0"]
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

run "fifo_queue" {
  command = plan

  variables {
    queue_arn = "arn:aws:sqs:us-east-1:999988887777:intake.fifo"
  }

  expect_failures = [var.queue_arn]
}

run "dead_letters_that_are_a_topic" {
  command = plan

  variables {
    dead_letter_queue_arn = "arn:aws:sns:us-east-1:999988887777:x"
  }

  expect_failures = [var.dead_letter_queue_arn]
}

run "queue_key_that_is_an_alias" {
  command = plan

  variables {
    queue_kms_key_arn = "arn:aws:kms:us-east-1:999988887777:alias/x"
  }

  expect_failures = [var.queue_kms_key_arn]
}

run "warehouse_on_disk" {
  command = plan

  variables {
    lake_warehouse = "/lake"
  }

  expect_failures = [var.lake_warehouse]
}

run "password_in_the_url" {
  command = plan

  variables {
    state_url = "postgresql://headwater:secret@state.example.com/headwater"
  }

  expect_failures = [var.state_url]
}

run "secret_that_is_a_parameter" {
  command = plan

  variables {
    state_url_secret_arn = "arn:aws:ssm:us-east-1:999988887777:parameter/state"
  }

  expect_failures = [var.state_url_secret_arn]
}

run "secret_key_that_is_an_alias" {
  command = plan

  variables {
    state_url_secret_kms_key_arn = "arn:aws:kms:us-east-1:999988887777:alias/x"
  }

  expect_failures = [var.state_url_secret_kms_key_arn]
}

run "customer_role_with_a_wildcard" {
  command = plan

  variables {
    customer_role_name = "*"
  }

  expect_failures = [var.customer_role_name]
}

run "customer_role_arn_with_a_wildcard" {
  command = plan

  variables {
    customer_role_arns = ["arn:aws:iam::*:role/x"]
  }

  expect_failures = [var.customer_role_arns]
}

run "image_with_a_blank" {
  command = plan

  variables {
    image = "headwater latest"
  }

  expect_failures = [var.image]
}

run "tag_without_a_repository" {
  command = plan

  variables {
    repository = { tag = "0.1.0" }
  }

  expect_failures = [var.repository]
}

run "repository_that_keeps_nothing" {
  command = plan

  variables {
    repository = { create = true, images_kept = 0 }
  }

  expect_failures = [var.repository]
}

run "no_worker" {
  command = plan

  variables {
    tasks = { other = { command = ["run"] } }
  }

  expect_failures = [var.tasks]
}

run "cpu_that_fargate_has_not" {
  command = plan

  variables {
    tasks = { worker = { command = ["run"], cpu = 1000 } }
  }

  expect_failures = [var.tasks]
}

run "memory_of_half_a_gib" {
  command = plan

  variables {
    tasks = { worker = { command = ["run"], memory = 512 } }
  }

  expect_failures = [var.tasks]
}

run "half_a_worker" {
  command = plan

  variables {
    tasks = { worker = { command = ["run"], min_count = 0.5 } }
  }

  expect_failures = [var.tasks]
}

run "fewer_at_most_than_at_least" {
  command = plan

  variables {
    tasks = { worker = { command = ["run"], min_count = 3, max_count = 2 } }
  }

  expect_failures = [var.tasks]
}

run "no_backlog" {
  command = plan

  variables {
    backlog_per_task = 0
  }

  expect_failures = [var.backlog_per_task]
}

run "impatient" {
  command = plan

  variables {
    oldest_age_s = 1
  }

  expect_failures = [var.oldest_age_s]
}

run "subnet_that_is_a_vpc" {
  command = plan

  variables {
    subnet_ids = ["vpc-0123456789abcdef0"]
  }

  expect_failures = [var.subnet_ids]
}

run "security_group_name" {
  command = plan

  variables {
    security_group_ids = ["default"]
  }

  expect_failures = [var.security_group_ids]
}

run "unknown_architecture" {
  command = plan

  variables {
    cpu_architecture = "arm"
  }

  expect_failures = [var.cpu_architecture]
}

run "relative_accounts_file" {
  command = plan

  variables {
    accounts_file = "accounts.yml"
  }

  expect_failures = [var.accounts_file]
}

run "environment_of_another_program" {
  command = plan

  variables {
    environment = { AWS_ENDPOINT_URL = "http://192.0.2.1" }
  }

  expect_failures = [var.environment]
}

run "assumed_by_an_account" {
  command = plan

  variables {
    worker_assumed_by_arns = ["arn:aws:iam::999988887777:root"]
  }

  expect_failures = [var.worker_assumed_by_arns]
}

run "visibility_of_a_second" {
  command = plan

  variables {
    visibility_timeout_s = 1
  }

  expect_failures = [var.visibility_timeout_s]
}

run "retention_of_100_days" {
  command = plan

  variables {
    log_retention_days = 100
  }

  expect_failures = [var.log_retention_days]
}

run "boundary_that_is_a_role" {
  command = plan

  variables {
    permissions_boundary_arn = "arn:aws:iam::999988887777:role/x"
  }

  expect_failures = [var.permissions_boundary_arn]
}

run "service_without_state" {
  command = plan

  variables {
    state_url = null
  }

  expect_failures = [aws_ecs_service.this["worker"]]
}

run "service_with_two_states" {
  command = plan

  variables {
    state_url_secret_arn = "arn:aws:secretsmanager:us-east-1:999988887777:secret:x-AbCdEf"
  }

  expect_failures = [aws_ecs_service.this["worker"]]
}

run "service_without_network" {
  command = plan

  variables {
    subnet_ids = []
  }

  expect_failures = [aws_ecs_service.this["worker"]]
}

run "queue_name_for_url" {
  command = plan

  variables {
    queue_url = "headwater-intake"
  }

  expect_failures = [var.queue_url]
}

run "dead_letter_name_for_url" {
  command = plan

  variables {
    dead_letter_queue_url = "headwater-dead-letters"
  }

  expect_failures = [var.dead_letter_queue_url]
}

run "lake_bucket_arn" {
  command = plan

  variables {
    lake_bucket_name = "arn:aws:s3:::lake"
  }

  expect_failures = [var.lake_bucket_name]
}

run "writer_policy_that_is_text" {
  command = plan

  variables {
    lake_writer_policy = "all"
  }

  expect_failures = [var.lake_writer_policy]
}

run "connect_policy_that_is_text" {
  command = plan

  variables {
    state_connect_policy = "all"
  }

  expect_failures = [var.state_connect_policy]
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

run "console_without_its_policy" {
  command = plan

  variables {
    tasks = { worker = { command = ["run"] }, console = { command = ["console"] } }
  }

  expect_failures = [var.lake_reader_policy]
}
