locals {
  queue_alarms = {
    dead-letters = {
      description = "Notifications were put aside. `headwater run` says why in its log; after the fix, redrive the dead-letter queue."
      metric      = "ApproximateNumberOfMessagesVisible", queue = var.dead_letter_queue_name, threshold = 0, minutes = 1
    }
    oldest-notification = {
      description = "New objects wait longer than ${var.max_age_s} s: the workers cannot keep up, or none runs."
      metric      = "ApproximateAgeOfOldestMessage", queue = var.queue_name, threshold = var.max_age_s, minutes = 5
    }
  }

  log_alarms = {
    failed-objects = {
      description = "Objects could not be read or parsed at all. `headwater run` logs object_failed with the reason."
      metric      = "ObjectsFailed", threshold = 0, minutes = 5
    }
    failed-commits = {
      description = "The lake or the state database refused commits more than ${var.max_failed_commits} times in 15 minutes."
      metric      = "CommitsFailed", threshold = var.max_failed_commits, minutes = 15
    }
    task-restarts = {
      description = "Batches of dead workers were taken over more than ${var.max_restarts} times in 15 minutes: tasks are killed or crash."
      metric      = "BatchesTakenOver", threshold = var.max_restarts, minutes = 15
    }
    suspended-detections = {
      description = "A detection raised too often and does not run any more: `headwater detections status`."
      metric      = "DetectionsSuspended", threshold = 0, minutes = 5
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "queue" {
  for_each = local.queue_alarms

  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = each.value.description
  namespace           = "AWS/SQS"
  metric_name         = each.value.metric
  dimensions          = { QueueName = each.value.queue }
  statistic           = "Maximum"
  period              = 60
  evaluation_periods  = each.value.minutes
  threshold           = each.value.threshold
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching" # an idle queue sends no metrics
  alarm_actions       = local.alarm_actions
  ok_actions          = local.alarm_actions
  tags                = var.tags
}

resource "aws_cloudwatch_metric_alarm" "log" {
  for_each = local.log_alarms

  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = each.value.description
  namespace           = local.namespace
  metric_name         = each.value.metric
  statistic           = "Sum"
  period              = each.value.minutes * 60
  evaluation_periods  = 1
  threshold           = each.value.threshold
  comparison_operator = "GreaterThanThreshold"
  treat_missing_data  = "notBreaching"
  alarm_actions       = local.alarm_actions
  ok_actions          = local.alarm_actions
  tags                = var.tags

  depends_on = [aws_cloudwatch_log_metric_filter.this]
}

resource "aws_cloudwatch_metric_alarm" "rejects" {
  alarm_name          = "${var.name}-rejected-rows"
  alarm_description   = "More than ${var.max_reject_percent} % of an hour's rows fit no schema: `headwater rejects list`."
  comparison_operator = "GreaterThanThreshold"
  threshold           = var.max_reject_percent
  evaluation_periods  = 1
  treat_missing_data  = "notBreaching"
  alarm_actions       = local.alarm_actions
  ok_actions          = local.alarm_actions
  tags                = var.tags

  metric_query {
    id          = "percent"
    expression  = "IF(rows > 0, 100 * rejects / rows, 0)"
    label       = "Rejected rows, per cent"
    return_data = true
  }

  dynamic "metric_query" {
    for_each = { rows = "RowsIn", rejects = "RowsRejected" }

    content {
      id = metric_query.key

      metric {
        namespace   = local.namespace
        metric_name = metric_query.value
        stat        = "Sum"
        period      = 3600
      }
    }
  }

  depends_on = [aws_cloudwatch_log_metric_filter.this]
}

resource "aws_cloudwatch_metric_alarm" "silence" {
  count = var.silence_minutes > 0 ? 1 : 0

  alarm_name          = "${var.name}-silence"
  alarm_description   = "No object of any customer was processed for ${var.silence_minutes} minutes."
  namespace           = local.namespace
  metric_name         = "ObjectsProcessed"
  statistic           = "Sum"
  period              = var.silence_minutes * 60
  evaluation_periods  = 1
  threshold           = 1
  comparison_operator = "LessThanThreshold"
  treat_missing_data  = "breaching" # no log at all is silence too
  alarm_actions       = local.alarm_actions
  ok_actions          = local.alarm_actions
  tags                = var.tags

  depends_on = [aws_cloudwatch_log_metric_filter.this]
}

resource "aws_cloudwatch_metric_alarm" "tasks" {
  for_each = local.has_service ? var.service_names : {}

  alarm_name          = "${var.name}-${each.key}-not-running"
  alarm_description   = "No task of ${each.value} runs."
  namespace           = "ECS/ContainerInsights"
  metric_name         = "RunningTaskCount"
  dimensions          = { ClusterName = var.cluster_name, ServiceName = each.value }
  statistic           = "Maximum"
  period              = 60
  evaluation_periods  = 5
  threshold           = 1
  comparison_operator = "LessThanThreshold"
  treat_missing_data  = "breaching"
  alarm_actions       = local.alarm_actions
  ok_actions          = local.alarm_actions
  tags                = var.tags
}

locals {
  graphs = concat(
    [
      { title = "Objects and failures", metrics = [for name in ["ObjectsProcessed", "ObjectsFailed", "MessagesPutAside"] : [local.namespace, name]], stat = "Sum" },
      { title = "Rows and rejects", metrics = [for name in ["RowsIn", "RowsRejected"] : [local.namespace, name]], stat = "Sum" },
      { title = "Matches", metrics = [[local.namespace, "Matches"]], stat = "Sum" },
      { title = "Notifications that wait", metrics = [["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", var.queue_name], [".", ".", ".", var.dead_letter_queue_name]], stat = "Maximum" },
      { title = "Age of the oldest notification (s)", metrics = [["AWS/SQS", "ApproximateAgeOfOldestMessage", "QueueName", var.queue_name]], stat = "Maximum" },
    ],
    local.has_service ? [
      { title = "Tasks", metrics = [for service in values(var.service_names) : ["ECS/ContainerInsights", "RunningTaskCount", "ClusterName", var.cluster_name, "ServiceName", service]], stat = "Maximum" },
      { title = "CPU and memory (%)", metrics = concat([for service in values(var.service_names) : ["AWS/ECS", "CPUUtilization", "ClusterName", var.cluster_name, "ServiceName", service]], [for service in values(var.service_names) : ["AWS/ECS", "MemoryUtilization", "ClusterName", var.cluster_name, "ServiceName", service]]), stat = "Average" },
    ] : [],
  )
}

resource "aws_cloudwatch_dashboard" "this" {
  dashboard_name = var.name

  dashboard_body = jsonencode({
    widgets = [for index, graph in local.graphs : {
      type   = "metric"
      x      = index % 2 * 12
      y      = floor(index / 2) * 6
      width  = 12
      height = 6
      properties = {
        title   = graph.title
        region  = local.region
        view    = "timeSeries"
        stat    = graph.stat
        period  = 300
        metrics = graph.metrics
      }
    }]
  })
}
