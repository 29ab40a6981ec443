mock_provider "aws" {
  source = "../../mocks/customer"
}

# One valid set; each run breaks one input.
variables {
  account_id                   = "111122223333"
  account_name                 = "payments"
  external_id                  = "example-external-id"
  central_account_id           = "999988887777"
  worker_role_arn              = "arn:aws:iam::999988887777:role/headwater-worker"
  queue_arn                    = "arn:aws:sqs:us-east-1:999988887777:headwater-intake"
  event_bus_arn                = "arn:aws:events:us-east-1:999988887777:event-bus/headwater"
  bucket_notifications_checked = true

  sources = [
    { name = "cloudtrail", bucket = "payments-logs", prefix = "AWSLogs/" },
    { name = "alb", bucket = "payments-logs", prefix = "alb/" },
    { name = "dotted", bucket = "logs.payments.example.com" },
    { name = "waf", bucket = "payments-waf", notifications = "eventbridge" },
    { name = "shared", bucket = "payments-shared", notifications = "existing_topic", topic_arn = "arn:aws:sns:us-east-1:444455556666:shared" },
    { name = "shared-too", bucket = "payments-shared-too", notifications = "existing_topic", topic_arn = "arn:aws:sns:us-east-1:444455556666:shared" },
    { name = "far", bucket = "payments-far", region = "eu-central-1", notifications = "none" },
  ]
}

run "the_valid_set_plans" {
  command = plan
}

run "external_id_of_1224_characters_is_taken" {
  command = plan

  variables {
    external_id = join("", [for i in range(24) : "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"])
  }
}

run "account_id_of_eleven_digits" {
  command = plan

  variables {
    account_id = "11112222333"
  }

  expect_failures = [var.account_id]
}

run "account_of_another_provider" {
  command = plan

  variables {
    account_id = "444455556666"
  }

  expect_failures = [data.aws_caller_identity.this]
}

run "account_name_with_a_colon" {
  command = plan

  variables {
    account_name = "payments:prod"
  }

  expect_failures = [var.account_name]
}

run "external_id_of_one_character" {
  command = plan

  variables {
    external_id = "x"
  }

  expect_failures = [var.external_id]
}

run "external_id_with_a_blank" {
  command = plan

  variables {
    external_id = "two words"
  }

  expect_failures = [var.external_id]
}

run "external_id_of_1225_characters" {
  command = plan

  variables {
    external_id = join("", [for i in range(25) : "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"])
  }

  expect_failures = [var.external_id]
}

run "central_account_id_with_letters" {
  command = plan

  variables {
    central_account_id = "99998888777x"
  }

  expect_failures = [var.central_account_id]
}

run "worker_role_with_a_wildcard" {
  command = plan

  variables {
    worker_role_arn = "arn:aws:iam::999988887777:role/*"
  }

  expect_failures = [var.worker_role_arn]
}

run "worker_role_of_another_account" {
  command = plan

  variables {
    worker_role_arn = "arn:aws:iam::444455556666:role/headwater-worker"
  }

  expect_failures = [var.worker_role_arn]
}

run "fifo_queue" {
  command = plan

  variables {
    queue_arn = "arn:aws:sqs:us-east-1:999988887777:headwater.fifo"
  }

  expect_failures = [var.queue_arn]
}

run "event_bus_that_is_a_rule" {
  command = plan

  variables {
    event_bus_arn = "arn:aws:events:us-east-1:999988887777:rule/headwater"
  }

  expect_failures = [var.event_bus_arn]
}

run "organization_id_without_prefix" {
  command = plan

  variables {
    organization_id = "exampleorgid"
  }

  expect_failures = [var.organization_id]
}

run "role_name_with_a_path" {
  command = plan

  variables {
    role_name = "corp/log-read"
  }

  expect_failures = [var.role_name]
}

run "role_path_without_slash" {
  command = plan

  variables {
    role_path = "/corp"
  }

  expect_failures = [var.role_path]
}

run "boundary_that_is_a_role" {
  command = plan

  variables {
    permissions_boundary_arn = "arn:aws:iam::111122223333:role/boundary"
  }

  expect_failures = [var.permissions_boundary_arn]
}

run "existing_role_of_another_account" {
  command = plan

  variables {
    role_arn_existing = "arn:aws:iam::444455556666:role/log-read"
  }

  expect_failures = [var.role_arn_existing]
}

run "unknown_subscriber" {
  command = plan

  variables {
    subscribe_from = "nobody"
  }

  expect_failures = [var.subscribe_from]
}

