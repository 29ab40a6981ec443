output "source" {
  description = "The log feed, as customer_account takes it in `sources`. The bucket has no other notifications."
  value = {
    name          = "cloudtrail"
    bucket        = module.bucket.bucket_name
    prefix        = "${var.prefix}AWSLogs/"
    region        = local.region
    kms_key_arn   = module.bucket.kms_key_arn
    notifications = "sns"
  }
}

output "trail_arn" {
  description = "ARN of the trail."
  value       = aws_cloudtrail.this.arn
}
