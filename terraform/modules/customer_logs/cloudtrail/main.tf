data "aws_partition" "this" {}

data "aws_region" "this" {}

data "aws_caller_identity" "this" {}

locals {
  account_id = data.aws_caller_identity.this.account_id
  partition  = data.aws_partition.this.partition
  region     = data.aws_region.this.id # `id`, not `name`: provider 6 deprecates `name`

  # ARNs written out instead of read from resources: every policy is known at plan, and no cycle arises.
  bucket     = coalesce(var.bucket_name, "${var.name}-cloudtrail-${local.account_id}")
  bucket_arn = "arn:${local.partition}:s3:::${local.bucket}"
  trail_arn  = "arn:${local.partition}:cloudtrail:${local.region}:${local.owner_id}:trail/${var.name}"

  # An organisation's trail belongs to the management account, even where the delegated administrator made it; it writes
  # the members' logs below the organisation's id.
  owner_id = coalesce(var.management_account_id, local.account_id)
  owners   = compact([local.owner_id, var.organization_id])
}
