output "alarm_topic_arn" {
  description = "Topic of the alarms; null with create_alarm_topic = false."
  value       = var.create_alarm_topic ? aws_sns_topic.alarms[0].arn : null
}

output "alarm_names" {
  description = "Every alarm."
  value = sort(concat(
    [for alarm in aws_cloudwatch_metric_alarm.queue : alarm.alarm_name],
    [for alarm in aws_cloudwatch_metric_alarm.log : alarm.alarm_name],
    [for alarm in aws_cloudwatch_metric_alarm.tasks : alarm.alarm_name],
    [for alarm in aws_cloudwatch_metric_alarm.silence : alarm.alarm_name],
    [aws_cloudwatch_metric_alarm.rejects.alarm_name],
  ))
}

output "dashboard_name" {
  description = "The dashboard."
  value       = aws_cloudwatch_dashboard.this.dashboard_name
}
