output "bucket_name" {
  description = "Bucket of the lake."
  value       = aws_s3_bucket.this.bucket
}

output "bucket_arn" {
  description = "ARN of that bucket."
  value       = local.bucket_arn
}

output "warehouse" {
  description = "HEADWATER_LAKE_WAREHOUSE."
  value       = "s3://${local.bucket}/lake"
}

output "kms_key_arn" {
  description = "Key of the lake."
  value       = aws_kms_key.this.arn
}

output "databases" {
  description = "Glue databases of the lake."
  value       = sort([for database in aws_glue_catalog_database.this : database.name])
}

output "athena_workgroup_name" {
  description = "Athena workgroup for queries."
  value       = aws_athena_workgroup.this.name
}

output "writer_policy" {
  description = "Permissions to write the lake, as JSON: the worker's."
  value       = data.aws_iam_policy_document.writer.json
}

output "reader_policy" {
  description = "Permissions to query the lake through the workgroup, as JSON: an analyst's."
  value       = data.aws_iam_policy_document.reader.json
}
