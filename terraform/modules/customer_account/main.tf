data "aws_partition" "this" {}

data "aws_region" "this" {}

data "aws_caller_identity" "this" {
  lifecycle {
    postcondition {
      condition     = self.account_id == var.account_id
      error_message = "The provider acts in account ${self.account_id}, but account_id is ${var.account_id} (${var.account_name})."
    }
  }
}

locals {
  partition = data.aws_partition.this.partition
  region    = data.aws_region.this.id # `id`, not `name`: provider 6 deprecates `name`

  makes_role = var.role_arn_existing == null
  role_name  = length(var.role_name) <= 64 ? var.role_name : "${substr(var.role_name, 0, 55)}-${substr(sha256(var.role_name), 0, 8)}"

  # Written out instead of read from the resource, so that every policy is known at plan.
  role_arn = local.makes_role ? "arn:${local.partition}:iam::${var.account_id}:role${var.role_path}${local.role_name}" : var.role_arn_existing

  buckets  = sort(distinct(var.sources[*].bucket))
  key_arns = sort(distinct(compact(var.sources[*].kms_key_arn)))
  via_s3 = { for arn in local.key_arns : arn => distinct([ # in China both suffixes are seen; elsewhere they are one
    for suffix in ["amazonaws.com", data.aws_partition.this.dns_suffix] : "s3.${split(":", arn)[3]}.${suffix}"
  ]) }
  prefixes = { for bucket in local.buckets : bucket => sort([for s in var.sources : s.prefix if s.bucket == bucket]) }

  sns_sources         = { for s in var.sources : s.name => s if s.notifications == "sns" }
  sns_buckets         = toset([for s in local.sns_sources : s.bucket])
  eventbridge_buckets = toset([for s in var.sources : s.bucket if s.notifications == "eventbridge"])
  existing_topics     = toset([for s in var.sources : s.topic_arn if s.notifications == "existing_topic"])

  # Bucket names have no '_', so this stays one name per bucket.
  topic_names        = { for bucket in local.sns_buckets : bucket => "headwater-${replace(bucket, ".", "_")}" }
  managed_topic_arns = { for bucket, name in local.topic_names : bucket => "arn:${local.partition}:sns:${local.region}:${var.account_id}:${name}" }
}

check "bucket_notifications" {
  assert {
    condition     = length(local.sns_buckets) == 0 || var.bucket_notifications_checked
    error_message = "The notification of ${join(", ", local.sns_buckets)} will be REPLACED: S3 keeps one configuration per bucket and Terraform cannot read it at plan. `headwater onboard` checks it; otherwise look with `aws s3api get-bucket-notification-configuration`, then set bucket_notifications_checked = true."
  }
}
