mock_provider "aws" {
  source = "../../mocks/central"
}

# One valid set; each run breaks one input.
variables {
  queue_name             = "headwater-intake"
  dead_letter_queue_name = "headwater-dead-letters"
  log_group_name         = "/headwater/worker"
  cluster_name           = "headwater"
  service_names          = { worker = "headwater-worker" }
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

run "age_of_a_second" {
  command = plan

  variables {
    max_age_s = 1
  }

  expect_failures = [var.max_age_s]
}

run "more_than_all_rows" {
  command = plan

  variables {
    max_reject_percent = 101
  }

  expect_failures = [var.max_reject_percent]
}

run "two_days_of_silence" {
  command = plan

  variables {
    silence_minutes = 2880
  }

  expect_failures = [var.silence_minutes]
}

run "negative_failures" {
  command = plan

  variables {
    max_failed_commits = -1
  }

  expect_failures = [var.max_failed_commits]
}

run "negative_restarts" {
  command = plan

  variables {
    max_restarts = -1
  }

  expect_failures = [var.max_restarts]
}

run "topic_that_is_a_queue" {
  command = plan

  variables {
    alarm_topic_arns = ["arn:aws:sqs:us-east-1:999988887777:x"]
  }

  expect_failures = [var.alarm_topic_arns]
}

run "queue_arn" {
  command = plan

  variables {
    queue_name = "arn:aws:sqs:us-east-1:999988887777:x"
  }

  expect_failures = [var.queue_name]
}

run "dead_letter_queue_url" {
  command = plan

  variables {
    dead_letter_queue_name = "https://sqs/x"
  }

  expect_failures = [var.dead_letter_queue_name]
}

run "log_group_arn" {
  command = plan

  variables {
    log_group_name = "arn:aws:logs:us-east-1:999988887777:log-group:x"
  }

  expect_failures = [var.log_group_name]
}

run "cluster_arn" {
  command = plan

  variables {
    cluster_name = "arn:aws:ecs:us-east-1:999988887777:cluster/x"
  }

  expect_failures = [var.cluster_name]
}