run "dead_letter_queue_that_is_a_topic" {
  command = plan

  variables {
    subscription_dead_letter_queue_arn = "arn:aws:sns:us-east-1:111122223333:x"
  }

  expect_failures = [var.subscription_dead_letter_queue_arn]
}

run "topic_key_that_is_an_alias" {
  command = plan

  variables {
    topic_kms_key_arn = "arn:aws:kms:us-east-1:111122223333:alias/aws/sns"
  }

  expect_failures = [var.topic_kms_key_arn]
}

run "source_name_in_capitals" {
  command = plan

  variables {
    sources = [{ name = "CloudTrail", bucket = "payments-logs" }]
  }

  expect_failures = [var.sources]
}

run "two_sources_of_one_name" {
  command = plan

  variables {
    sources = [{ name = "a", bucket = "logs-a" }, { name = "a", bucket = "logs-b" }]
  }

  expect_failures = [var.sources]
}

run "bucket_that_is_an_arn" {
  command = plan

  variables {
    sources = [{ name = "a", bucket = "arn:aws:s3:::payments-logs" }]
  }

  expect_failures = [var.sources]
}

run "prefix_with_a_leading_slash" {
  command = plan

  variables {
    sources = [{ name = "a", bucket = "payments-logs", prefix = "/AWSLogs/" }]
  }

  expect_failures = [var.sources]
}

run "prefix_with_a_wildcard" {
  command = plan

  variables {
    sources = [{ name = "a", bucket = "payments-logs", prefix = "AWSLogs/*" }]
  }

  expect_failures = [var.sources]
}

run "overlapping_prefixes" {
  command = plan

  variables {
    sources = [{ name = "a", bucket = "logs-a", prefix = "AWSLogs/" }, { name = "b", bucket = "logs-a", prefix = "AWSLogs/111122223333/" }]
  }

  expect_failures = [var.sources]
}

run "whole_bucket_and_a_prefix" {
  command = plan

  variables {
    sources = [{ name = "a", bucket = "logs-a" }, { name = "b", bucket = "logs-a", prefix = "a/" }]
  }

  expect_failures = [var.sources]
}

run "unknown_notifications" {
  command = plan

  variables {
    sources = [{ name = "a", bucket = "payments-logs", notifications = "lambda" }]
  }

  expect_failures = [var.sources]
}

run "existing_topic_without_its_arn" {
  command = plan

  variables {
    sources = [{ name = "a", bucket = "payments-logs", notifications = "existing_topic" }]
  }

  expect_failures = [var.sources]
}

run "topic_arn_without_existing_topic" {
  command = plan

  variables {
    sources = [{ name = "a", bucket = "payments-logs", topic_arn = "arn:aws:sns:us-east-1:111122223333:x" }]
  }

  expect_failures = [var.sources]
}

run "topic_that_is_a_queue" {
  command = plan

  variables {
    sources = [{ name = "a", bucket = "payments-logs", notifications = "existing_topic", topic_arn = "arn:aws:sqs:us-east-1:111122223333:x" }]
  }

  expect_failures = [var.sources]
}

run "topic_of_another_region" {
  command = plan

  variables {
    sources = [{ name = "a", bucket = "payments-logs", notifications = "existing_topic", topic_arn = "arn:aws:sns:eu-central-1:111122223333:x" }]
  }

  expect_failures = [var.sources]
}

run "key_that_is_an_alias" {
  command = plan

  variables {
    sources = [{ name = "a", bucket = "payments-logs", kms_key_arn = "arn:aws:kms:us-east-1:111122223333:alias/logs" }]
  }

  expect_failures = [var.sources]
}

run "managed_and_foreign_notifications_of_one_bucket" {
  command = plan

  variables {
    sources = [{ name = "a", bucket = "logs-a", prefix = "a/" }, { name = "b", bucket = "logs-a", prefix = "b/", notifications = "eventbridge" }]
  }

  expect_failures = [var.sources]
}

run "eventbridge_without_a_bus" {
  command = plan

  variables {
    event_bus_arn = null
  }

  expect_failures = [var.sources]
}

run "topic_for_a_bucket_of_another_region" {
  command = plan

  variables {
    sources = [{ name = "a", bucket = "payments-logs", region = "eu-central-1" }]
  }

  expect_failures = [var.sources]
}

run "unchecked_bucket_notifications_warn" {
  command = plan

  variables {
    bucket_notifications_checked = false
  }

  expect_failures = [check.bucket_notifications]
}
