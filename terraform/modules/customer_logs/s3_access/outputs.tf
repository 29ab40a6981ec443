output "source" {
  description = "The log feed, as customer_account takes it in `sources`. The bucket has no other notifications and, because of SSE-S3, no key."
  value = {
    name          = "s3-access"
    bucket        = module.bucket.bucket_name
    prefix        = var.prefix
    region        = local.region
    kms_key_arn   = module.bucket.kms_key_arn
    notifications = "sns"
  }
}
