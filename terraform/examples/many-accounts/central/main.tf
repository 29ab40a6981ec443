locals {
  config    = yamldecode(file(var.accounts_file))
  central   = local.config.central
  defaults  = try(local.config.defaults, {})
  partition = startswith(local.central.region, "cn-") ? "aws-cn" : startswith(local.central.region, "us-gov-") ? "aws-us-gov" : "aws"

  default_role_name = try(local.defaults.role_name, "headwater-reader")

  default_role_path = try(local.defaults.role_path, "/")

  # The reader role of each account, where it is not the default one.
  role_arns = { for account in local.config.accounts : account.id => try(account.role_arn, format(
    "arn:%s:iam::%s:role%s%s", local.partition, account.id, try(account.role_path, local.default_role_path), try(account.role_name, local.default_role_name)
  )) }
  other_role_arns = [for id, arn in local.role_arns : arn if !endswith(arn, ":role${local.default_role_path}${local.default_role_name}")]

  eventbridge_account_ids = [for account in local.config.accounts : account.id if contains(
    [for source in account.sources : try(source.notifications, local.defaults.notifications, "sns")], "eventbridge"
  )]
  organization_id = try(local.central.organization_id, null)
}

provider "aws" {
  region              = local.central.region
  allowed_account_ids = [local.central.account_id]

  dynamic "assume_role" {
    for_each = var.deploy_role_name == null ? [] : [var.deploy_role_name]

    content {
      role_arn     = "arn:${local.partition}:iam::${local.central.account_id}:role/${assume_role.value}"
      session_name = "headwater-deploy"
    }
  }
}

module "platform" {
  source = "../../../modules/platform"

  name                    = trimsuffix(try(local.central.worker_role_name, "headwater-worker"), "-worker")
  lake                    = { bucket_name = try(local.central.lake_bucket, null) }
  organization_id         = local.organization_id
  customer_account_ids    = local.organization_id == null ? [for account in local.config.accounts : account.id] : []
  eventbridge_account_ids = local.organization_id == null ? local.eventbridge_account_ids : []
  customer_role_name      = trimprefix("${local.default_role_path}${local.default_role_name}", "/")
  customer_role_arns      = local.other_role_arns
  worker_on               = var.worker == null ? "elsewhere" : "ecs"
  image                   = try(var.worker.image, null)
  trial                   = var.trial
}
