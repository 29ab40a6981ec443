data "aws_partition" "this" {}

data "aws_region" "this" {}

data "aws_caller_identity" "this" {}

locals {
  account_id = data.aws_caller_identity.this.account_id
  partition  = data.aws_partition.this.partition
  region     = data.aws_region.this.id # `id`, not `name`: provider 6 deprecates `name`

  root_arn   = "arn:${local.partition}:iam::${local.account_id}:root"
  bucket_arn = "arn:${local.partition}:s3:::${var.bucket_name}"                                                           # written out: the policy is known at plan
  via_s3     = distinct(["s3.${local.region}.amazonaws.com", "s3.${local.region}.${data.aws_partition.this.dns_suffix}"]) # in China both are seen

  reader_role_arn = coalesce(var.reader_role_arn, "arn:${local.partition}:iam::${local.account_id}:role/headwater-reader")
}
