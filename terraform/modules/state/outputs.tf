output "url" {
  description = "HEADWATER_STATE_URL: without a password, because the service logs in by IAM (HEADWATER_STATE_IAM_AUTH). null where an existing database keeps its URL in a secret."
  value       = var.existing != null && try(var.existing.url_secret_arn, null) != null ? null : "postgresql://${var.username}@${local.host}:${local.port}/${local.makes_database ? local.database : var.existing.database}?sslmode=require"
}

output "url_secret_arn" {
  description = "Secret with the whole URL of an existing database; null where the service logs in by IAM."
  value       = try(var.existing.url_secret_arn, null)
}

output "connect_policy" {
  description = "Permission to log in by IAM, as JSON; null where a secret is used."
  value       = local.resource_id == null ? null : data.aws_iam_policy_document.connect.json
}

output "admin_secret_arn" {
  description = "Secret of the administrator's password, made by RDS, for `headwater state prepare`; null for an existing database."
  value       = local.admin_secret
}

output "kms_key_arn" {
  description = "Key of the database; null for an existing one."
  value       = local.makes_database ? local.key_arn : null
}

output "security_group_id" {
  description = "Security group of the database; null for an existing one."
  value       = local.makes_database ? aws_security_group.this[0].id : null
}

output "instance_identifier" {
  description = "Identifier for alarms; null for an existing database."
  value       = local.is_aurora ? aws_rds_cluster.this[0].cluster_identifier : local.is_instance ? aws_db_instance.this[0].identifier : null
}
