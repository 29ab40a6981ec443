data "aws_partition" "this" {}

data "aws_region" "this" {}

data "aws_caller_identity" "this" {}

locals {
  account_id = data.aws_caller_identity.this.account_id
  partition  = data.aws_partition.this.partition
  region     = data.aws_region.this.id # `id`, not `name`: provider 6 deprecates `name`
  root_arn   = "arn:${local.partition}:iam::${local.account_id}:root"

  makes_database = var.existing == null
  is_aurora      = local.makes_database && var.engine == "aurora"
  is_instance    = local.makes_database && var.engine == "instance"
  makes_key      = local.makes_database && var.kms_key_arn == null
  key_arn        = local.makes_key ? aws_kms_key.this[0].arn : var.kms_key_arn

  database = "headwater"
  admin    = "headwater_admin"
  port     = local.makes_database ? 5432 : var.existing.port
  family   = "postgres${split(".", var.engine_version)[0]}"

  host = (
    local.is_aurora ? aws_rds_cluster.this[0].endpoint :
    local.is_instance ? aws_db_instance.this[0].address :
    var.existing.host
  )
  resource_id = (
    local.is_aurora ? aws_rds_cluster.this[0].cluster_resource_id :
    local.is_instance ? aws_db_instance.this[0].resource_id :
    var.existing.resource_id
  )
  admin_secret = (
    local.is_aurora ? aws_rds_cluster.this[0].master_user_secret[0].secret_arn :
    local.is_instance ? aws_db_instance.this[0].master_user_secret[0].secret_arn :
    null
  )

  settings = {
    "rds.force_ssl"                       = "1"
    "log_min_duration_statement"          = "1000" # ms
    "idle_in_transaction_session_timeout" = "300000"
  }
}
