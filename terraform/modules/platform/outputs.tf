output "account_id" {
  description = "The central account."
  value       = data.aws_caller_identity.this.account_id
}

output "region" {
  description = "Region of queue, lake and worker."
  value       = data.aws_region.this.id
}

output "queue_url" {
  description = "URL of the intake queue."
  value       = module.intake.queue_url
}

output "queue_arn" {
  description = "ARN of the intake queue: queue_arn of customer_account."
  value       = module.intake.queue_arn
}

output "queue_kms_key_arn" {
  description = "Key of the queues."
  value       = module.intake.kms_key_arn
}

output "dead_letter_queue_url" {
  description = "URL of the dead-letter queue."
  value       = module.intake.dead_letter_queue_url
}

output "event_bus_arn" {
  description = "ARN of the central bus: event_bus_arn of customer_account; null where neither organization_id nor eventbridge_account_ids is given."
  value       = module.intake.event_bus_arn
}

output "lake_bucket" {
  description = "Bucket of the lake."
  value       = module.lake.bucket_name
}

output "lake_warehouse" {
  description = "HEADWATER_LAKE_WAREHOUSE."
  value       = module.lake.warehouse
}

output "lake_kms_key_arn" {
  description = "Key of the lake."
  value       = module.lake.kms_key_arn
}

output "lake_reader_policy" {
  description = "Permissions to query the lake in Athena, as JSON, for an analyst's role."
  value       = module.lake.reader_policy
}

output "athena_workgroup_name" {
  description = "Athena workgroup for queries."
  value       = module.lake.athena_workgroup_name
}

output "databases" {
  description = "Glue databases of the lake."
  value       = module.lake.databases
}

output "state_url" {
  description = "HEADWATER_STATE_URL without a password; null where a secret holds it, or with worker_on = \"elsewhere\"."
  value       = local.on_ecs ? module.state[0].url : null
}

output "state_admin_secret_arn" {
  description = "For `headwater state prepare --admin-secret`, once; null for an existing database."
  value       = local.on_ecs ? module.state[0].admin_secret_arn : null
}

output "vpc_id" {
  description = "The VPC of tasks and database; null with worker_on = \"elsewhere\"."
  value       = local.on_ecs ? module.network[0].vpc_id : null
}

output "private_subnet_ids" {
  description = "Subnets of tasks and database."
  value       = local.on_ecs ? module.network[0].private_subnet_ids : []
}

output "worker_security_group_id" {
  description = "Security group of the tasks; null with worker_on = \"elsewhere\"."
  value       = local.on_ecs ? module.network[0].worker_security_group_id : null
}

output "worker_role_arn" {
  description = "Role of the worker: worker_role_arn of customer_account."
  value       = module.service.worker_role_arn
}

output "task_role_arns" {
  description = "Task → its role; console and deliverer have one of their own."
  value       = module.service.task_role_arns
}

output "repository_url" {
  description = "ECR repository to push images to; null without one."
  value       = module.service.repository_url
}

output "cluster_name" {
  description = "ECS cluster; null without a task."
  value       = module.service.cluster_name
}

output "service_names" {
  description = "Task → its ECS service."
  value       = module.service.service_names
}

output "log_group_name" {
  description = "CloudWatch log group of the worker."
  value       = module.service.log_group_name
}

output "alerts_topic_arn" {
  description = "SNS topic of the alerts; null with alerts_topic = false."
  value       = module.service.alerts_topic_arn
}

output "alarm_topic_arn" {
  description = "SNS topic of the alarms; null where topics of yours are named."
  value       = var.alarms.enabled ? module.observability[0].alarm_topic_arn : null
}

output "dashboard_name" {
  description = "CloudWatch dashboard; null without alarms."
  value       = var.alarms.enabled ? module.observability[0].dashboard_name : null
}

output "accounts_file" {
  description = "Where the worker reads accounts.yml; `headwater config publish` writes it there."
  value       = module.service.accounts_file
}
