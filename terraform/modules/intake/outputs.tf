output "queue_url" {
  description = "URL of the intake queue: HEADWATER_QUEUE_URL."
  value       = aws_sqs_queue.intake.url
}

output "queue_arn" {
  description = "ARN of the intake queue: queue_arn of customer_account."
  value       = aws_sqs_queue.intake.arn
}

output "queue_name" {
  description = "Name of the intake queue, for alarms."
  value       = aws_sqs_queue.intake.name
}

output "dead_letter_queue_url" {
  description = "URL of the dead-letter queue: HEADWATER_DEAD_LETTER_QUEUE_URL."
  value       = aws_sqs_queue.dead_letters.url
}

output "dead_letter_queue_arn" {
  description = "ARN of the dead-letter queue."
  value       = aws_sqs_queue.dead_letters.arn
}

output "dead_letter_queue_name" {
  description = "Name of the dead-letter queue, for alarms."
  value       = aws_sqs_queue.dead_letters.name
}

output "kms_key_arn" {
  description = "Key of both queues."
  value       = aws_kms_key.this.arn
}

output "event_bus_arn" {
  description = "ARN of the central bus: event_bus_arn of customer_account; null where neither organization_id nor eventbridge_account_ids is given."
  value       = local.has_bus ? aws_cloudwatch_event_bus.this[0].arn : null
}
