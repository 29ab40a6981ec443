data "aws_partition" "this" {}

data "aws_region" "this" {}

data "aws_caller_identity" "this" {}

locals {
  account_id = data.aws_caller_identity.this.account_id
  partition  = data.aws_partition.this.partition
  region     = data.aws_region.this.id # `id`, not `name`: provider 6 deprecates `name`

  # ARNs written out instead of read from resources: every policy is known at plan, and no cycle arises.
  root_arn   = "arn:${local.partition}:iam::${local.account_id}:root"
  bucket     = coalesce(var.bucket_name, "${var.name}-lake-${local.account_id}")
  bucket_arn = "arn:${local.partition}:s3:::${local.bucket}"
  glue_arn   = "arn:${local.partition}:glue:${local.region}:${local.account_id}"
  databases  = toset(["logs", "detections", "monitor"]) # the Iceberg namespaces of the service

  catalog_arns = concat(
    ["${local.glue_arn}:catalog"],
    [for name in sort(local.databases) : "${local.glue_arn}:database/${name}"],
    [for name in sort(local.databases) : "${local.glue_arn}:table/${name}/*"],
  )
  results = "athena-results" # prefix of query results in the lake's bucket; they expire

  optimizers = merge([for name, kinds in var.optimized_tables : { for kind in kinds : "${name}/${kind}" => {
    database = split(".", name)[0]
    table    = split(".", name)[1]
    kind     = kind
  } }]...)
}
