mock_provider "aws" {
  source = "../../mocks/customer"
}

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

run "topics_and_notifications_are_one_per_bucket" {
  command = plan

  assert {
    condition     = toset(keys(aws_s3_bucket_notification.this)) == toset(["payments-logs", "logs.payments.example.com"])
    error_message = "Only buckets of sns sources get a notification, one each."
  }

  assert {
    condition     = toset(aws_s3_bucket_notification.this["payments-logs"].topic[*].filter_prefix) == toset(["AWSLogs/", "alb/"])
    error_message = "One notification carries every prefix of the bucket."
  }

  assert {
    condition     = aws_sns_topic.this["logs.payments.example.com"].name == "headwater-logs_payments_example_com"
    error_message = "Topic names have no dots."
  }
}

run "one_subscription_per_topic" {
  command = plan

  assert {
    condition     = toset(keys(aws_sns_topic_subscription.this)) == toset(["payments-logs", "logs.payments.example.com", "arn:aws:sns:us-east-1:444455556666:shared"])
    error_message = "Sources that share a topic share its subscription."
  }

  assert {
    condition     = alltrue([for s in aws_sns_topic_subscription.this : s.raw_message_delivery && s.endpoint == var.queue_arn])
    error_message = "Delivery is raw, to the central queue."
  }
}

run "an_eventbridge_bucket_gets_a_rule_and_keeps_its_notification" {
  command = plan

  assert {
    condition     = keys(aws_cloudwatch_event_rule.this) == ["payments-waf"] && !contains(keys(aws_s3_bucket_notification.this), "payments-waf")
    error_message = "EventBridge on the bucket is the customer's setting."
  }

  assert {
    condition     = aws_cloudwatch_event_target.this["payments-waf"].arn == var.event_bus_arn
    error_message = "The rule's target is the central bus."
  }
}

run "event_pattern_names_the_prefixes" {
  command = plan

  variables {
    sources = [
      { name = "a", bucket = "payments-waf", prefix = "a/", notifications = "eventbridge" },
      { name = "b", bucket = "payments-waf", prefix = "b/", notifications = "eventbridge" },
    ]
  }

  assert {
    condition     = jsondecode(aws_cloudwatch_event_rule.this["payments-waf"].event_pattern).detail.object.key == [{ prefix = "a/" }, { prefix = "b/" }]
    error_message = "The rule forwards the sources' prefixes only."
  }
}

run "polling_makes_only_the_role" {
  command = plan

  variables {
    sources = [{ name = "polled", bucket = "payments-logs", notifications = "none" }]
  }

  assert {
    condition     = length(aws_sns_topic.this) + length(aws_s3_bucket_notification.this) + length(aws_sns_topic_subscription.this) + length(aws_cloudwatch_event_rule.this) == 0
    error_message = "notifications = none touches nothing but the role."
  }
}

run "long_role_name_is_cut_and_hashed" {
  command = plan

  variables {
    role_name = "log-integration-production-a-very-long-customer-name-that-goes-on-and-on-for-ever-gmbh-reader-role"
  }

  assert {
    condition     = aws_iam_role.this[0].name == "log-integration-production-a-very-long-customer-name-th-${substr(sha256(var.role_name), 0, 8)}" && length(aws_iam_role.this[0].name) == 64
    error_message = "55 characters, '-', 8 hex digits of the SHA-256."
  }
}

run "own_role_with_a_path_is_kept" {
  command = plan

  variables {
    role_arn_existing = "arn:aws:iam::111122223333:role/corp/security/log-read"
  }

  assert {
    condition     = length(aws_iam_role.this) == 0 && length(aws_iam_role_policy.read) == 0
    error_message = "No role is made."
  }

  assert {
    condition     = output.role_arn == "arn:aws:iam::111122223333:role/corp/security/log-read"
    error_message = "The path stays."
  }
}

run "boundary_is_on_every_role" {
  command = plan

  variables {
    permissions_boundary_arn = "arn:aws:iam::111122223333:policy/boundary"
  }

  assert {
    condition     = alltrue([for role in concat(aws_iam_role.this, aws_iam_role.events) : role.permissions_boundary == "arn:aws:iam::111122223333:policy/boundary"])
    error_message = "Reader and events role carry the boundary."
  }
}

run "central_subscribes_where_asked" {
  command = plan

  variables {
    subscribe_from = "central"
  }

  assert {
    condition     = keys(aws_sns_topic_subscription.this) == ["arn:aws:sns:us-east-1:444455556666:shared"]
    error_message = "Managed topics are left to the central account."
  }
}

run "three_sources" {
  command = apply

  variables {
    sources = [for name in ["first", "middle", "last"] : { name = name, bucket = "logs-${name}" }]
  }
}

run "removing_the_middle_source_keeps_the_others" {
  command = apply

  variables {
    sources = [for name in ["first", "last"] : { name = name, bucket = "logs-${name}" }]
  }

  assert {
    condition     = output.topic_arns.first == run.three_sources.topic_arns.first && output.queue_subscriptions == { for arn, s in run.three_sources.queue_subscriptions : arn => s if !strcontains(arn, "middle") }
    error_message = "Sources are keyed by name and bucket, not by position."
  }
}
