output "worker_role_arn" {
  description = "Role of the tasks: worker_role_arn of customer_account."
  value       = aws_iam_role.worker.arn
}

output "task_role_arns" {
  description = "Task → its role."
  value       = { for name in keys(var.tasks) : name => contains(local.own_roles, name) ? aws_iam_role.task[name].arn : aws_iam_role.worker.arn }
}

output "cluster_name" {
  description = "ECS cluster; null without an image."
  value       = local.has_task ? aws_ecs_cluster.this[0].name : null
}

output "service_names" {
  description = "Task → its ECS service."
  value       = { for name, service in aws_ecs_service.this : name => service.name }
}

output "task_definition_arns" {
  description = "Task → its ECS task definition."
  value       = { for name, task in aws_ecs_task_definition.this : name => task.arn }
}

output "repository_url" {
  description = "ECR repository to push images to; null without repository.create."
  value       = var.repository.create ? aws_ecr_repository.this[0].repository_url : null
}

output "log_group_name" {
  description = "CloudWatch log group of the tasks."
  value       = aws_cloudwatch_log_group.worker.name
}

output "alerts_topic_arn" {
  description = "SNS topic of the alerts; null with alerts_topic = false."
  value       = var.alerts_topic ? aws_sns_topic.alerts[0].arn : null
}

output "kms_key_arn" {
  description = "Key of the log group, the repository and the alerts topic."
  value       = aws_kms_key.this.arn
}

output "accounts_file" {
  description = "Where the tasks read accounts.yml; `headwater config publish` writes it there."
  value       = local.accounts_file
}
