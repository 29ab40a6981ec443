data "aws_partition" "this" {}

data "aws_region" "this" {}

data "aws_caller_identity" "this" {}

locals {
  account_id = data.aws_caller_identity.this.account_id
  partition  = data.aws_partition.this.partition
  region     = data.aws_region.this.id # `id`, not `name`: provider 6 deprecates `name`

  # ARNs written out instead of read from resources: every policy is known at plan, and no cycle arises.
  bucket     = coalesce(var.bucket_name, "${var.name}-s3-access-${local.account_id}-${local.region}")
  bucket_arn = "arn:${local.partition}:s3:::${local.bucket}"
}
