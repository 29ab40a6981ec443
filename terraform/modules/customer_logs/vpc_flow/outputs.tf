output "source" {
  description = "The log feed, as customer_account takes it in `sources`. The bucket has no other notifications."
  value = {
    name          = "vpc-flow"
    bucket        = module.bucket.bucket_name
    prefix        = "${var.prefix}AWSLogs/"
    region        = local.region
    kms_key_arn   = module.bucket.kms_key_arn
    notifications = "sns"
  }
}

output "flow_log_ids" {
  description = "Name of the VPC → its flow log."
  value       = { for name, log in aws_flow_log.this : name => log.id }
}
