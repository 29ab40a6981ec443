# After the policy: whoever starts a log source waits until it may write.
output "bucket_name" {
  description = "The bucket, once its policy lets the log source write."
  value       = aws_s3_bucket_policy.this.bucket
}

output "bucket_arn" {
  description = "ARN of the bucket."
  value       = local.bucket_arn
}

output "kms_key_arn" {
  description = "Key that encrypts the logs; null with encryption = \"s3\"."
  value       = one(aws_kms_key.this[*].arn)
}
