output "account_id" {
  description = "The central account."
  value       = local.account_id
}

output "region" {
  description = "Region of queue, lake and worker."
  value       = local.region
}

output "queue_url" {
  description = "URL of the intake queue."
  value       = aws_sqs_queue.intake.url
}

output "queue_arn" {
  description = "ARN of the intake queue: queue_arn of customer_account."
  value       = aws_sqs_queue.intake.arn
}

output "queue_kms_key_arn" {
  description = "Key of the queues."
  value       = aws_kms_key.queue.arn
}

output "dead_letter_queue_url" {
  description = "URL of the dead-letter queue."
  value       = aws_sqs_queue.dead_letters.url
}

output "event_bus_arn" {
  description = "ARN of the central bus: event_bus_arn of customer_account; null where neither organization_id nor eventbridge_account_ids is given."
  value       = local.has_bus ? aws_cloudwatch_event_bus.this[0].arn : null
}

output "lake_bucket" {
  description = "Bucket of the lake."
  value       = aws_s3_bucket.lake.bucket
}

output "lake_warehouse" {
  description = "HEADWATER_LAKE_WAREHOUSE."
  value       = "s3://${local.lake_bucket}/lake"
}

output "lake_kms_key_arn" {
  description = "Key of the lake, the log group and the alerts topic."
  value       = aws_kms_key.lake.arn
}

output "databases" {
  description = "Glue databases of the lake."
  value       = sort([for database in aws_glue_catalog_database.this : database.name])
}

output "worker_role_arn" {
  description = "Role of the worker: worker_role_arn of customer_account."
  value       = aws_iam_role.worker.arn
}

output "cluster_name" {
  description = "ECS cluster; null without an image."
  value       = local.has_task ? aws_ecs_cluster.this[0].name : null
}

output "task_definition_arn" {
  description = "ECS task definition of the worker; null without an image."
  value       = local.has_task ? aws_ecs_task_definition.worker[0].arn : null
}

output "log_group_name" {
  description = "CloudWatch log group of the worker."
  value       = aws_cloudwatch_log_group.worker.name
}

output "alerts_topic_arn" {
  description = "SNS topic of the alerts; null with alerts_topic = false."
  value       = var.alerts_topic ? aws_sns_topic.alerts[0].arn : null
}

output "accounts_file" {
  description = "Where the worker reads accounts.yml; `headwater config publish` writes it there."
  value       = local.accounts_file
}
