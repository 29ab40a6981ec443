mock_provider "aws" {
  source = "../../mocks/central"
}

variables {
  queue_name             = "headwater-intake"
  dead_letter_queue_name = "headwater-dead-letters"
  log_group_name         = "/headwater/worker"
  cluster_name           = "headwater"
  service_names          = { worker = "headwater-worker" }
}

run "every_fault_has_an_alarm_that_reaches_somebody" {
  command = apply

  variables {
    alarm_topic_arns = ["arn:aws:sns:us-east-1:999988887777:on-call"]
  }

  assert {
    condition = output.alarm_names == tolist([
      "headwater-dead-letters", "headwater-failed-commits", "headwater-failed-objects", "headwater-oldest-notification",
      "headwater-rejected-rows", "headwater-silence", "headwater-suspended-detections", "headwater-task-restarts",
      "headwater-worker-not-running",
    ])
    error_message = "Dead letters, age, failures, rejects, silence, restarts."
  }

  assert {
    condition     = alltrue([for alarm in merge(aws_cloudwatch_metric_alarm.queue, aws_cloudwatch_metric_alarm.log) : length(alarm.alarm_actions) == 2])
    error_message = "The module's topic and the named one."
  }
}

run "the_dashboard_is_whole" {
  command = plan

  assert {
    condition     = length(jsondecode(aws_cloudwatch_dashboard.this.dashboard_body).widgets) == 7
    error_message = "Objects, rows, matches, queue, age, tasks, load."
  }
}

run "another_scheduler" {
  command = plan

  variables {
    cluster_name    = null
    service_names   = {}
    silence_minutes = 0
  }

  assert {
    condition     = length(aws_cloudwatch_metric_alarm.tasks) + length(aws_cloudwatch_metric_alarm.silence) == 0
    error_message = "No ECS, no alarm on it."
  }
}
